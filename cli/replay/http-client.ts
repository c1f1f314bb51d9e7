/** POST of messages and GET of events, with kept connections. Repeats what can be repeated, with the same idempotency key. */
import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../../platform/clock.js';
import { catalogue, ConfabError, type ErrorCode } from '../../platform/errors.js';
import type { Random } from '../../platform/random.js';
import type { Secret } from '../../platform/config.js';
import { backoff } from './backoff.js';

export interface HttpClientOptions {
  /** Base URL, without a closing slash. */
  readonly url: string;
  readonly token: Secret | undefined;
  readonly connections: number;
  /** How long a request is repeated before it is given up. */
  readonly patience: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export interface AcceptedMessage { readonly messageId: string; readonly position: string }

export interface StoredEvent { readonly type: string; readonly position?: string; readonly inReplyTo?: string | null; readonly createdAt?: string }

interface Answer { readonly status: number; readonly retryAfter: number; readonly body: unknown }

const REQUEST_TIMEOUT = 15_000;
const RETRYABLE = new Set([408, 429, 502, 503, 504]);

export class HttpClient {
  private readonly agent: http.Agent;
  private readonly base: URL;
  /** Requests that were repeated. */
  retries = 0;

  constructor(private readonly options: HttpClientOptions) {
    this.base = new URL(options.url);
    const Agent = this.base.protocol === 'https:' ? https.Agent : http.Agent;
    this.agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  }

  /** @throws what the server refused with, or CONFAB_SERVER_UNREACHABLE */
  async send(conversationId: string, key: string, text: string): Promise<AcceptedMessage> {
    const answer = await this.repeat('POST', `/v1/conversations/${encodeURIComponent(conversationId)}/messages`, JSON.stringify({ text }), key);
    const { messageId, position } = answer.body as Partial<AcceptedMessage>;
    if (answer.status !== 202 || typeof messageId !== 'string' || typeof position !== 'string') {
      throw new ConfabError('CONFAB_INTERNAL', { detail: `The server answered ${answer.status} without a messageId and a position.` });
    }
    return { messageId, position };
  }

  /** Every event of a conversation, oldest first. */
  async events(conversationId: string): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    for (let after: string | null = ''; after !== null;) {
      const query: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
      const { body } = await this.repeat('GET', `/v1/conversations/${encodeURIComponent(conversationId)}/events?limit=500${query}`);
      const page = body as { events?: StoredEvent[]; next?: string | null };
      events.push(...page.events ?? []);
      after = page.next ?? null;
    }
    return events;
  }

  close(): void { this.agent.destroy(); }

  private async repeat(method: string, path: string, body?: string, key?: string): Promise<Answer> {
    const { clock, random, patience, signal } = this.options;
    const end = clock.monotonic() + patience;
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      let wait = backoff(attempt, random);
      try {
        const answer = await this.once(method, path, body, key);
        if (answer.status < 300) return answer;
        const error = refusalOf(answer);
        if (!error.retryable || clock.monotonic() > end) throw error;
        wait = Math.max(wait, answer.retryAfter);
      } catch (error) {
        if (error instanceof ConfabError) throw error;
        if (clock.monotonic() > end) throw new ConfabError('CONFAB_SERVER_UNREACHABLE', { detail: `${this.base.origin}: ${(error as Error).message || 'no answer'}.`, cause: error });
      }
      this.retries += 1;
      await clock.sleep(wait, signal);
    }
  }

  private once(method: string, path: string, body: string | undefined, key: string | undefined): Promise<Answer> {
    const { token, signal } = this.options;
    return new Promise((resolve, reject) => {
      const request = (this.base.protocol === 'https:' ? https : http).request(`${this.options.url}${path}`, {
        method, agent: this.agent, signal, timeout: REQUEST_TIMEOUT,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
        },
      }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const retryAfter = Number(response.headers['retry-after'] ?? 0) * 1000;
          resolve({ status: response.statusCode ?? 0, retryAfter: Number.isFinite(retryAfter) ? retryAfter : 0, body: parse(Buffer.concat(chunks).toString()) });
        });
        // A server that dies in the middle of an answer ends the response without 'end'.
        response.on('aborted', () => { reject(new Error('the answer was cut')); });
      });
      request.on('timeout', () => { request.destroy(new Error('no answer in time')); });
      request.on('error', reject);
      request.end(body);
    });
  }
}

function parse(text: string): unknown {
  try { return JSON.parse(text); } catch { return {}; }
}

/** The problem that the server answered with, as an error of ours. */
function refusalOf({ status, body }: Answer): ConfabError & { retryable: boolean } {
  const problem = body as { code?: string; detail?: string; retryable?: boolean } | null;
  const code = problem?.code !== undefined && Object.hasOwn(catalogue, problem.code) ? problem.code as ErrorCode : undefined;
  const detail = `The server answered ${status}${problem?.detail === undefined ? '' : `: ${problem.detail}`}`;
  if (code !== undefined) return new ConfabError(code, { detail });
  return new ConfabError(RETRYABLE.has(status) ? 'CONFAB_SERVER_UNREACHABLE' : 'CONFAB_INTERNAL', { detail });
}
