import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { ManualClock } from '../platform/clock-manual.js';
import { ConfabError, isCode } from '../platform/errors.js';
import type { Acl, AclAdmin, LogAdmin } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { seededRandom } from '../platform/random.js';
import { applyTopology } from './apply.js';
import { defineTopology } from './define.js';
import { ensureTopology } from './ensure.js';
import { planText } from './plan-text.js';
import { planTopology, type PlanInputs } from './plan.js';
import { topicsOf } from './rights.js';
import { topology } from './topology.js';

const DAY = 86_400_000;
const small = defineTopology({
  topics: {
    'messages.v1': { record: 'Message', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 14 * DAY, maxAppendAge: 10_000, purpose: 'In.' },
    'states.v1': { record: 'DialogueState', key: 'conversation', partitions: 'conversation', cleanup: 'compact,delete', retention: 90 * DAY, purpose: 'State.' },
    'dead.v1': { record: 'DeadLetter', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 30 * DAY, purpose: 'Dead.' },
  },
  stages: { talk: { reads: ['messages.v1'], writes: [], state: 'states.v1', scope: 'conversation', budget: 1000, purpose: 'Talks.' } },
  edges: { door: { writes: ['messages.v1'], purpose: 'Lets in.' } },
  deadLetters: 'dead.v1',
});

function memory(t: TestContext): MemoryEventLog {
  const log = new MemoryEventLog({ clock: new ManualClock(), random: seededRandom(1) });
  t.after(() => log.close());
  return log;
}

function inputs(t: TestContext, change: Partial<PlanInputs> = {}): PlanInputs & { admin: LogAdmin } {
  return { topology: small, settings: { prefix: 'x.', partitions: 4 }, admin: memory(t).admin, ...change };
}

async function applied(given: PlanInputs): Promise<void> {
  await applyTopology(await planTopology(given), given);
}

test('a plan for an empty log creates every topic; the diff says how', async (t) => {
  const plan = await planTopology(inputs(t, { settings: { prefix: 'x.', partitions: 4, replicas: 3 } }));
  assert.equal(planText(plan), `+ topic x.messages.v1: 4 partitions, 3 replicas
    cleanup.policy delete
    retention.ms 14 d
    message.timestamp.type CreateTime
    compression.type producer
    unclean.leader.election.enable false
    message.timestamp.before.max.ms 10 s
    max.message.bytes 1048576
    min.insync.replicas 2
+ topic x.states.v1: 4 partitions, 3 replicas
    cleanup.policy compact,delete
    retention.ms 90 d
    segment.bytes 67108864
    segment.ms 1 h
    min.cleanable.dirty.ratio 0.1
    message.timestamp.type CreateTime
    compression.type producer
    unclean.leader.election.enable false
    max.message.bytes 1048576
    min.insync.replicas 2
+ topic x.dead.v1: 4 partitions, 3 replicas
    cleanup.policy delete
    retention.ms 30 d
    message.timestamp.type CreateTime
    compression.type producer
    unclean.leader.election.enable false
    max.message.bytes 2097152
    min.insync.replicas 2
  rights are left out: the log has no authorizer

3 to create, 0 to change, 0 refused, 0 as declared
`);
});

test('after apply there is nothing to do', async (t) => {
  const given = inputs(t);
  await applied(given);
  const plan = await planTopology(given);
  assert.deepEqual([plan.steps, plan.refused, plan.unchanged], [[], [], 3]);
  assert.equal((await given.admin.topics(['x.messages.v1']))[0]?.partitions, 4);
});

test('a longer retention and a missing entry are set, other entries left alone', async (t) => {
  const given = inputs(t);
  await applied(given);
  await given.admin.setTopicConfig('x.messages.v1', { 'retention.ms': String(7 * DAY), 'flush.ms': '60000' });
  const plan = await planTopology(given);
  assert.match(planText(plan), /^~ topic x\.messages\.v1\n {4}retention\.ms 7 d → 14 d\n/);
  await applyTopology(plan, given);
  const [topic] = await given.admin.topics(['x.messages.v1']);
  assert.deepEqual([topic?.config['retention.ms'], topic?.config['flush.ms']], [String(14 * DAY), '60000']);
});

