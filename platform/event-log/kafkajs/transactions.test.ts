/** Commits against a coordinator that is made up: what is asked of it, in which order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../clock.js';
import { isCode } from '../../errors.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { KafkaCode } from './codes.js';
import type { Coordinators, Directory } from './directory.js';
import { noMetrics } from './metrics.js';
import { Transactions } from './transactions.js';
import { Reader, Writer, type WireRequest } from './wire.js';

const written = [{ topic: 't', partition: 0, code: 0, baseOffset: 0, refused: [], message: null }];
const records = [{ topic: 't', partition: 0, key: null, value: Buffer.from('a'), timestamp: 0 }];

/** Answers by the name of the request; what is not named is granted. */
function coordinator(answers: Readonly<Record<string, () => unknown>>): { asked: string[]; transactions: Transactions } {
  const asked: string[] = [];
  const send = async <T>(_node: number | 'any', request: WireRequest<T>): Promise<T> => {
    const out = new Writer();
    request.encode(out);
    if (request.apiName === 'EndTxn') {
      const input = new Reader(out.result);
      input.string();
      input.int64();
      asked.push(`EndTxn ${input.int16()} ${input.boolean() ? 'commit' : 'abort'}`);
    } else asked.push(request.apiName);
    const granted: Record<string, unknown> = { InitProducerId: { code: 0, producerId: 7, epoch: 3 }, AddOffsetsToTxn: 0, AddPartitionsToTxn: [], TxnOffsetCommit: [], OffsetCommit: [], EndTxn: 0, Produce: written };
    return (answers[request.apiName]?.() ?? granted[request.apiName]) as T;
  };
  const coordinators = { node: async () => 1, stale: (_kind: string, _key: string, code: unknown) => code === KafkaCode.COORDINATOR_NOT_AVAILABLE, forget: () => undefined } as unknown as Coordinators;
  const transactions = new Transactions({
    network: { send } as unknown as Network, directory: { topic: async () => ({ leaders: [1] }), cached: () => ({ leaders: [1] }), forget: () => undefined } as unknown as Directory, coordinators, clock: systemClock, group: 'g', metrics: noMetrics,
    transactionTimeoutMillis: 200, maxRecordBytes: 1e6, maxBatchBytes: 1e6, maxRequestBytes: 1e6,
  });
  return { asked, transactions };
}

for (const [state, end] of [['CompleteCommit', 'commit'], ['CompleteAbort', 'abort']] as const) {
  test(`fencing ends an empty transaction as the last one was ended (${end}), for a marker that a broker lost when it shut down`, async () => {
    const { asked, transactions } = coordinator({ DescribeTransactions: () => ({ code: 0, state }) });
    await transactions.fence('i');
    const both = (...names: string[]): string[] => names.flatMap((name) => [name, name]);
    assert.deepEqual(asked, both('DescribeTransactions', 'InitProducerId', 'AddOffsetsToTxn', `EndTxn 3 ${end}`));
  });
}

test('after a commit that had no answer both ids are finished before they are used again', async () => {
  let away = false;
  const { asked, transactions } = coordinator({
    DescribeTransactions: () => ({ code: 0, state: 'CompleteCommit' }),
    AddOffsetsToTxn: () => { if (away) { away = false; throw new NoAnswer(true, new Error('gone')); } return 0; },
  });
  const commit = (offset: number): Promise<unknown> => transactions.commit('i', { group: 'g', generation: 1, member: 'm' }, { records, offsets: [{ topic: 't', partition: 0, offset, metadata: '' }] });
  await commit(1);
  away = true;
  await assert.rejects(commit(2), (error) => isCode(error, 'CONFAB_LOG_UNAVAILABLE'));
  asked.length = 0;
  await commit(2);
  assert.equal(asked.filter((name) => name === 'DescribeTransactions').length, 2);
  assert.equal(asked.filter((name) => name === 'EndTxn 3 commit').length, 3, 'one more than the commit itself for each id');
});

test('what an aborted commit has written is marked again too: a later commit of the same id must not bring it to light', async () => {
  let refused = false;
  const { asked, transactions } = coordinator({
    DescribeTransactions: () => ({ code: 0, state: 'CompleteAbort' }),
    TxnOffsetCommit: () => (refused ? [] : (refused = true, [{ topic: 't', partition: 0, code: KafkaCode.UNKNOWN_SERVER_ERROR }])),
  });
  await assert.rejects(transactions.commit('i', { group: 'g', generation: 1, member: 'm' }, { records, offsets: [{ topic: 't', partition: 0, offset: 1, metadata: '' }] }));
  asked.length = 0;
  await transactions.fence('i');
  assert.deepEqual(asked.filter((name) => name === 'AddPartitionsToTxn'), ['AddPartitionsToTxn'], 'for the side that wrote');
  assert.equal(asked.filter((name) => name === 'EndTxn 3 abort').length, 2);
});

test('fencing what is open, or what is not known, only gives it a new epoch', async () => {
  for (const answer of [{ code: 0, state: 'Ongoing' }, { code: 0, state: 'Empty' }, { code: KafkaCode.TRANSACTIONAL_ID_NOT_FOUND, state: '' }]) {
    const { asked, transactions } = coordinator({ DescribeTransactions: () => answer });
    await transactions.fence('i');
    assert.deepEqual(asked.filter((name) => name.startsWith('EndTxn')), []);
    assert.equal(asked.filter((name) => name === 'InitProducerId').length, 2);
  }
});

test('an end that the coordinator could not acknowledge may come into force later: its outcome is unknown, not "nothing was written"', async () => {
  const { transactions } = coordinator({ EndTxn: () => KafkaCode.COORDINATOR_NOT_AVAILABLE });
  const group = { records, offsets: [{ topic: 't', partition: 0, offset: 1, metadata: '' }] };
  await assert.rejects(transactions.commit('i', { group: 'g', generation: 1, member: 'm' }, group), (error) => isCode(error, 'CONFAB_LOG_OUTCOME_UNKNOWN'));
});

test('offsets alone need no transaction: a new owner stands in them before it opens one', async () => {
  const { asked, transactions } = coordinator({});
  await transactions.commit('i', { group: 'g', generation: 1, member: 'm' }, { records: [], offsets: [{ topic: 't', partition: 0, offset: 1, metadata: '1;i;' }] });
  assert.deepEqual(asked, ['OffsetCommit']);
});

test('offsets alone are refused to a member of an old generation as well', async () => {
  for (const code of [KafkaCode.ILLEGAL_GENERATION, KafkaCode.UNKNOWN_MEMBER_ID, KafkaCode.REBALANCE_IN_PROGRESS]) {
    const { transactions } = coordinator({ OffsetCommit: () => [{ topic: 't', partition: 0, code }] });
    const group = { records: [], offsets: [{ topic: 't', partition: 0, offset: 1, metadata: '' }] };
    await assert.rejects(transactions.commit('i', { group: 'g', generation: 1, member: 'm' }, group), (error) => isCode(error, 'CONFAB_FENCED'));
  }
});
