import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Ledger, type Sent } from '../traffic/ledger.js';
import type { ConversationHistory, History, SetTimer, StoredReply } from './history.js';
import type { Books } from './effects.js';
import { judge, type Followed, type Verdict } from './verdict.js';

const ID = 'c';
const at = (n: number): string => `0000abcd-${String(n).padStart(12, '0')}-00`;
const told = (n: number): { position: string; inReplyTo: string } => ({ position: at(n).replace(/00$/, '01'), inReplyTo: `m${n}` });

const reply = (n: number, prev: string | null, inReplyTo = `m${n}`): StoredReply => ({ position: at(n), inReplyTo, prev, bot: 'b', version: '1', said: 'x', effects: [] });

/** A run in which three messages were accepted, answered and followed, as it must be. */
class Run {
  readonly ledger = new Ledger([ID]);
  readonly sent: Sent[] = [0, 1, 2].map((n) => this.accept(n));
  history: ConversationHistory = {
    messages: [0, 1, 2].map((n) => ({ position: at(n), messageId: `m${n}`, text: `t${n}` })), timers: [], tombstones: [],
    intents: [0, 1, 2].map(at),
    replies: [0, 1, 2].map((n) => (reply(n, n === 0 ? null : at(n - 1), `m${n}`))),
    letters: [], state: { reflects: at(2), turns: 3 },
  };
  counted = 3;
  seen = [0, 1, 2].map(told);
  unrecovered = new Set<string>();
  books: Books = { effects: new Map(), reads: new Set(), contradictions: [] };

  accept(n: number, key: string | undefined = `k${n}`): Sent {
    const sent = this.ledger.begin(ID, `t${n}`, key);
    this.ledger.acknowledge(sent, { messageId: `m${n}`, position: at(n), duplicate: false });
    return sent;
  }

  judge(): Verdict {
    const history: History = { epoch: '0000abcd', conversations: new Map([[ID, this.history]]), counted: this.counted };
    const follower: Followed = { name: 'f', seen: new Map([[ID, this.seen]]), unrecovered: this.unrecovered };
    return judge({ sent: new Map([...this.ledger.conversations].map(([id, { sent }]) => [id, sent])), contradictions: this.ledger.contradictions, history, followers: [follower], books: this.books, versions: { botId: 'b', labels: new Map([['1', ''], ['2', ' (v2)']]) }, until: 1_000 });
  }
}

const change = (run: Run, changes: Partial<ConversationHistory>): void => { run.history = { ...run.history, ...changes }; };
const without = <T>(list: readonly T[], index: number): T[] => list.filter((_, i) => i !== index);

test('a history as it must be has nothing wrong', () => {
  assert.deepEqual(new Run().judge(), { accepted: 3, answered: 3, lost: 0, duplicated: 0, reordered: 0, wrong: 0, deadLettered: 0, inLog: 3, timers: 0, findings: [] });
});

type Planted = readonly [what: string, counted: 'lost' | 'duplicated' | 'reordered' | 'wrong', plant: (run: Run) => void, says: RegExp];