test('a larger max.message.bytes than declared is kept', async (t) => {
  const given = inputs(t);
  await applied(given);
  await given.admin.setTopicConfig('x.messages.v1', { 'max.message.bytes': '5000000' });
  assert.deepEqual((await planTopology(given)).steps, []);
});

const dangers: [what: string, change: (admin: LogAdmin) => Promise<void>, allow: string, partitions: number][] = [
  ['more partitions', async () => undefined, 'add-partitions:messages.v1', 8],
  ['a shorter retention', (admin) => admin.setTopicConfig('x.messages.v1', { 'retention.ms': String(60 * DAY) }), 'shorten-retention:messages.v1', 4],
  ['a retention instead of none', (admin) => admin.setTopicConfig('x.messages.v1', { 'retention.ms': '-1' }), 'shorten-retention:messages.v1', 4],
  ['removing by age what is compacted', (admin) => admin.setTopicConfig('x.messages.v1', { 'cleanup.policy': 'compact' }), 'change-cleanup:messages.v1', 4],
  ['compacting what is removed by age', (admin) => admin.setTopicConfig('x.states.v1', { 'cleanup.policy': 'delete' }), 'change-cleanup:states.v1', 4],
  ['other timestamps', (admin) => admin.setTopicConfig('x.messages.v1', { 'message.timestamp.type': 'LogAppendTime' }), 'change-timestamps:messages.v1', 4],
];

for (const [what, change, allow, partitions] of dangers) {
  test(`${what} is refused unless allowed by name; apply then does it`, async (t) => {
    const before = inputs(t);
    await applied(before);
    await change(before.admin);
    const given = { ...before, settings: { prefix: 'x.', partitions } };
    const plan = await planTopology(given);
    const refused = plan.refused.filter((step) => step.allow === allow);
    assert.equal(refused.length, 1);
    assert.match(planText(plan), new RegExp(`! topic .*\\n.*\\n {4}Allow it with --allow ${allow.replace('.', '\\.')}`));
    await assert.rejects(applyTopology(plan, given), (error) => isCode(error, 'CONFAB_TOPOLOGY_REFUSED') && error.detail.includes(allow));
    const bold = { ...given, allow: plan.refused.map((step) => step.allow ?? '') };
    await applied(bold);
    const after = await planTopology(given);
    assert.deepEqual([after.steps, after.refused], [[], []]);
  });
}

test('fewer partitions are refused whatever is allowed', async (t) => {
  const before = inputs(t);
  await applied(before);
  const plan = await planTopology({ ...before, settings: { prefix: 'x.', partitions: 2 }, allow: ['add-partitions:messages.v1'] });
  assert.deepEqual(plan.refused.map((step) => [step.topic, step.change, step.allow]), ['messages.v1', 'states.v1', 'dead.v1'].map((topic) => [topic, 'partitions 4 → 2', null]));
  assert.match(planText(plan), /CONFAB_PARTITIONS=4[^]*Nothing allows it\./);
});

test('what is there beyond the topology is named and left alone', async (t) => {
  const given = inputs(t);
  for (const name of ['x.other.v9', 'y.messages.v1', 'messages.v0', 'unrelated']) await given.admin.createTopic({ name, partitions: 1, config: {} });
  const noted = async (prefix: string): Promise<readonly string[]> => (await planTopology({ ...given, settings: { prefix, partitions: 4 } })).notes;
  assert.deepEqual(await noted('x.'), ['topic x.other.v9 is not in the topology']);
  assert.deepEqual(await noted(''), ['topic messages.v0 is not in the topology']);
  await applied(given);
  assert.equal((await given.admin.topics()).length, 7);
});

test('another number of replicas than set is named', async (t) => {
  const given = inputs(t);
  await applied(given);
  const plan = await planTopology({ ...given, settings: { prefix: 'x.', partitions: 4, replicas: 2 } });
  assert.match(plan.notes.join('\n'), /x\.messages\.v1 has 1 replicas, not 2/);
});

test('apply does nothing when the log has changed since the plan', async (t) => {
  const given = inputs(t);
  const plan = await planTopology(given);
  await given.admin.createTopic({ name: 'x.messages.v1', partitions: 4, config: {} });
  await assert.rejects(applyTopology(plan, given), (error) => isCode(error, 'CONFAB_TOPOLOGY_REFUSED') && error.detail.includes('changed since'));
  assert.equal((await given.admin.topics()).length, 1);
});

