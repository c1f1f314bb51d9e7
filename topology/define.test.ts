import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from '../platform/errors.js';
import { checkAll } from './check.js';
import { checkTopology, type EdgeDefinition, type StageDefinition, type TopicDefinition, type Topology } from './define.js';
import { topology } from './topology.js';

const topic = (change: Partial<TopicDefinition> = {}): TopicDefinition => ({
  record: 'Message', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 1000, purpose: '', ...change,
});
const stage = (change: Partial<StageDefinition> = {}): StageDefinition => ({ reads: ['a.v1'], writes: ['b.v1'], scope: 'conversation', budget: 1000, purpose: '', ...change });

function declaration(change: { topics?: Record<string, TopicDefinition>; stages?: Record<string, StageDefinition>; edges?: Record<string, EdgeDefinition>; deadLetters?: string } = {}): Topology {
  return { topics: { 'a.v1': topic(), 'b.v1': topic(), ...change.topics }, stages: { work: stage(), ...change.stages }, edges: change.edges ?? {}, deadLetters: change.deadLetters ?? 'b.v1' };
}

const wrong: [rule: string, change: Parameters<typeof declaration>[0], node: RegExp][] = [
  ['the name of a topic has a version', { topics: { Messages: topic() } }, /^topic "Messages": the name/],
  ['what is removed needs a retention', { topics: { 'c.v1': { ...topic(), cleanup: 'compact,delete', retention: undefined } as unknown as TopicDefinition } }, /^topic "c\.v1": cleanup "compact,delete" needs/],
  ['what is only compacted has none', { topics: { 'c.v1': topic({ cleanup: 'compact' }) } }, /^topic "c\.v1": .*no retention/],
  ['a retention is positive', { topics: { 'c.v1': topic({ retention: 0 }) } }, /^topic "c\.v1": the retention/],
  ['partitions are whole', { topics: { 'c.v1': topic({ key: 'name', partitions: 1.5 }) } }, /^topic "c\.v1": partitions/],
  ['a conversation topic is co-partitioned', { topics: { 'c.v1': topic({ partitions: 3 }) } }, /^topic "c\.v1": .*conversation topics/],
  ['an append age is positive', { topics: { 'c.v1': topic({ maxAppendAge: -1 }) } }, /^topic "c\.v1": the append age/],
  ['a stage reads something', { stages: { idle: stage({ reads: [] }) } }, /^stage "idle": it reads no topic/],
  ['a stage reads a topic once', { stages: { idle: stage({ reads: ['a.v1', 'a.v1'] }) } }, /^stage "idle": it reads a topic twice/],
  ['a stage reads what is declared', { stages: { idle: stage({ reads: ['x.v1'] }) } }, /^stage "idle": names the unknown topic "x\.v1"/],
  ['a stage writes what is declared', { stages: { idle: stage({ writes: ['toString'] }) } }, /^stage "idle": names the unknown topic "toString"/],
  ['a stage does not feed itself', { stages: { idle: stage({ writes: ['a.v1'] }) } }, /^stage "idle": .*cycle onto itself/],
  ['a stage does not feed itself through another', { topics: { 'c.v1': topic() }, stages: { one: stage({ reads: ['b.v1'], writes: ['c.v1'] }), two: stage({ reads: ['c.v1'], writes: ['b.v1'] }) } }, /^stage "one": .*one → two → one/],
  ['a state topic is compacted', { stages: { idle: stage({ state: 'b.v1' }) } }, /^stage "idle": its state topic "b\.v1" must be compacted/],
  ['a state topic is co-partitioned', { topics: { 'c.v1': topic({ key: 'name', partitions: 1, cleanup: 'compact,delete' }) }, stages: { idle: stage({ state: 'c.v1' }) } }, /^stage "idle": its state topic/],
  ['a stage reads conversation topics', { topics: { 'c.v1': topic({ key: 'name', partitions: 1 }) }, stages: { idle: stage({ reads: ['c.v1'] }) } }, /^stage "idle": reads "c\.v1", which/],
  ['a pause between commits is for partitions', { stages: { idle: stage({ commitEvery: 5 }) } }, /^stage "idle": commitEvery/],
  ['a budget is positive', { stages: { idle: stage({ budget: 0 }) } }, /^stage "idle": the budget/],
  ['a stage has a plain name', { stages: { 'Idle 1': stage() } }, /^stage "Idle 1": the name/],
  ['an edge has a plain name', { edges: { 'Edge 1': { purpose: '' } } }, /^edge "Edge 1": the name/],
  ['an edge is no stage', { edges: { work: { purpose: '' } } }, /^edge "work": a stage has the same name/],
  ['an edge names what is declared', { edges: { door: { writes: ['x.v1'], purpose: '' } } }, /^edge "door": names the unknown topic/],
  ['an edge inspects what is declared', { edges: { look: { inspects: ['x.v1'], command: 'reads', purpose: '' } } }, /^edge "look": names the unknown topic/],
  ['what is followed is compacted and has one order', { edges: { look: { follows: ['a.v1'], command: 'reads', purpose: '' } } }, /^edge "look": follows "a\.v1", which is not a compacted topic of one partition/],
  ['a command that only appends has no group', { edges: { look: { reads: ['a.v1'], writes: ['a.v1'], command: 'writes', purpose: '' } } }, /^edge "look": a command that only appends/],
  ['a command that only reads writes nothing', { edges: { look: { inspects: ['a.v1'], writes: ['a.v1'], command: 'reads', purpose: '' } } }, /^edge "look": a command that only reads/],
  ['dead letters have a topic', { deadLetters: 'x.v1' }, /^deadLetters: names the unknown topic/],
  ['dead letters are co-partitioned', { topics: { 'c.v1': topic({ key: 'name', partitions: 1 }) }, deadLetters: 'c.v1' }, /^deadLetters: .*conversation topics/],
];

