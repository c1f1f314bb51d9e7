import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAssignment, encodeSubscription } from './requests-group.js';
import { assign } from './sticky.js';

const member = (name: string, owned: number[] = [], generation = 1, topics = ['a', 'b']): { member: string; metadata: Buffer } => ({ member: name, metadata: encodeSubscription({ topics, generation, owned }) });
const sharesOf = (members: { member: string; metadata: Buffer }[], count: (topic: string) => number): Map<string, ReturnType<typeof decodeAssignment>> =>
  new Map(assign(members, count).map(({ member: name, assignment }) => [name, decodeAssignment(assignment)]));

test('equal numbers of all topics go to one member, evenly', () => {
  const shares = sharesOf(['m1', 'm2', 'm3', 'm4', 'm5'].map((name) => member(name)), () => 12);
  for (const [a, b] of shares.values()) assert.deepEqual(a?.partitions, b?.partitions);
  assert.deepEqual([...shares.values()].map(([a]) => a?.partitions.length).sort(), [2, 2, 2, 3, 3]);
  assert.equal(new Set([...shares.values()].flatMap(([a]) => [...a?.partitions ?? []])).size, 12);
});

test('members keep what they have', () => {
  const shares = sharesOf([member('new'), member('old', [0, 1, 2, 3])], () => 4);
  assert.ok(shares.get('old')?.[0]?.partitions.every((number) => [0, 1, 2, 3].includes(number)));
  assert.equal(shares.get('new')?.[0]?.partitions.length, 2);
});

test('of two that claim a number, the later generation has it', () => {
  const shares = sharesOf([member('away', [0, 1], 3), member('here', [0, 1], 7)], () => 4);
  assert.deepEqual(shares.get('here')?.[0]?.partitions, [0, 1]);
  assert.deepEqual(shares.get('away')?.[0]?.partitions, [2, 3]);
});

test('a topic with fewer partitions is given as far as it goes; foreign user data is no claim', () => {
  const foreign = { member: 'foreign', metadata: Buffer.concat([encodeSubscription({ topics: ['a'], generation: 1, owned: [] }).subarray(0, 9), Buffer.from([0, 0, 0, 1, 9])]) };
  const shares = sharesOf([member('one', [], 1, ['a', 'b'])], (topic) => topic === 'a' ? 3 : 1);
  assert.deepEqual(shares.get('one'), [{ topic: 'a', partitions: [0, 1, 2] }, { topic: 'b', partitions: [0] }]);
  assert.equal(sharesOf([foreign, member('one', [0])], () => 2).size, 2);
});
