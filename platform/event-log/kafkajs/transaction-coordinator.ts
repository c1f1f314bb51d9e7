/** What the coordinator of a transactional id is asked, until it gives something else than "not now" or "not me". */
import type { Clock } from '../../clock.js';
import { ConfabError } from '../../errors.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { codeName, KafkaCode, refusal, STALE_COORDINATOR } from './codes.js';
import { byTopic, type Coordinators, type Directory } from './directory.js';
import { addOffsetsToTxn, addPartitionsToTxn, describeTransaction, endTxn, initProducerId, type Identity } from './requests-transaction.js';

export interface TransactionCoordinatorOptions {
  readonly network: Network;
  readonly directory: Directory;
  readonly coordinators: Coordinators;
  readonly clock: Clock;
  /** Whose offsets are part of the transactions. */
  readonly group: string;
  readonly transactionTimeoutMillis: number;
}

export const PAUSE_MILLIS = { first: 1, most: 50 };
const OPERATION_NOT_ATTEMPTED = 55;

export class TransactionCoordinator {
  constructor(private readonly options: TransactionCoordinatorOptions) {}

  /** Ends what the id has open and gives the identity with which it goes on, once its last transaction is complete. */
  initialise(id: string, until: number): Promise<Identity> {
    return this.insist(id, until, async (node) => {
      const { code, producerId, epoch } = await this.options.network.send(node, initProducerId(id, this.options.transactionTimeoutMillis));
      return code === KafkaCode.NONE ? { transactionalId: id, producerId, epoch } : code;
    });
  }

  /** How the last transaction of the id stands, e.g. `CompleteCommit`; '' when the id is not known. */
  async state(id: string, until: number): Promise<string> {
    const { state } = await this.insist(id, until, async (node) => {
      const found = await this.options.network.send(node, describeTransaction(id));
      return found.code === KafkaCode.NONE || found.code === KafkaCode.TRANSACTIONAL_ID_NOT_FOUND ? found : found.code;
    });
    return state;
  }

  /** Partitions that the transaction writes to, and the group's offsets. */
  async add(identity: Identity, wanted: readonly { topic: string; partition: number }[], offsets: boolean, until: number): Promise<void> {
    const { network, group } = this.options;
    const partitions = [...new Map(wanted.map((each) => [`${each.topic}/${each.partition}`, each])).values()];
    const topics = byTopic(partitions, ({ partition }) => partition);
    await this.insist(identity.transactionalId ?? '', until, async (node) => {
      // Sent together: the broker takes the requests of a connection in order.
      const [codes, offsetsCode] = await Promise.all([
        topics.length > 0 ? network.send(node, addPartitionsToTxn(identity, topics)) : [],
        offsets ? network.send(node, addOffsetsToTxn(identity, group)) : KafkaCode.NONE,
      ]);
      // Where one partition is refused the others answer OPERATION_NOT_ATTEMPTED.
      const bad = codes.find(({ code }) => code !== KafkaCode.NONE && code !== OPERATION_NOT_ATTEMPTED);
      if (bad?.code === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) this.options.directory.forget(bad.topic);
      return bad?.code ?? (offsetsCode === KafkaCode.NONE ? { done: true } : offsetsCode);
    });
  }

  /** Ends a transaction that may be ended twice alike: one that holds nothing. */
  async end(identity: Identity, commit: boolean, until: number): Promise<void> {
    await this.insist(identity.transactionalId ?? '', until, async (node) => {
      const code = await this.options.network.send(node, endTxn(identity, commit));
      return code === KafkaCode.NONE ? { done: true } : code;
    });
  }

  /**
   * Commits. Asked again after a missing answer: the coordinator knows whether it was decided.
   * @throws CONFAB_LOG_OUTCOME_UNKNOWN
   */
  async decide(identity: Identity, until: number): Promise<void> {
    const { network, clock, coordinators } = this.options;
    const id = identity.transactionalId ?? '';
    let unanswered = false;
    for (let pause = PAUSE_MILLIS.first; ; pause = Math.min(pause * 2, PAUSE_MILLIS.most)) {
      let failed: number | NoAnswer;
      try {
        failed = await network.send(await coordinators.node('transaction', id), endTxn(identity, true));
        if (failed === KafkaCode.NONE) return;
        // The decision may stand in the coordinator's log although it could not be acknowledged, and come into force later.
        unanswered ||= STALE_COORDINATOR.has(failed) || failed === KafkaCode.REQUEST_TIMED_OUT || failed === KafkaCode.UNKNOWN_SERVER_ERROR;
      } catch (error) {
        if (error instanceof ConfabError && error.retryable) failed = KafkaCode.COORDINATOR_NOT_AVAILABLE;
        else if (error instanceof NoAnswer) { failed = error; unanswered ||= error.sent; } else throw error;
      }
      const again = coordinators.stale('transaction', id, failed) || (failed === KafkaCode.CONCURRENT_TRANSACTIONS && unanswered);
      if (again && clock.monotonic() < until) { await clock.sleep(pause); continue; }
      const reason = failed instanceof NoAnswer ? failed.message : codeName(failed);
      if (unanswered) throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN', { detail: `the end of the transaction: ${reason}` });
      throw failed instanceof NoAnswer ? failed : refusal(failed === KafkaCode.INVALID_TXN_STATE ? KafkaCode.PRODUCER_FENCED : failed, id);
    }
  }

  /** Best effort: the broker ends it by itself after the transaction time-out. */
  async abort(identity: Identity): Promise<void> {
    try {
      await this.options.network.send(await this.options.coordinators.node('transaction', identity.transactionalId ?? ''), endTxn(identity, false));
    } catch { /* the next use of the id, or the time-out, aborts it */ }
  }

  private async insist<T>(id: string, until: number, ask: (node: number) => Promise<T | number>): Promise<T> {
    const { clock, coordinators } = this.options;
    for (let pause = PAUSE_MILLIS.first; ; pause = Math.min(pause * 2, PAUSE_MILLIS.most)) {
      let answer: T | number | NoAnswer;
      try {
        answer = await ask(await coordinators.node('transaction', id));
      } catch (error) {
        if (!(error instanceof NoAnswer) && !(error instanceof ConfabError && error.retryable)) throw error;
        answer = error instanceof NoAnswer ? error : KafkaCode.COORDINATOR_NOT_AVAILABLE;
      }
      if (typeof answer !== 'number' && !(answer instanceof NoAnswer)) return answer;
      const again = coordinators.stale('transaction', id, answer) || answer === KafkaCode.CONCURRENT_TRANSACTIONS;
      if (!again || clock.monotonic() >= until) throw answer instanceof NoAnswer ? answer : refusal(answer, id);
      await clock.sleep(pause);
    }
  }
}
