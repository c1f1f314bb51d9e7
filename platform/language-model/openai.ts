/**
 * The chat completions API over HTTP with a stream of events: what hosted models, vLLM, Ollama and most gateways in front of
 * them speak. `fetch` of Node; the key goes into one header and nowhere else.
 *
 * What comes back is not trusted: statuses, types, sizes and events are checked, redirects are refused (a key would follow
 * them), and calls of tools are no answer.
 */
import { EventSourceParserStream, ParseError } from 'eventsource-parser/stream';
import { ConfabError } from '../errors.js';
import type { LanguageModel, ModelEnd, ModelQuestion } from './language-model.js';

export interface OpenAiOptions {
  /** Up to the version: `https://api.example.com/v1`. `/chat/completions` is put behind it. */
  readonly url: string;
  readonly model: string;
  /** Read at each request, so that it may be renewed. */
  readonly key?: () => string | undefined;
}

/** Bytes of a whole answer, events included: many times what `maxTokens` can make, so more is nonsense. */
const MOST_BYTES = 4 * 1024 * 1024;
/** One event, or a line that never ends. */
const MOST_EVENT = 256 * 1024;

interface Chunk {
  readonly error?: unknown;
  readonly choices?: readonly { readonly delta?: { readonly content?: unknown; readonly tool_calls?: unknown }; readonly finish_reason?: unknown }[];
  readonly usage?: { readonly total_tokens?: unknown } | null;
}

export class OpenAiModel implements LanguageModel {
  readonly name: string;
  private readonly endpoint: string;

  constructor(private readonly options: OpenAiOptions) {
    this.name = options.model;
    this.endpoint = `${options.url.replace(/\/+$/, '')}/chat/completions`;
  }

  async* stream(question: ModelQuestion, signal: AbortSignal): AsyncGenerator<string, ModelEnd> {
    try {
      return yield* readAnswer(await this.ask(question, signal));
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown;
    }
  }

  close(): Promise<void> { return Promise.resolve(); }

  private async ask({ messages, maxTokens, user }: ModelQuestion, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const key = this.options.key?.();
    let answer: Response;
    try {
      answer = await fetch(this.endpoint, {
        method: 'POST', signal, redirect: 'manual',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model: this.options.model, messages, max_tokens: maxTokens, temperature: 0, stream: true, stream_options: { include_usage: true }, user }),
      });
    } catch (thrown) {
      signal.throwIfAborted();
      throw new ConfabError('CONFAB_MODEL_UNAVAILABLE', { detail: `No connection to the language model: ${reasonOf(thrown)}.` });
    }
    const fault = faultOf(answer);
    if (fault === undefined && answer.body !== null) return answer.body;
    await answer.body?.cancel().catch(() => { /* it is not wanted */ });
    throw fault ?? nonsense('an answer without a body');
  }
}

function faultOf(answer: Response): ConfabError | undefined {
  const { status } = answer;
  if (status === 200) {
    const type = answer.headers.get('content-type') ?? '';
    return type.startsWith('text/event-stream') ? undefined : nonsense('an answer that is no stream of events');
  }
  const detail = `The language model answered with status ${status}.`;
  if (status === 429) {
    const seconds = Number(answer.headers.get('retry-after') ?? '');
    return new ConfabError('CONFAB_MODEL_BUSY', { detail, ...(seconds > 0 && seconds <= 86_400 ? { retryAfterMs: seconds * 1000 } : {}) });
  }
  return new ConfabError(status >= 500 ? 'CONFAB_MODEL_UNAVAILABLE' : 'CONFAB_MODEL_REFUSED', { detail });
}

async function* readAnswer(body: ReadableStream<Uint8Array>): AsyncGenerator<string, ModelEnd> {
  const reader = body.pipeThrough(bounded()).pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>).pipeThrough(new EventSourceParserStream({ maxBufferSize: MOST_EVENT })).getReader();
  let reason: ModelEnd['reason'] | undefined;
  let tokens: number | undefined;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((thrown: unknown) => { throw brokenBy(thrown); });
      if (done) break;
      if (value.data === '[DONE]') { reason ??= 'stop'; break; }
      const chunk = parse(value.data);
      const choice = chunk.choices?.[0];
      if (typeof chunk.usage?.total_tokens === 'number' && chunk.usage.total_tokens >= 0) tokens = chunk.usage.total_tokens;
      if (Array.isArray(choice?.delta?.tool_calls) && choice.delta.tool_calls.length > 0) throw nonsense('a call of a tool, and it was offered none');
      const text = choice?.delta?.content;
      if (typeof text === 'string' && text !== '') yield text;
      if (choice?.finish_reason === 'content_filter') throw new ConfabError('CONFAB_MODEL_REFUSED', { detail: 'A filter of the language model ended the answer.' });
      if (typeof choice?.finish_reason === 'string') reason = choice.finish_reason === 'length' ? 'length' : 'stop';
    }
  } finally {
    await reader.cancel().catch(() => { /* the connection is gone */ });
  }
  // Some servers end with [DONE] and no reason, some with a reason and no [DONE]; without either it is not whole.
  if (reason === undefined) throw cut('it stopped without an end');
  return { reason, tokens };
}

function parse(data: string): Chunk {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw nonsense('an event that is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw nonsense('an event that is no object');
  const chunk = value as Chunk;
  if (chunk.error !== undefined && chunk.error !== null) throw new ConfabError('CONFAB_MODEL_UNAVAILABLE', { detail: 'The language model failed in the middle of its answer.' });
  if (chunk.choices !== undefined && !Array.isArray(chunk.choices)) throw nonsense('an event without choices');
  return chunk;
}

/** Fails beyond MOST_BYTES. */
function bounded(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(piece, controller) {
      bytes += piece.length;
      if (bytes > MOST_BYTES) controller.error(nonsense('more bytes than any answer has'));
      else controller.enqueue(piece);
    },
  });
}

const nonsense = (what: string): ConfabError => new ConfabError('CONFAB_MODEL_NONSENSE', { detail: `The language model sent ${what}.` });
const cut = (why: string): ConfabError => new ConfabError('CONFAB_MODEL_CUT', { detail: `The answer of the language model was cut: ${why}.` });

function brokenBy(thrown: unknown): ConfabError {
  if (thrown instanceof ConfabError) return thrown;
  return thrown instanceof ParseError ? nonsense('an event that never ends') : cut(reasonOf(thrown));
}

/** A word of the system such as ECONNREFUSED; never the message, which may repeat what was sent. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'the connection was lost';
}