const planted: readonly Planted[] = [
  ['an acknowledged message that the log lacks', 'lost', (run) => { change(run, { messages: run.history.messages.slice(0, 2), replies: run.history.replies.slice(0, 2), state: { reflects: at(1), turns: 2 } }); run.counted = 2; run.seen.pop(); }, /m2 .*acknowledged and is not in messages/],
  ['a message without an outcome', 'lost', (run) => { change(run, { replies: run.history.replies.slice(0, 2), state: { reflects: at(1), turns: 2 } }); run.counted = 2; }, /m2 has no outcome/],
  ['an outcome that a follower was not told', 'lost', (run) => { run.seen = without(run.seen, 1); }, /no outcome of m1 came/],
  ['a follower that was told of a gap', 'lost', (run) => { run.unrecovered.add(ID); }, /can no longer be had/],
  ['a text that stands twice', 'duplicated', (run) => { run.accept(3); change(run, { messages: [...run.history.messages, { position: at(3), messageId: 'm3', text: 't2' }], replies: [...run.history.replies, reply(3, at(2), 'm3')], state: { reflects: at(3), turns: 4 } }); run.counted = 4; run.seen.push(told(3)); }, /"t2" stands in messages.v1 at .*2-00 already/],
  ['two replies to one message', 'duplicated', (run) => { change(run, { replies: [...run.history.replies, reply(2, at(2), 'm2')], state: { reflects: at(2), turns: 4 } }); run.counted = 4; }, /m2 has 2 outcomes/],
  ['a reply and a dead letter of one message', 'duplicated', (run) => { change(run, { letters: [{ position: at(1), code: 'CONFAB_STAGE_FAILED' }] }); }, /m1 has 2 outcomes/],
  ['an intent that stands twice', 'duplicated', (run) => { change(run, { intents: [...run.history.intents, at(0)] }); }, /twice/],
  ['a frame that came twice', 'duplicated', (run) => { run.seen = [told(0), told(1), told(1), told(2)]; }, /m1 came 2 times/],
  ['a key that was answered with two messages', 'duplicated', (run) => { run.ledger.acknowledge(run.sent[1] as Sent, { messageId: 'm9', position: at(9), duplicate: true }); }, /k1 was answered with m1 .* and with m9/],
  ['a message that stands before one acknowledged earlier', 'reordered', (run) => { run.ledger.acknowledge(run.ledger.begin(ID, 'early', undefined), { messageId: 'm1', position: at(1), duplicate: false }); }, /stands before it/],
  ['replies in another order', 'reordered', (run) => { const [a, b, c] = run.history.replies; change(run, { replies: [a, c, b].filter((each) => each !== undefined) }); }, /stands after that of/],
  ['frames in another order', 'reordered', (run) => { run.seen = [told(1), told(0), told(2)]; }, /it came after/],
  ['a refused message in the log', 'wrong', (run) => { const sent = run.ledger.begin(ID, 't3', undefined); run.ledger.refuse(sent); change(run, { messages: [...run.history.messages, { position: at(3), messageId: 'm3', text: 't3' }] }); }, /refused as not written/],
  ['a text that nobody sent', 'wrong', (run) => { change(run, { messages: [...run.history.messages, { position: at(3), messageId: 'm3', text: 'x' }] }); }, /nobody sent "x"/],
  ['a record at another place than was answered', 'wrong', (run) => { change(run, { messages: run.history.messages.map((each, i) => (i === 2 ? { ...each, position: at(7) } : each)) }); }, /stands at .*7-00/],
  ['a reply to another message', 'wrong', (run) => { change(run, { replies: run.history.replies.map((each, i) => (i === 0 ? { ...each, inReplyTo: 'm1' } : each)) }); }, /answers m1, at its position stands m0/],
  ['a reply that forgets the one before', 'wrong', (run) => { change(run, { replies: run.history.replies.map((each, i) => (i === 2 ? { ...each, prev: at(0) } : each)) }); }, /names .*0-00 as the one before/],
  ['a state that has missed a turn', 'wrong', (run) => { change(run, { state: { reflects: at(2), turns: 2 } }); }, /the state has 2 turns/],
  ['a dead letter that nothing asked for', 'wrong', (run) => { change(run, { replies: run.history.replies.slice(0, 2), letters: [{ position: at(2), code: 'CONFAB_STAGE_FAILED' }], state: { reflects: at(1), turns: 2 } }); run.counted = 2; }, /dead letter with CONFAB_STAGE_FAILED/],
  ['counts that do not add up', 'wrong', (run) => { run.counted = 4; }, /analytics counts 4 of 3/],
  ['a frame of a message that is not there', 'wrong', (run) => { run.seen.push({ position: at(9), inReplyTo: 'm9' }); }, /m9 came, which is no message/],
];

