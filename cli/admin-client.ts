/** Requests to `/v1/admin` of a running process. */
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config.js';
import { catalogue, ConfabError, type ErrorCode, type FieldError } from '../platform/errors.js';
import { serverUrl } from './server-url.js';

export interface AdminClientOptions {
  readonly config: Config;
  /** `--url`. */
  readonly url: string | undefined;
  readonly clock: Clock;
}

const TIMEOUT = 30_000;
const PAUSE = 200;

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
  postAgain(path: string): Promise<unknown> {
    return this.repeated(() => this.once('POST', path));
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
        if (left <= 1 || !(error instanceof ConfabError) || (error.code !== 'CONFAB_OUTCOME_UNKNOWN' && error.code !== 'CONFAB_DRAINING')) throw error;
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
      if (answer.ok) return JSON.parse(text);
      throw refusal(answer.status, text, this.url);
    } catch (error) {
      throw error instanceof ConfabError ? error : this.silence(error);
    } finally {
      timer.cancel();
    }
  }

  /** Nobody listens: nothing was sent. Anything else may have been heard. */
  private silence(thrown: unknown): ConfabError {
    const cause = (thrown as { cause?: { code?: string; message?: string } }).cause;
    if (cause?.code === 'ECONNREFUSED' || cause?.code === 'ENOTFOUND' || cause?.code === 'EHOSTUNREACH' || cause?.code === 'EAI_AGAIN') {
      return new ConfabError('CONFAB_SERVER_UNREACHABLE', {
        detail: `${this.url}: ${cause.code}. On the embedded log this goes through the running process.`, cause: thrown,
      });
    }
    return new ConfabError('CONFAB_OUTCOME_UNKNOWN', { detail: `${this.url} gave no answer (${cause?.code ?? cause?.message ?? (thrown as Error).message}).`, cause: thrown });
  }
}

/** The problem that the server answered with, as the error that it is. */
function refusal(status: number, text: string, url: string): ConfabError {
  let problem: { code?: unknown; detail?: unknown; errors?: unknown } = {};
  try { problem = JSON.parse(text) as typeof problem; } catch { /* Something else than Confab answered. */ }
  if (typeof problem.code === 'string' && Object.hasOwn(catalogue, problem.code)) {
    return new ConfabError(problem.code as ErrorCode, {
      ...(typeof problem.detail === 'string' ? { detail: problem.detail } : {}), ...(Array.isArray(problem.errors) ? { errors: problem.errors as FieldError[] } : {}),
    });
  }
  return new ConfabError('CONFAB_SERVER_UNREACHABLE', { detail: `${url} answered ${status}, not as Confab does.` });
}
