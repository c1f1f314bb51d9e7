/** What a broker or another member of a group may send: batches of records, answers, subscriptions, assignments. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { NewRecord } from '../platform/event-log/event-log.js';
import { encodeBatch } from '../platform/event-log/kafkajs/record-encoder.js';
import { decodeBatches } from '../platform/event-log/kafkajs/record-decoder.js';
import { fetch } from '../platform/event-log/kafkajs/requests-fetch.js';
import * as group from '../platform/event-log/kafkajs/requests-group.js';
import * as metadata from '../platform/event-log/kafkajs/requests-metadata.js';
import * as transaction from '../platform/event-log/kafkajs/requests-transaction.js';
import { assign, topicsOf } from '../platform/event-log/kafkajs/sticky.js';
import { Reader, reading, Writer, type WireRequest } from '../platform/event-log/kafkajs/wire.js';
import { bytes, mutated } from './bytes.js';
import { fuzz, refusable } from './harness.js';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const record: fc.Arbitrary<NewRecord> = fc.record({
  topic: fc.constant('t'), partition: fc.constant(0), key: fc.option(text), value: fc.option(bytes(40)), timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
  headers: fc.option(fc.dictionary(fc.oneof(text, fc.constant('__proto__')), text, { minKeys: 1, maxKeys: 3 }), { nil: undefined }),
});
const identity = fc.record({ transactionalId: fc.option(fc.constant('p')), producerId: fc.nat(), epoch: fc.nat(100) });
const HEAD = 61;

/** A batch as a writer that compresses makes it. */
function compressed(batch: Buffer): Buffer {
  const body = gzipSync(batch.subarray(HEAD), { level: 1 });
  const made = Buffer.concat([batch.subarray(0, HEAD), body]);
  made.writeInt32BE(made.length - 12, 8);
  made.writeInt16BE(made.readInt16BE(21) | 1, 21);
  return made;
}

const batch = fc.tuple(fc.array(record, { minLength: 1, maxLength: 5 }), identity, fc.boolean())
  .map(([records, who, small]) => { const made = encodeBatch(records, who, 0); return { records, bytes: small ? compressed(made) : Buffer.from(made) }; });

fuzz('a batch gives the records that it was made of', batch, { runs: 800 }, ({ records, bytes: raw }) => {
  const decoded = decodeBatches(raw, 0, []);
  assert.equal(decoded.nextOffset, records.length);
  assert.deepEqual(decoded.records.map(({ key, value, timestamp, headers }) => [key, value && Buffer.from(value), timestamp, headers && Object.entries(headers)]),
    records.map(({ key, value, timestamp, headers }) => [key, value, timestamp, headers && Object.entries(headers)]));
});

/** 61 bytes of zeros but for the format: a batch whose length leads back to itself. */
const LOOP = Buffer.alloc(HEAD);
LOOP.writeInt32BE(-12, 8);
LOOP[16] = 2;
/** A batch that claims two thousand million records and holds none. */
const MANY = Buffer.alloc(HEAD + 8);
MANY.writeInt32BE(HEAD - 12 + 8, 8);
MANY[16] = 2;
MANY.writeInt32BE(0x7fffffff, 57);

fuzz('damaged batches give records within their offsets, or are refused with a code', fc.tuple(
  fc.oneof({ weight: 4, arbitrary: mutated(fc.array(batch, { minLength: 1, maxLength: 2 }).map((all) => Buffer.concat(all.map((one) => one.bytes)))) }, { weight: 1, arbitrary: bytes(300) }),
  fc.nat(3), fc.array(fc.record({ producerId: fc.nat(5), firstOffset: fc.nat(5) }), { maxLength: 2 }),
), { runs: 3000, examples: [[LOOP, 0, []], [MANY, 0, []]], limit: 5000 }, ([raw, from, aborted]) => {
  const decoded = refusable(() => decodeBatches(raw, from, aborted), 'CONFAB_RECORD_INVALID');
  for (const found of decoded?.records ?? []) assert.ok(found.offset >= from && found.offset < (decoded?.nextOffset ?? 0), `offset ${found.offset}`);
});