/** A fourth message is a timer that the first one set, due at 500 and come at 600; its reply answers nobody. */
class TimedRun extends Run {
  constructor() {
    super();
    const { messages, intents, replies } = this.history;
    change(this, {
      messages: [...messages, { position: at(3), messageId: 'm3', text: '', timer: { id: `soon@${at(0)}`, at: 600 } }],
      intents: [...intents, at(3)], replies: [...replies, reply(3, at(2), '')], timers: [timer('soon', 0, 500)], tombstones: [`soon@${at(0)}`], state: { reflects: at(3), turns: 4 },
    });
    this.counted = 4;
    this.seen.push({ ...told(3), inReplyTo: '' });
  }
}

const timer = (name: string, setBy: number, dueAt: number): SetTimer => ({ id: `${name}@${at(setBy)}`, dueAt });
const set = (run: Run, ...more: SetTimer[]): void => { change(run, { timers: [...run.history.timers, ...more] }); };

test('a timer that came, one that was moved, one that was forgotten and one for another day are as they must be', () => {
  const run = new TimedRun();
  set(run, timer('soon', 1, 700), timer('soon', 2, 5_000_000), timer('late', 0, 900));
  change(run, { tombstones: [...run.history.tombstones, `soon@${at(1)}`, `late@${at(0)}`], replies: run.history.replies.map((each, i) => (i === 1 ? { ...each, said: 'Forgotten.' } : each)) });
  assert.deepEqual(run.judge().findings, []);
  assert.equal(run.judge().timers, 1);
});

const plantedTimers: readonly Planted[] = [
  ['a timer that was due and did not come', 'lost', (run) => { set(run, timer('late', 2, 900)); }, /timer late@.* never came/],
  ['a timer that was taken away by nobody', 'lost', (run) => { set(run, timer('late', 2, 5_000_000)); change(run, { tombstones: [...run.history.tombstones, `late@${at(2)}`] }); }, /timer late@.* never came/],
  ['a timer that came twice', 'duplicated', (run) => { change(run, { messages: [...run.history.messages, { position: at(4), messageId: 'm4', text: '', timer: { id: `soon@${at(0)}`, at: 700 } }] }); }, /came 2 times/],
  ['a timer that came early', 'wrong', (run) => { change(run, { timers: [timer('soon', 0, 601)] }); }, /came 1 ms before its time/],
  ['a timer that nobody set', 'wrong', (run) => { change(run, { timers: [] }); }, /was never set/],
  ['a timer that came and stayed', 'wrong', (run) => { change(run, { tombstones: [] }); }, /is still set/],
  ['a timer that came before one that was due earlier', 'reordered', (run) => {
    const [a, b, , d] = run.history.messages;
    change(run, { messages: [a, b, d && { ...d, position: at(2) }, d && { ...d, messageId: 'm9', timer: { id: `early@${at(0)}`, at: 600 } }].filter((each) => each !== undefined), timers: [timer('early', 0, 400), timer('soon', 0, 500)] });
  }, /which was due later/],
  ['a timer that came before what set it', 'reordered', (run) => { change(run, { messages: run.history.messages.map((each) => (each.timer === undefined ? each : { ...each, timer: { ...each.timer, id: `soon@${at(7)}` } })), timers: [timer('soon', 7, 500)], tombstones: [`soon@${at(7)}`] }); }, /before what set it/],
  ['a reply to a timer that names a message', 'wrong', (run) => { change(run, { replies: [...run.history.replies.slice(0, 3), reply(3, at(2), 'm3')] }); }, /answers m3/],
  ['a frame of a timer that names a message', 'wrong', (run) => { run.seen[3] = told(3); }, /names m3 as what it answers/],
];

const effectOf = (n: number, number: number): StoredReply['effects'][number] => ({ key: `${at(n)}#book.0.0`, status: 'ok', result: JSON.stringify({ number }) });
const keyOf = (n: number): string => createHash('sha256').update(`default/${ID}\n${at(n)}#book.0.0`).digest('base64url');
const book = (run: Run, ...entries: [string, number][]): void => { run.books = { ...run.books, effects: new Map(entries.map(([key, number]) => [key, { number, asked: 'x', times: 1 }])) }; };
const answer = (run: Run, n: number, effects: StoredReply['effects']): void => { change(run, { replies: run.history.replies.map((each, i) => (i === n ? { ...each, effects } : each)) }); };

