/** Random inputs over random valid bots: the interpreter neither fails nor runs on, forgets nothing it wrote, and changes nothing it was given. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { Ajv } from 'ajv';
import { ConfabError } from '../platform/errors.js';
import { formatPosition } from '../platform/position.js';
import { headSchema, partSchema } from '../processors/bot/editor-schema.js';
import { checkFiles } from '../processors/bot/loader.js';
import type { Bot } from '../processors/bot/index.js';
import { interpret, MOST_EFFECTS, type Interpretation, type TimerChange } from '../processors/dialogue/interpreter.js';
import { parseStored, readMemory, writeMemory } from '../processors/dialogue/memory-form.js';
import { createProgram, type Program } from '../processors/dialogue/program.js';
import type { DialogueState, EffectResult, Message } from '../schemas/types.js';
import { nastyText } from './bytes.js';
import { fuzz } from './harness.js';
import { ENTITIES, INTENTS, LANGUAGES, randomBot } from './random-bot.js';

/** `npm run fuzz` always names a seed: it runs 100,000 turns. The usual tests run a few thousand of one seed. */
const DEEP = process.env.CONFAB_FUZZ_SEED !== undefined;
const TURNS = 200;
/** What one run of a turn may do: the interpreter's own bound, and the turns of effects, reminders and resumed flows in it. */
const MOST_STEPS = 2000;
const MOST_PARTS = 40;

const ajv = new Ajv({ allowUnionTypes: true });
const isHead = ajv.compile(headSchema());
const isPart = ajv.compile(partSchema());

function botOf(files: Parameters<typeof checkFiles>[0]): Bot {
  const { bot, faults } = checkFiles(files);
  assert.ok(bot, JSON.stringify(faults.slice(0, 3)));
  return bot;
}

fuzz('a random valid bot has no fault, and editors take it', randomBot, { runs: DEEP ? 300 : 20, limit: 20_000 }, (files) => {
  botOf(files);
  for (const { file, bytes } of files) {
    const validate = file === 'bot.yaml' ? isHead : isPart;
    assert.ok(validate(JSON.parse(Buffer.from(bytes).toString())), JSON.stringify(validate.errors?.slice(0, 2)));
  }
});

interface TurnInput {
  readonly kind: string;
  readonly text: string;
  readonly payload: string;
  readonly intent: string | null;
  readonly confidence: number;
  readonly ranking: readonly string[];
  readonly entities: readonly { readonly name: string; readonly value: string }[];
  readonly locale: string | null;
  readonly channel: string;
  readonly gap: number;
  readonly status: readonly string[];
  readonly answer: string;
  readonly other: boolean;
}

const plain = nastyText.map((text) => text.replace(/[^\P{Cc}\n\t]|\p{Cs}/gu, '').normalize('NFC').slice(0, 4096));
const said = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('yes', 'no', 'cancel', 'no, I meant large', 'and tomorrow?', 'large', '3', '2026-11-23', 'Rome', 'not Rome', 'AB1234', 'a', 'stop', 'again', 'actually small', 'what about Leeds?') }, { weight: 1, arbitrary: plain });
const intent = fc.constantFrom(...INTENTS);
const turn: fc.Arbitrary<TurnInput> = fc.record({
  kind: fc.oneof({ weight: 10, arbitrary: fc.constant('text') }, { weight: 3, arbitrary: fc.constant('postback') }, { weight: 2, arbitrary: fc.constantFrom('timer', 'handoff') }, { weight: 1, arbitrary: fc.constantFrom('attachment', 'agent', 'system', 'edit', 'reaction', 'nonsense') }),
  text: said,
  payload: fc.oneof(fc.constantFrom('intent:order', 'intent:none', 'large', 'yes', '{"to":"person"}', '{"to":"bot"}', '{"event":"end"}', '{"timer":"soon","flow":"f1","slots":{"note":"x","constructor":"y"}}', '[]', '{', 'null'), plain),
  intent: fc.option(intent), confidence: fc.double({ min: 0, max: 1, noNaN: true }), ranking: fc.array(intent, { maxLength: 4 }),
  entities: fc.array(fc.record({ name: fc.constantFrom(...ENTITIES), value: fc.constantFrom('Rome', 'Leeds', 'small', 'large', '3', 'true', 'x'.repeat(600), '') }), { maxLength: 4 }),
  locale: fc.option(fc.constantFrom(...LANGUAGES, 'de-AT', 'zh-Hant-TW')), channel: fc.constantFrom('web', 'sms', 'whatsapp'), gap: fc.constantFrom(0, 1000, 60_000, 3_600_000, 86_400_000 * 3),
  status: fc.array(fc.constantFrom('ok', 'CONFAB_EFFECT_TIMEOUT', 'CONFAB_EFFECT_UNAVAILABLE'), { minLength: 1, maxLength: 3 }),
  answer: fc.oneof(fc.constantFrom('{"status":"on its way"}', '{"text":"Hello.","citations":[]}', '{"value":"large"}', 'null', '[]', '{', '7'), plain), other: fc.double({ min: 0, max: 1, noNaN: true }).map((chance) => chance < 0.03),
}, { noNullPrototype: true });

