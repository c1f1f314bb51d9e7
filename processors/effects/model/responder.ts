/**
 * Does what a flow wants of a language model: finds what the bot knows about it, asks, looks at every piece of the answer
 * before it is shown, and is done within the latency that the bot declares. What goes wrong is a status with a code, and a
 * number in `confab_model_failures_total`; the flow says its fallback.
 *
 * The text of a person is data in a question and nothing else. What comes of an answer is text: to be said, or a value that
 * the slot may have. No answer starts a flow, calls an action or changes anything.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../../platform/clock.js';
import { conversationKey } from '../../../platform/conversation-key.js';
import { ConfabError, toConfabError } from '../../../platform/errors.js';
import type { KnowledgeStore } from '../../../platform/knowledge-index/knowledge-index.js';
import type { LanguageModel, ModelEnd } from '../../../platform/language-model/language-model.js';
import type { LiveBus } from '../../../platform/live-bus/live-bus.js';
import type { Logger } from '../../../platform/observability/logger.js';
import type { Metrics } from '../../../platform/observability/metrics.js';
import type { Random } from '../../../platform/random.js';
import type { Allowance, TokenBudget } from '../../../platform/token-budget/token-budget.js';
import type { ModelPolicy } from '../../bot/index.js';
import { failedEffect, settledEffect, type EffectCall } from '../../runner/effects.js';
import type { EffectResult, ModelEffect } from '../../stage.js';
import { Draft } from './draft.js';
import { readFill } from './fill-value.js';
import { Gate } from './gate.js';
import { secretsOf } from './guards.js';
import { KnowledgeBase } from './knowledge-base.js';
import { LiveReply } from './live-reply.js';
import { modelMetrics, type ModelMetrics } from './model-metrics.js';
import type { Passage } from './passages.js';
import { buildPrompt, type Prompt } from './prompt.js';
import { checkRephrased } from './rephrased.js';

export interface ResponderOptions {
  /** Without one every question is CONFAB_MODEL_OFF. */
  readonly model: LanguageModel | undefined;
  readonly knowledge: KnowledgeStore;
  /** Searched while `knowledge` does not answer. */
  readonly knowledgeFallback: KnowledgeStore;
  readonly budget: TokenBudget;
  /** Of each tenant, for all bots; undefined: no limit. */
  readonly tenantTokens: { readonly limit: number; readonly perMillis: number } | undefined;
  readonly live: LiveBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Questions under way at once. */
  readonly concurrency: number;
}

/** One question while it is asked. */
interface Asking { readonly request: ModelEffect; readonly policy: ModelPolicy; readonly model: LanguageModel; readonly live: LiveReply; readonly signal: AbortSignal; readonly millis: number }

export class ModelResponder {
  private readonly base: KnowledgeBase;
  private readonly gate: Gate;
  private readonly metrics: ModelMetrics;

  constructor(private readonly options: ResponderOptions) {
    const { clock, logger } = options;
    this.metrics = modelMetrics(options.metrics);
    this.gate = new Gate({ clock, concurrency: options.concurrency });
    this.base = new KnowledgeBase({
      store: options.knowledge, fallback: options.knowledgeFallback, clock,
      onFailure: (error) => { logger.warn({ err: error }, 'knowledge is searched in the process'); this.metrics.failed('search', error.code); },
    });
  }

  /** Settles within the latency of the bot and the deadline of the call. Rejects only with the reason of the call's signal. */
  async run(request: ModelEffect, call: EffectCall): Promise<EffectResult> {
    const { clock, logger } = this.options;
    const { key, task } = request;
    call.signal.throwIfAborted();
    const start = clock.monotonic();
    this.metrics.asked(task);
    try {
      const result = await this.within(request, call);
      return settledEffect(request, JSON.stringify(result));
    } catch (thrown) {
      call.signal.throwIfAborted();
      const error = toConfabError(thrown, 'CONFAB_EFFECT_FAILED');
      this.metrics.failed(task, error.code);
      if (error.code === 'CONFAB_EFFECT_FAILED') logger.error({ err: error, key }, 'a question to the language model failed');
      else logger.info({ code: error.code, detail: error.detail, key, task, bot: request.bot.id }, 'the language model gave no answer that can be said');
      return failedEffect(request, error.code);
    } finally {
      this.metrics.settled(task, (clock.monotonic() - start) / 1000);
    }
  }

  /** Runs the task; past the latency it ends with CONFAB_MODEL_TIMEOUT, whatever it is at. */
  private async within(request: ModelEffect, call: EffectCall): Promise<unknown> {
    const { model, clock, live } = this.options;
    const policy = request.bot.model;
    if (model === undefined || policy === null || !policy.tasks.includes(request.task)) throw new ConfabError('CONFAB_MODEL_OFF');
    const millis = Math.min(policy.latencyMillis, call.deadline - clock.monotonic());
    const controller = new AbortController();
    const stop = (): void => { controller.abort(call.signal.reason); };
    call.signal.addEventListener('abort', stop, { once: true });
    const shown = new LiveReply({ bus: live, clock, request });
    let timer: Timer | undefined;
    try {
      const late = new Promise<never>((_resolve, reject) => {
        controller.signal.addEventListener('abort', () => { reject(controller.signal.reason as Error); }, { once: true });
        timer = clock.after(millis, () => { controller.abort(new ConfabError('CONFAB_MODEL_TIMEOUT')); });
      });
      return await Promise.race([this.perform({ request, policy, model, live: shown, signal: controller.signal, millis }), late]);
    } finally {
      timer?.cancel();
      shown.end();
      call.signal.removeEventListener('abort', stop);
      // Whatever still goes on is not wanted any more.
      controller.abort(new ConfabError('CONFAB_MODEL_TIMEOUT'));
    }
  }