test('effects that are recorded as the server did them, and one that was done in a turn that failed later, are as they must be', () => {
  const run = new Run();
  answer(run, 1, [effectOf(1, 4)]);
  answer(run, 2, [{ ...effectOf(2, 0), status: 'CONFAB_ACTION_TIMEOUT', result: null }]);
  book(run, [keyOf(1), 4], [keyOf(2), 5]);
  assert.deepEqual(run.judge().findings, []);
});

const plantedEffects: readonly Planted[] = [
  ['an effect that is recorded otherwise', 'wrong', (run) => { answer(run, 1, [effectOf(1, 4)]); book(run, [keyOf(1), 5]); }, /recorded as 4, and the server said 5/],
  ['an effect that was never done', 'wrong', (run) => { answer(run, 1, [effectOf(1, 4)]); }, /did not say so/],
  ['an effect of another message', 'wrong', (run) => { answer(run, 1, [effectOf(2, 4)]); book(run, [keyOf(2), 4]); }, /is not of its reply/],
];

const answered = (run: Run, version: string, said: string): void => { change(run, { replies: run.history.replies.map((each, i) => (i === 1 ? { ...each, version, said } : each)) }); };

const plantedVersions: readonly Planted[] = [
  ['a reply of a version that nobody deployed', 'wrong', (run) => { answered(run, '3', 'x'); }, /version 3, which nobody deployed/],
  ['a reply of one version in the name of another', 'wrong', (run) => { answered(run, '2', 'I will.'); }, /version 2 says "I will. \(v2\)", and "I will." was said/],
];

test('a reply of a deployed version that says what it says is as it must be', () => {
  const run = new Run();
  answered(run, '2', 'I will. (v2)');
  assert.deepEqual(run.judge().findings, []);
});

for (const [what, counted, plant, says] of [...planted, ...plantedTimers, ...plantedEffects, ...plantedVersions]) {
  test(`${what} is found, as ${counted}, with its conversation`, () => {
    const run = plantedTimers.some(([name]) => name === what) ? new TimedRun() : new Run();
    plant(run);
    const verdict = run.judge();
    assert.ok(verdict[counted] > 0, JSON.stringify(verdict));
    assert.ok(verdict.findings.some(({ kind, detail, conversation }) => kind === counted && says.test(detail) && (conversation === ID || /analytics/.test(detail))), JSON.stringify(verdict.findings));
  });
}

test('an accepted message without exactly one outcome is not answered', () => {
  const run = new Run();
  change(run, { replies: [...run.history.replies.slice(0, 2), reply(0, at(1), 'm0')] });
  assert.deepEqual((({ accepted, answered }) => ({ accepted, answered }))(run.judge()), { accepted: 3, answered: 1 });
});

test('what nobody knows may stand in the log or not, once', () => {
  for (const written of [true, false]) {
    const run = new Run();
    run.ledger.lose(run.ledger.begin(ID, 't3', undefined));
    if (written) {
      change(run, { messages: [...run.history.messages, { position: at(3), messageId: 'm3', text: 't3' }], replies: [...run.history.replies, reply(3, at(2), 'm3')], state: { reflects: at(3), turns: 4 } });
      run.counted = 4;
      run.seen.push(told(3));
    }
    assert.deepEqual(run.judge().findings, []);
  }
});

test('an effect that no reply knows of is found, as duplicated', () => {
  const run = new Run();
  answer(run, 1, [effectOf(1, 4)]);
  book(run, [keyOf(1), 4], ['another', 5]);
  assert.deepEqual(run.judge().findings.map(({ kind, detail }) => [kind, detail]), [['duplicated', 'the server did "x" under the key another, and no reply knows of it']]);
});
