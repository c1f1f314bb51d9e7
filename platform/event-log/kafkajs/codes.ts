/** Kafka's error codes that this adapter tells apart, and what they are in the catalogue. */
import { ConfabError, type ErrorCode } from '../../errors.js';

export const KafkaCode = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  OFFSET_METADATA_TOO_LARGE: 12,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  TOPIC_ALREADY_EXISTS: 36,
  NOT_CONTROLLER: 41,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTION_COORDINATOR_FENCED: 52,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  SECURITY_DISABLED: 54,
  KAFKA_STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  FENCED_INSTANCE_ID: 82,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  PRODUCER_FENCED: 90,
} as const;

const NAMES = new Map<number, string>(Object.entries(KafkaCode).map(([name, code]) => [code, name]));

export function codeName(code: number): string {
  return NAMES.get(code) ?? `error ${code}`;
}

const of = (...codes: number[]): ReadonlySet<number> => new Set(codes);
const K = KafkaCode;

/** The partition's leader moved or is not there yet: look it up anew and try again. */
export const STALE_LEADER = of(K.UNKNOWN_TOPIC_OR_PARTITION, K.LEADER_NOT_AVAILABLE, K.NOT_LEADER_OR_FOLLOWER, K.REPLICA_NOT_AVAILABLE,
  K.KAFKA_STORAGE_ERROR, K.FENCED_LEADER_EPOCH, K.UNKNOWN_LEADER_EPOCH, K.OFFSET_NOT_AVAILABLE);
/** The coordinator moved or is not ready: look it up anew and try again. */
export const STALE_COORDINATOR = of(K.COORDINATOR_LOAD_IN_PROGRESS, K.COORDINATOR_NOT_AVAILABLE, K.NOT_COORDINATOR);
/** The member's place in the group is gone. */
export const LOST_PLACE = of(K.ILLEGAL_GENERATION, K.UNKNOWN_MEMBER_ID, K.FENCED_INSTANCE_ID);
/** Another process has initialised this producer's transactional id, or the coordinator ended its transaction. */
export const LOST_PRODUCER = of(K.INVALID_PRODUCER_EPOCH, K.PRODUCER_FENCED, K.INVALID_PRODUCER_ID_MAPPING, K.TRANSACTION_COORDINATOR_FENCED);

const CATALOGUE = new Map<number, ErrorCode>([
  [K.OFFSET_OUT_OF_RANGE, 'CONFAB_OFFSET_OUT_OF_RANGE'],
  [K.UNKNOWN_TOPIC_OR_PARTITION, 'CONFAB_TOPIC_UNKNOWN'],
  [K.MESSAGE_TOO_LARGE, 'CONFAB_RECORD_TOO_LARGE'],
  [K.RECORD_LIST_TOO_LARGE, 'CONFAB_RECORD_TOO_LARGE'],
  [K.OFFSET_METADATA_TOO_LARGE, 'CONFAB_METADATA_TOO_LARGE'],
  [K.INVALID_TIMESTAMP, 'CONFAB_TIMESTAMP_REFUSED'],
  [K.TOPIC_ALREADY_EXISTS, 'CONFAB_TOPIC_EXISTS'],
]);

const TRANSIENT = of(...STALE_LEADER, ...STALE_COORDINATOR, K.REQUEST_TIMED_OUT, K.NOT_ENOUGH_REPLICAS, K.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  K.CORRUPT_MESSAGE, K.CONCURRENT_TRANSACTIONS, K.UNSTABLE_OFFSET_COMMIT, K.NOT_CONTROLLER);

/** An answer's error code as a ConfabError. */
export function refusal(code: number, detail: string): ConfabError {
  const known = CATALOGUE.get(code);
  if (known) return new ConfabError(known, { detail });
  if (LOST_PLACE.has(code) || LOST_PRODUCER.has(code) || code === K.REBALANCE_IN_PROGRESS) return new ConfabError('CONFAB_FENCED', { detail: `${detail}: ${codeName(code)}` });
  if (TRANSIENT.has(code)) return new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${detail}: ${codeName(code)}` });
  return new ConfabError('CONFAB_LOG_REFUSED', { detail: `${detail}: ${codeName(code)}` });
}