class Conversation {
  private state: DialogueState | undefined;
  private readonly timers = new Map<string, string>();
  private offset = 0;
  private at = Date.UTC(2026, 10, 23);
  private program: Program;

  constructor(private readonly programs: readonly [Program, Program]) { this.program = programs[0]; }

  take(given: TurnInput): void {
    if (given.other) this.program = this.programs[this.program === this.programs[0] ? 1 : 0];
    this.at += given.gap;
    const { message, position } = this.message(given);
    const input = { message, position, key: 'default/c1', at: this.at, results: this.results(given), trace: () => { steps += 1; assert.ok(steps <= MOST_STEPS, 'a turn that does not end'); } };
    let steps = 0;
    const before = this.state === undefined ? undefined : deepFrozen(this.state);
    const settled = new Map<string, EffectResult>();
    let found: Interpretation | undefined;
    for (let round = 0; ; round++) {
      assert.ok(round <= MOST_EFFECTS + 1, 'more effects than a turn may have');
      steps = 0;
      found = this.run(() => interpret(this.program, before, deepFrozen(input), settled));
      if (!found || found.wants.length === 0) break;
      for (const want of found.wants) {
        assert.ok(!settled.has(want.key), `${want.key} is asked for twice`);
        const status = given.status[settled.size % given.status.length] ?? 'ok';
        settled.set(want.key, { key: want.key, kind: want.kind, status, result: status === 'ok' ? given.answer : null });
      }
    }
    if (!found) return;
    steps = 0;
    assert.deepEqual(interpret(this.program, before, input, settled), found, 'the same again');
    this.judge(found, message);
    this.state = found.state;
    for (const change of found.timers) this.note(change);
  }

  /** A state that grows too large is a coded refusal; the conversation goes on from the one before. */
  private run(interpretation: () => Interpretation): Interpretation | undefined {
    try {
      return interpretation();
    } catch (error) {
      assert.ok(error instanceof ConfabError && error.code === 'CONFAB_STATE_TOO_LARGE', error instanceof Error ? error.stack : String(error));
      return undefined;
    }
  }

  private judge({ state, reply }: Interpretation, message: Message): void {
    assert.ok(['answered', 'fallback', 'handed_off', 'silent', 'ended', 'timer'].includes(reply.outcome), reply.outcome);
    assert.equal(reply.inReplyTo === null || reply.inReplyTo === message.messageId, true);
    assert.ok(reply.parts.length <= MOST_PARTS, `${reply.parts.length} parts`);
    for (const part of reply.parts) for (const button of part.buttons) assert.ok(button.url === null || URL.parse(button.url)?.host === 'example.com', String(button.url));
    const data = typeof state.data === 'string' ? state.data : null;
    assert.ok(Buffer.byteLength(`${data ?? ''}${typeof state.history === 'string' ? state.history : ''}`) <= 64 * 1024);
    assert.equal(writeMemory(readMemory(parseStored(data), this.program), this.program), data, 'the state round-trips');
  }

  private note(change: TimerChange): void {
    if (change.op === 'cancel') { this.timers.delete(change.id); return; }
    assert.ok(Number.isFinite(change.dueAt) && change.dueAt >= this.at, String(change.dueAt));
    this.timers.set(change.id, change.payload);
  }

  private message(given: TurnInput): { message: Message; position: string } {
    const [timer] = given.kind === 'timer' ? [...this.timers] : [];
    if (timer) this.timers.delete(timer[0]);
    this.offset += 1;
    const message: Message = {
      kind: given.kind, messageId: `m${this.offset}`, botId: 'random', channel: given.channel, accountId: null, userId: 'u', author: { type: 'person', name: null },
      text: given.kind === 'text' || given.kind === 'agent' ? given.text : null, payload: timer ? timer[1] : given.payload, replyId: null, locale: given.locale,
      attributes: timer ? { timerId: timer[0] } : { plan: 'gold' }, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
    };
    return { message, position: formatPosition('00000001', this.offset, 0) };
  }

  private results({ kind, text, intent: name, confidence, ranking, entities }: TurnInput): Parameters<typeof interpret>[2]['results'] {
    if (kind !== 'text') return [];
    const found = entities.map((entity) => ({ ...entity, start: 0, end: Math.min(4, text.length), source: 'list', type: null, confidence: null }));
    return [{ bot: 'random', version: this.program.bot.version, model: 'x', intent: name, confidence, ranking: ranking.map((one, n) => ({ intent: one, confidence: confidence * 0.9 ** n })), entities: found }];
  }
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) { Object.freeze(value); for (const inner of Object.values(value)) deepFrozen(inner); }
  return value;
}

fuzz('whatever people say to whatever bot, each turn ends in bounds with one outcome, and its state can be read again', fc.tuple(fc.noShrink(randomBot), fc.noShrink(randomBot), fc.array(turn, { minLength: 1, maxLength: TURNS * 2 - 1, size: 'max' })), {
  runs: DEEP ? 600 : 15, weight: ([, , turns]) => turns.length, limit: 60_000,
}, ([first, second, turns]) => {
  const conversation = new Conversation([createProgram(botOf(first)), createProgram(botOf(second))]);
  for (const one of turns) conversation.take(one);
});
