/** Requests: token, time-out, and every failure as a ClientError that says whether a repeat can help. */
import { ClientError, type ClientErrorDetails } from './errors.js';
import { abortController, type ClientClock, type FetchLike, type ResponseLike } from './platform.js';
import type { Tokens } from './tokens.js';

const TIMEOUT = 15_000;
/** Answers of proxies and servers that are on their way down or up. */
const PASSING = [408, 425, 429, 502, 503, 504];

export interface HttpOptions {
  /** Without a closing slash. */
  readonly url: string;
  readonly fetch: FetchLike;
  readonly tokens: Tokens;
  readonly clock: ClientClock;
}

interface Problem extends Pick<ClientErrorDetails, 'errors'> { readonly code?: string; readonly detail?: string; readonly title?: string; readonly retryable?: boolean }

export class Http {
  private readonly stops = new Set<() => void>();
  private closed = false;

  constructor(private readonly options: HttpOptions) {}

  /** The body of an answer with status `wanted`. With a body it is a POST. @throws ClientError */
  async request<T>(path: string, wanted: number, body?: object, key?: string): Promise<T> {
    const { tokens } = this.options;
    const token = await tokens.get();
    try {
      return await this.once<T>(path, wanted, token, body, key);
    } catch (error) {
      if (!tokens.renewable || (error as ClientError).status !== 401) throw error;
    }
    return this.once<T>(path, wanted, await tokens.renew(), body, key);
  }

  /** Ends every request with CONFAB_CLOSED. */
  close(): void {
    this.closed = true;
    for (const stop of [...this.stops]) stop();
  }

  private once<T>(path: string, wanted: number, token: string | undefined, body: object | undefined, key: string | undefined): Promise<T> {
    const { url, fetch, clock } = this.options;
    if (this.closed) return Promise.reject(closedError());
    const controller = abortController();
    return new Promise<T>((resolve, reject) => {
      const end = (error: ClientError): void => { reject(error); controller?.abort(); };
      const stop = (): void => { end(closedError()); };
      const timer = clock.after(TIMEOUT, () => { end(unreachable(`${url} did not answer within ${TIMEOUT / 1000} s.`)); });
      this.stops.add(stop);
      fetch(url + path, {
        method: body ? 'POST' : 'GET',
        headers: {
          accept: 'application/json',
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(key ? { 'idempotency-key': key } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        ...(controller ? { signal: controller.signal } : {}),
      }).then((answer) => read<T>(answer, wanted), (cause: unknown) => { throw unreachable(`${url} cannot be reached.`, cause); })
        .then(resolve, reject)
        .finally(() => { timer.cancel(); this.stops.delete(stop); });
    });
  }
}

async function read<T>(answer: ResponseLike, wanted: number): Promise<T> {
  const { status } = answer;
  let body: unknown;
  try {
    body = JSON.parse(await answer.text());
  } catch (cause) {
    // A connection that was cut, or something between that speaks for the server.
    throw status < 300 || PASSING.includes(status) ? unreachable(`The answer with status ${status} is not of Confab.`, cause, status) : new ClientError('CONFAB_INTERNAL', `The server answered ${status}.`, { status, cause });
  }
  if (status === wanted) return body as T;
  const problem = (body ?? {}) as Problem;
  const seconds = Number(answer.headers.get('retry-after'));
  throw new ClientError(problem.code ?? 'CONFAB_INTERNAL', problem.detail ?? problem.title ?? `The server answered ${status}.`, {
    status, errors: problem.errors, retryable: problem.retryable ?? PASSING.includes(status),
    retryAfterMs: seconds > 0 ? seconds * 1000 : undefined,
  });
}

function unreachable(detail: string, cause?: unknown, status?: number): ClientError {
  return new ClientError('CONFAB_SERVER_UNREACHABLE', detail, { retryable: true, cause, status });
}

export function closedError(): ClientError {
  return new ClientError('CONFAB_CLOSED', 'The client was closed.');
}