test('apply takes a plan that went through JSON, and tells of each step', async (t) => {
  const given = inputs(t);
  const plan = JSON.parse(JSON.stringify(await planTopology(given))) as Awaited<ReturnType<typeof planTopology>>;
  const told: string[] = [];
  await applyTopology(plan, given, (step) => told.push(step.kind));
  assert.deepEqual(told, ['create-topic', 'create-topic', 'create-topic']);
});

/** The rights of a broker, in memory. */
function authorizer(): AclAdmin & { acls: Acl[] } {
  const acls: Acl[] = [];
  return {
    acls, available: async () => true, list: async () => [...acls],
    create: async (added) => { acls.push(...added); },
    remove: async () => { throw new Error('nothing is ever removed'); },
  };
}

test('rights follow from the topology: topics, groups and transactional ids of each stage and edge', async (t) => {
  const acls = authorizer();
  const given = inputs(t, { acls });
  await applied(given);
  assert.deepEqual((await planTopology(given)).steps, []);
  const of = (principal: string): string[] => acls.acls.filter((acl) => acl.principal === principal).map((acl) => `${acl.operation} ${acl.resource} ${acl.name}${acl.pattern === 'prefixed' ? '*' : ''}`);
  assert.deepEqual(of('User:confab-talk'), [
    'read topic x.messages.v1', 'write topic x.dead.v1', 'read topic x.states.v1', 'write topic x.states.v1',
    'describe-configs topic x.messages.v1', 'describe-configs topic x.dead.v1', 'describe-configs topic x.states.v1',
    'read group x.confab.talk', 'write transactional-id x.confab.talk.*',
  ]);
  assert.deepEqual(of('User:confab-door'), ['write topic x.messages.v1', 'describe-configs topic x.messages.v1']);
});

test('a right of a principal beyond the topology is named, its removal left to the operator', async (t) => {
  const acls = authorizer();
  acls.acls.push({ principal: 'User:confab-talk', resource: 'topic', name: 'secret', pattern: 'literal', operation: 'read', host: '*' });
  acls.acls.push({ principal: 'User:somebody', resource: 'topic', name: 'secret', pattern: 'literal', operation: 'read', host: '*' });
  const plan = await planTopology(inputs(t, { acls }));
  assert.deepEqual(plan.notes, ['right User:confab-talk: read topic secret is not in the topology']);
  assert.match(planText(plan), /^\+ right User:confab-talk: read topic x\.messages\.v1$/m);
});

test('who only looks reads topics and sees groups, and has no group, no transactions and nothing to write', async (t) => {
  const acls = authorizer();
  await applied(inputs(t, { acls, topology }));
  const found = acls.acls.filter((acl) => acl.principal === 'User:confab-inspect');
  assert.deepEqual([...new Set(found.map(({ operation, resource }) => `${operation} ${resource}`))].sort(), ['describe group', 'describe-configs topic', 'read topic']);
  assert.ok(found.some(({ name, operation }) => name === 'x.dialogue-states.v1' && operation === 'read'));
  assert.ok(!found.some(({ name }) => name === 'x.user-keys.v1'), 'sealing keys are nothing to look at');
  assert.ok(acls.acls.some(({ principal, name, operation }) => principal === 'User:confab-egress' && name === 'x.intents.v1' && operation === 'read'), 'X-ray shows what was understood');
});

test('a stage that does not read the messages may still see their topic: its id is the epoch of positions', async (t) => {
  const acls = authorizer();
  await applied(inputs(t, { acls, topology }));
  const found = acls.acls.filter((acl) => acl.operation === 'describe' && acl.resource === 'topic').map((acl) => `${acl.principal} ${acl.name}`);
  assert.deepEqual(found, ['User:confab-dialogue x.messages.v1', 'User:confab-timers x.messages.v1', 'User:confab-analytics x.messages.v1']);
});