  private async perform(asking: Asking): Promise<unknown> {
    const { request, policy, signal } = asking;
    if (request.task !== 'fill') asking.live.typing();
    const passages = request.task === 'answer' && request.knowledge ? await this.passagesFor(asking) : [];
    const mark = this.options.random.bytes(9).toString('hex');
    const prompt = buildPrompt({ request, policy, passages, mark });
    if (prompt === undefined) throw new ConfabError('CONFAB_MODEL_BUDGET', { detail: 'The text alone needs more tokens than one question may use.' });
    const allowances = this.allowancesOf(request, policy);
    const reserved = prompt.tokens + policy.answerTokens;
    await this.reserve(allowances, reserved);
    const used = { tokens: 0 };
    try {
      signal.throwIfAborted();
      return await this.gate.pass(() => this.ask(asking, prompt, mark, used));
    } finally {
      this.metrics.tokens(used.tokens);
      for (const allowance of allowances) void this.options.budget.correct(allowance, used.tokens - reserved);
    }
  }

  /** @throws CONFAB_MODEL_NO_ANSWER nothing that the bot knows is about it */
  private async passagesFor({ request, policy, signal, millis }: Asking): Promise<readonly Passage[]> {
    const before = request.history.findLast(({ by, text }) => by === 'person' && text !== request.text)?.text ?? '';
    const found = await this.base.find(request.bot, { text: request.text, before }, { most: policy.passages, millis }, signal);
    if (found.length === 0) throw new ConfabError('CONFAB_MODEL_NO_ANSWER', { detail: 'No passage of the knowledge is about it.' });
    return found;
  }

  private async ask(asking: Asking, prompt: Prompt, mark: string, used: { tokens: number }): Promise<unknown> {
    const { request, policy, model, live, signal } = asking;
    const draft = new Draft({
      hosts: policy.links, secrets: secretsOf(prompt.own, [mark]), passages: prompt.passages, cite: prompt.passages.length > 0 && policy.citations === 'required',
    });
    let fill = '';
    const stream = model.stream({ messages: prompt.messages, maxTokens: policy.answerTokens, user: userOf(request) }, signal);
    let end: ModelEnd | undefined;
    try {
      while (end === undefined && !draft.full && fill.length <= 10_000) {
        const next = await stream.next();
        if (next.done === true) { end = next.value; break; }
        used.tokens = Math.max(used.tokens, prompt.tokens) + Math.ceil(Buffer.byteLength(next.value) / 4);
        if (request.task === 'fill') fill += next.value;
        else this.show(live, draft.add(next.value), request);
      }
    } finally {
      await stream.return({ reason: 'stop', tokens: undefined }).catch(() => { /* it is over either way */ });
    }
    if (end?.tokens !== undefined) used.tokens = end.tokens;
    if (request.task === 'fill') return readFill(fill, request.bot, request.slot, request.text);
    const answer = draft.finish(end?.reason !== 'stop');
    if (request.task === 'rephrase') checkRephrased(request.text, answer.text);
    return answer;
  }

  /** Only answers stream: other words are compared as a whole. */
  private show(live: LiveReply, { text, anew }: { text: string; anew: boolean }, { task }: ModelEffect): void {
    if (task !== 'answer' || text === '') return;
    const seconds = live.show(text, anew);
    if (seconds !== undefined) this.metrics.begun(seconds);
  }

  private allowancesOf({ tenant, bot }: ModelEffect, { budget }: ModelPolicy): Allowance[] {
    const { tenantTokens } = this.options;
    return [
      ...(tenantTokens === undefined ? [] : [{ name: `tenant/${tenant}`, ...tenantTokens }]),
      ...(budget === null ? [] : [{ name: `bot/${bot.id}/${tenant}`, limit: budget.tokens, perMillis: budget.perMillis }]),
    ];
  }

  /** All of them or none. @throws CONFAB_MODEL_BUDGET */
  private async reserve(allowances: readonly Allowance[], tokens: number): Promise<void> {
    const taken: Allowance[] = [];
    for (const allowance of allowances) {
      if (await this.options.budget.take(allowance, tokens)) { taken.push(allowance); continue; }
      for (const one of taken) void this.options.budget.correct(one, -tokens);
      throw new ConfabError('CONFAB_MODEL_BUDGET');
    }
  }
}

/** The same for one conversation, and nothing that names it: hosted models ask for it, to tell who abuses them. */
function userOf({ tenant, conversation }: ModelEffect): string {
  return createHash('sha256').update(conversationKey(tenant, conversation)).digest('hex').slice(0, 16);
}
