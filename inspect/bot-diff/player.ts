/**
 * Plays recorded inputs through the stages of one version of a bot, turn by turn, with nothing outside: what a turn waits
 * for is answered from the recording, by its key, or fails as if the other side were away, and is named. Time is that of the
 * recording.
 */
import type { BotReply, DialogueState, EffectResult, IntentDetected, IntentResult } from '../../schemas/types.js';
import type { Bot } from '../../processors/bot/index.js';
import { fixedBots } from '../../processors/bot/index.js';
import { failedEffect } from '../../processors/runner/effects.js';
import { createDialogueStage } from '../../processors/dialogue/index.js';
import { createIntentStage, type ModelCache } from '../../processors/intent/index.js';
import type { EffectRequest, StageContext, StageResult } from '../../processors/stage.js';
import type { RecordedTurn } from './types.js';

export interface Played {
  readonly reply: BotReply;
  readonly flow: string | null;
  readonly missing: readonly string[];
}

/** Texts whose intents are remembered: what people say repeats itself. */
const REMEMBERED = 20_000;

export class Player {
  private readonly intent;
  private readonly dialogue;
  private readonly heard = new Map<string, readonly IntentResult[]>();
  private flow: string | null = null;
  private turn: RecordedTurn | undefined;
  private missing: string[] = [];
  private readonly context: StageContext;

  constructor(readonly bot: Bot, models: ModelCache) {
    const bots = fixedBots([bot]);
    this.intent = createIntentStage({ bots, cache: models });
    this.dialogue = createDialogueStage({ bots, trace: (_bot, flow) => { this.flow ??= bot.flows[flow]?.name ?? null; } });
    const controller = new AbortController();
    this.context = { now: () => this.turn?.at ?? 0, epoch: '00000000', signal: controller.signal, effects: { run: (request) => Promise.resolve(this.settle(request)) } };
  }

  /** One turn of a conversation; `state` is what the turn before left. Returns at once, unless the turn waits for an effect. */
  play(key: string, turn: RecordedTurn, state: DialogueState | undefined): { played: Played; state: DialogueState | undefined } | Promise<{ played: Played; state: DialogueState | undefined }> {
    this.turn = turn;
    this.flow = null;
    this.missing = [];
    const value: IntentDetected = { position: turn.position, message: turn.message, results: this.results(turn), detectedAt: turn.at };
    const done = this.dialogue.process({ topic: 'intents.v1', partition: 0, offset: 0, key, value, timestamp: turn.at }, state, this.context);
    return done instanceof Promise ? done.then((result) => this.ended(result, state)) : this.ended(done, state);
  }

  private ended(result: StageResult<'dialogue'>, before: DialogueState | undefined): { played: Played; state: DialogueState | undefined } {
    const reply = result.outputs.find((output) => output.topic === 'replies.v1')?.value;
    if (reply === undefined || reply === null) throw new Error('a turn without a reply');
    return { played: { reply, flow: this.flow, missing: this.missing }, state: result.state === undefined ? before : result.state ?? undefined };
  }

  private results({ message }: RecordedTurn): readonly IntentResult[] {
    const { text } = message;
    if (message.kind !== 'text' || typeof text !== 'string') return [];
    const name = message.locale === null ? text : `${message.locale}\0${text}`;
    const known = this.heard.get(name);
    if (known !== undefined) return known;
    const results = this.detect(message);
    // What dates and the like mean depends on when they are said.
    if (results.some(({ entities }) => entities.some(({ source }) => source === 'system'))) return results;
    if (this.heard.size >= REMEMBERED) this.heard.clear();
    this.heard.set(name, results);
    return results;
  }

  private detect(message: RecordedTurn['message']): readonly IntentResult[] {
    const done = this.intent.process({ topic: 'messages.v1', partition: 0, offset: 0, key: '', value: { ...message, botId: this.bot.id }, timestamp: this.turn?.at ?? 0 }, undefined, this.context);
    if (done instanceof Promise) throw new Error('the intent stage waits for nothing');
    return done.outputs[0]?.value?.results ?? [];
  }

  /** The recorded answer of the same step of the same turn. */
  private settle(request: EffectRequest): EffectResult {
    const { key, kind } = request;
    const recorded = this.turn?.reply?.effects?.find((one) => one.key === key && one.kind === kind);
    if (recorded !== undefined) return recorded;
    this.missing.push(key);
    return failedEffect(request, 'CONFAB_EFFECT_UNAVAILABLE');
  }
}