test('who deploys may read and append bots and settings, and nothing else; who follows them may read them, without a group', async (t) => {
  const acls = authorizer();
  await applied(inputs(t, { acls, topology }));
  const of = (principal: string, topic: string): string => acls.acls.filter((acl) => acl.principal === principal && acl.name === topic).map(({ operation }) => operation).sort().join(' ');
  assert.deepEqual([of('User:confab-deployer', 'x.bots.v1'), of('User:confab-deployer', 'x.settings.v1')], ['describe-configs read write', 'describe-configs read write']);
  assert.deepEqual([...new Set(acls.acls.filter((acl) => acl.principal === 'User:confab-deployer').map(({ name }) => name))].sort(), ['x.bots.v1', 'x.settings.v1']);
  assert.deepEqual([of('User:confab-intent', 'x.bots.v1'), of('User:confab-intent', 'x.settings.v1'), of('User:confab-dialogue', 'x.settings.v1'), of('User:confab-ingress', 'x.bots.v1')], ['describe-configs read', '', 'describe-configs read', 'describe-configs read']);
});

test('the principal of a stage can be named', async (t) => {
  const acls = authorizer();
  await applied(inputs(t, { acls, settings: { prefix: '', partitions: 4, principal: () => 'User:all' } }));
  assert.deepEqual([...new Set(acls.acls.map((acl) => acl.principal))], ['User:all']);
});

test('at start a log of one machine gets its topics, and the next start finds them', async (t) => {
  const log = memory(t);
  const options = { log, clock: systemClock, topology, settings: { prefix: '', partitions: 4 }, apply: 'never', logger: silentLogger } as const;
  await ensureTopology(options);
  await ensureTopology(options);
  assert.equal((await log.admin.topics()).length, Object.keys(topology.topics).length);
});

test('at start another number of partitions than declared is refused, with the number that there is', async (t) => {
  const log = memory(t);
  const options = { log, clock: systemClock, topology: small, apply: 'on-start', logger: silentLogger } as const;
  await ensureTopology({ ...options, settings: { prefix: '', partitions: 4 } });
  await assert.rejects(ensureTopology({ ...options, settings: { prefix: '', partitions: 8 } }), (error) => isCode(error, 'CONFAB_TOPOLOGY_REFUSED') && error.detail.includes('messages.v1 has 4 partitions, declared are 8'));
});

test('on Kafka a process without the right to create says what is missing', async (t) => {
  const log = memory(t);
  const admin = new Proxy(log.admin, { get: (target, key) => key === 'createTopic' ? () => Promise.reject(new ConfabError('CONFAB_LOG_REFUSED')) : Reflect.get(target, key, target) as unknown });
  const kafka = new Proxy(log, { get: (target, key) => key === 'kind' ? 'kafka' : key === 'admin' ? admin : Reflect.get(target, key, target) as unknown });
  const options = { log: kafka, clock: systemClock, topology: small, settings: { prefix: 'x.', partitions: 4 }, logger: silentLogger, apply: 'on-start' } as const;
  await assert.rejects(ensureTopology(options), (error) => isCode(error, 'CONFAB_TOPOLOGY_MISSING'));
});

test('on Kafka a missing topic is refused at start, unless topics are to be applied then', async (t) => {
  const log = memory(t);
  const kafka = new Proxy(log, { get: (target, key) => key === 'kind' ? 'kafka' : Reflect.get(target, key, target) as unknown });
  const options = { log: kafka, clock: systemClock, topology: small, settings: { prefix: 'x.', partitions: 4 }, logger: silentLogger } as const;
  await assert.rejects(ensureTopology({ ...options, apply: 'never' }), (error) => isCode(error, 'CONFAB_TOPOLOGY_MISSING') && error.detail.includes('x.states.v1'));
  await assert.rejects(ensureTopology({ ...options, apply: 'never', topics: ['messages.v1'] }), (error) => isCode(error, 'CONFAB_TOPOLOGY_MISSING') && !error.detail.includes('x.states.v1'));
  await Promise.all([ensureTopology({ ...options, apply: 'on-start' }), ensureTopology({ ...options, apply: 'on-start' })]);
  await ensureTopology({ ...options, apply: 'never' });
});

test('a process needs the topics of its roles only', () => {
  assert.deepEqual(topicsOf(topology, ['intent']), ['messages.v1', 'intents.v1', 'dead-letters.v1', 'bots.v1', 'revocations.v1']);
  assert.deepEqual(topicsOf(topology, ['dialogue']), ['messages.v1', 'intents.v1', 'replies.v1', 'dialogue-states.v1', 'timers.v1', 'dead-letters.v1', 'bots.v1', 'settings.v1', 'revocations.v1']);
  assert.deepEqual(topicsOf(topology, ['ingress']), ['messages.v1', 'bots.v1', 'revocations.v1']);
});