for (const [rule, change, node] of wrong) {
  test(`${rule}; the error names the node`, () => {
    assert.throws(() => { checkTopology(declaration(change)); }, (error) => isCode(error, 'CONFAB_TOPOLOGY_INVALID') && node.test(error.detail) || assert.fail(String(error)));
  });
}

test('a stage that re-enters may stand on a cycle, and only there where it says so', () => {
  const topics = { 'c.v1': topic() };
  const two = stage({ reads: ['c.v1'], writes: ['b.v1'] });
  checkTopology(declaration({ topics, stages: { one: stage({ reads: ['b.v1'], writes: ['c.v1'] }), two: { ...two, reenters: true } } }));
  assert.throws(() => { checkTopology(declaration({ topics, stages: { one: stage({ reads: ['b.v1'], writes: ['c.v1'] }), two } })); }, /cycle/);
});

test('a sound declaration passes, with many readers of one topic', () => {
  checkTopology(declaration({ stages: { other: stage({ writes: [] }), third: stage({ writes: [] }) } }));
});

test('the declaration of Confab is sound, frozen, and fits its schemas', () => {
  assert.ok(checkAll(topology).topics >= 11);
  assert.ok(Object.isFrozen(topology.topics['messages.v1']));
  assert.throws(() => { (topology.topics['messages.v1'] as { retention: number }).retention = 1; }, TypeError);
});

test('a topic whose record is declared elsewhere, and a schema without a topic, are named', () => {
  assert.throws(() => checkAll(declaration()), (error) => isCode(error, 'CONFAB_TOPOLOGY_INVALID') && error.detail.includes('topic "a.v1"'));
  const { 'user-keys.v1': _keys, ...topics } = topology.topics;
  assert.throws(() => checkAll({ ...topology, topics }), (error) => isCode(error, 'CONFAB_TOPOLOGY_INVALID') && error.detail.includes('schemas/user-keys.v1.avsc'));
});