const place = { group: 'g', generation: 1, member: 'm' };
const requests: Readonly<Record<string, WireRequest<unknown>>> = {
  fetch: fetch({ maxWaitMillis: 1, minBytes: 1, maxBytes: 1, maxPartitionBytes: 1 }, []),
  joinGroup: group.joinGroup({ group: 'g', member: 'm', sessionTimeoutMillis: 1, rebalanceTimeoutMillis: 1, protocol: 'p', metadata: Buffer.alloc(0) }),
  syncGroup: group.syncGroup(place, [], 1), heartbeat: group.heartbeat(place), leaveGroup: group.leaveGroup('g', 'm'),
  offsetFetch: group.offsetFetch('g', [], true), offsetCommit: group.offsetCommit(place, []),
  metadata: metadata.metadata(null), findCoordinator: metadata.findCoordinator('group', 'g'), listOffsets: metadata.listOffsets([]), setTopicConfigs: metadata.setTopicConfigs('t', []),
  initProducerId: transaction.initProducerId('p', 1), produce: transaction.produce(null, 1, []), addPartitionsToTxn: transaction.addPartitionsToTxn({ transactionalId: 'p', producerId: 1, epoch: 1 }, []),
  addOffsetsToTxn: transaction.addOffsetsToTxn({ transactionalId: 'p', producerId: 1, epoch: 1 }, 'g'), txnOffsetCommit: transaction.txnOffsetCommit({ transactionalId: 'p', producerId: 1, epoch: 1 }, place, []),
  endTxn: transaction.endTxn({ transactionalId: 'p', producerId: 1, epoch: 1 }, true), describeTransaction: transaction.describeTransaction('p'),
};

/** Numbers at the edges, in the sizes that lengths and counts have. */
const edges = fc.array(fc.oneof(
  fc.constantFrom(0, 1, 2, 0x7f, 0xff).map((value) => Buffer.of(value)), fc.constantFrom(-1, 0, 1, 3, 0x7fff, -0x8000).map((value) => { const made = Buffer.alloc(2); made.writeInt16BE(value); return made; }),
  fc.constantFrom(-1, 0, 1, 2, 5, 0x7fffffff, -0x80000000).map((value) => { const made = Buffer.alloc(4); made.writeInt32BE(value); return made; }),
), { maxLength: 40 }).map((parts) => Buffer.concat(parts));

fuzz('any bytes are an answer to a request, or are said to be none', fc.tuple(fc.constantFrom(...Object.keys(requests)), fc.oneof(edges, bytes(300))), { runs: 3000, limit: 5000 }, ([name, raw]) => {
  refusable(() => reading(raw, (input) => requests[name]?.decode(input)), 'CONFAB_LOG_UNAVAILABLE');
});

fuzz('numbers and texts are read as they were written', fc.tuple(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.nat(), fc.option(text), fc.array(fc.option(text), { maxLength: 4 }), fc.option(bytes(20))), { runs: 500 }, ([long, count, word, words, data]) => {
  const { result } = new Writer(1).int64(long).uvarint(count).string(word).compactString(word).array(words, (one, out) => { out.string(one); }).compactArray(words, (one, out) => { out.compactString(one); }).data(data).tags();
  const input = new Reader(result);
  const read = [input.int64(), input.uvarint(), input.string(), input.compactString(), input.array(() => input.string()), input.compactArray(() => input.compactString()), input.data()];
  input.tags();
  assert.deepEqual([...read, input.left], [long, count, word, word, words, words, data, 0]);
});

const subscription = fc.record({ topics: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }), generation: fc.integer({ min: -1, max: 9 }), owned: fc.array(fc.integer({ min: -3, max: 9 }), { maxLength: 6 }) }).map((found) => Buffer.from(group.encodeSubscription(found)));

fuzz('whatever the members of a group say, every partition has one owner, or the group is refused with a code', fc.array(fc.oneof(subscription, subscription, mutated(subscription), bytes(40)), { minLength: 1, maxLength: 5 }), { runs: 1200 }, (said) => {
  const members = said.map((raw, index) => ({ member: `m${index}`, metadata: raw }));
  const known = new Map([['a', 4], ['b', 2], ['c', 6]]);
  const shares = refusable(() => { topicsOf(members); return assign(members, (topic) => known.get(topic) ?? 0); }, 'CONFAB_LOG_UNAVAILABLE');
  const owners = new Map<string, string>();
  for (const { member, assignment } of shares ?? []) {
    for (const { topic, partitions } of group.decodeAssignment(assignment)) {
      for (const partition of partitions) {
        assert.ok(partition >= 0 && partition < (known.get(topic) ?? 0), `${topic}/${partition}`);
        const owner = owners.get(`${topic}/${partition}`);
        assert.ok(owner === undefined || owner === member, `${topic}/${partition} belongs to ${owner ?? ''} and ${member}`);
        owners.set(`${topic}/${partition}`, member);
      }
    }
  }
});

fuzz('any bytes are an assignment or are refused with a code', fc.oneof(bytes(60), edges, mutated(fc.constant(Buffer.from(group.encodeAssignment([{ topic: 'a', partitions: [0, 1] }]))))), { runs: 700 }, (raw) => {
  refusable(() => group.decodeAssignment(raw), 'CONFAB_LOG_UNAVAILABLE');
});
