/** Requests to `/v1/admin` of a running process. */
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config.js';
import { catalogue, ConfabError, isCode, type ErrorCode, type FieldError } from '../platform/errors.js';
import { serverUrl } from './server-url.js';

export interface AdminClientOptions {
  readonly config: Config;
  /** `--url`. */
  readonly url: string | undefined;
  readonly clock: Clock;
}

const TIMEOUT = 30_000;
const PAUSE = 200;
/** Why nobody can have heard the request. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'bad port']);

export class AdminClient {
  private readonly url: string;

  constructor(private readonly options: AdminClientOptions) {
    this.url = serverUrl(options.config, options.url);
  }

  /** @throws what the server refused with; CONFAB_SERVER_UNREACHABLE */
  get(path: string): Promise<unknown> {
    return this.repeated(() => this.once('GET', path));
  }

  /** For what may be asked twice: repeated when the connection breaks, since the first one may have been heard. */
  postAgain(path: string, body: unknown): Promise<unknown> {
    return this.repeated(() => this.once('POST', path, body));
  }

  /** For what may not be asked twice. @throws CONFAB_OUTCOME_UNKNOWN it was sent and had no answer */
  post(path: string, body: unknown): Promise<unknown> {
    return this.once('POST', path, body);
  }

  private async repeated(run: () => Promise<unknown>): Promise<unknown> {
    for (let left = 3; ; left -= 1) {
      try {
        return await run();
      } catch (error) {
        if (!isCode(error, 'CONFAB_OUTCOME_UNKNOWN', 'CONFAB_DRAINING')) throw error;
        // What may be asked twice may be asked a third time, by the user.
        if (left <= 1) throw error.code === 'CONFAB_DRAINING' ? error : new ConfabError('CONFAB_SERVER_UNREACHABLE', { detail: `${error.detail} Repeat the command: what was done is not done again.`, cause: error.cause });
        await this.options.clock.sleep(PAUSE);
      }
    }
  }

  private async once(method: string, path: string, body?: unknown): Promise<unknown> {
    const { config, clock } = this.options;
    const controller = new AbortController();
    const timer = clock.after(TIMEOUT, () => { controller.abort(new Error(`no answer within ${TIMEOUT / 1000} s`)); });
    const token = config.client.token?.reveal();
    try {
      const answer = await fetch(`${this.url}${path}`, {
        method, signal: controller.signal, redirect: 'error', ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      });
      const text = await answer.text();
      const json = objectIn(text);
      if (answer.ok && json !== undefined) return json;
      throw refusal(answer.status, json ?? {}, this.url);
    } catch (error) {
      throw error instanceof ConfabError ? error : this.silence(error);
    } finally {
      timer.cancel();
    }
  }

  /** Nobody listens: nothing was sent. Anything else may have been heard. */
  private silence(thrown: unknown): ConfabError {
    const cause = (thrown as { cause?: { code?: string; message?: string } }).cause;
    const reason = cause?.code ?? cause?.message ?? (thrown as Error).message;
    if (NOT_SENT.has(reason)) {
      return new ConfabError('CONFAB_SERVER_UNREACHABLE', {
        detail: `${this.url}: ${reason}. On the embedded log this goes through the running process.`, cause: thrown,
      });
    }
    return new ConfabError('CONFAB_OUTCOME_UNKNOWN', { detail: `${this.url} gave no answer (${reason}).`, cause: thrown });
  }
}

/** Undefined when something else than Confab answered. */
function objectIn(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch { return undefined; }
}

/** The problem that the server answered with, as the error that it is. */
function refusal(status: number, problem: { code?: unknown; detail?: unknown; errors?: unknown }, url: string): ConfabError {
  if (typeof problem.code === 'string' && Object.hasOwn(catalogue, problem.code)) {
    return new ConfabError(problem.code as ErrorCode, {
      ...(typeof problem.detail === 'string' ? { detail: problem.detail } : {}), ...(Array.isArray(problem.errors) ? { errors: problem.errors as FieldError[] } : {}),
    });
  }
  return new ConfabError('CONFAB_SERVER_UNREACHABLE', { detail: `${url} answered ${status}, not as Confab does.` });
}
