/** Requests: token, time-out, and every failure as a ClientError that says whether a repeat can help. */
import { ClientError, closedError, unreachable, type ClientErrorDetails } from './errors.js';
import { abortController, type ClientClock, type FetchLike, type ResponseLike } from './platform.js';
import type { Tokens } from './tokens.js';

const TIMEOUT = 15_000;
/** Answers of proxies and servers that are on their way down or up. */
const PASSING = [408, 429, 502, 503, 504];

interface Problem extends Pick<ClientErrorDetails, 'errors' | 'retryable'> { readonly code?: string; readonly detail?: string }

/** Whom it serves. */
export interface HttpHost {
  /** Without a closing slash. */
  readonly url: string;
  readonly fetch: FetchLike;
  readonly tokens: Tokens;
  readonly clock: ClientClock;
}

export class Http {
  readonly #host: HttpHost;
  readonly #stops = new Set<() => void>();
  #closed = false;

  constructor(host: HttpHost) { this.#host = host; }

  /** The body of an answer with status `wanted`. With a body it is a POST. @throws ClientError */
  async request<T>(path: string, wanted: number, body?: object, key?: string): Promise<T> {
    const { tokens } = this.#host;
    const token = await tokens.get();
    try {
      return await this.#once<T>(path, wanted, token, body, key);
    } catch (error) {
      if (!tokens.renewable || (error as ClientError).status !== 401) throw error;
    }
    return this.#once<T>(path, wanted, await tokens.renew(), body, key);
  }

  /** Ends every request with CONFAB_CLOSED. */
  close(): void {
    this.#closed = true;
    for (const stop of [...this.#stops]) stop();
  }

  #once<T>(path: string, wanted: number, token: string | undefined, body: object | undefined, key: string | undefined): Promise<T> {
    // Not as a method: browsers want `fetch` called on nothing.
    const { url, fetch, clock } = this.#host;
    if (this.#closed) return Promise.reject(closedError());
    const controller = abortController();
    return new Promise<T>((resolve, reject) => {
      const end = (error: ClientError): void => { done(); reject(error); controller?.abort(); };
      const stop = (): void => { end(closedError()); };
      const done = (): void => { timer.cancel(); this.#stops.delete(stop); };
      const timer = clock.after(TIMEOUT, () => { end(unreachable(`${url} does not answer.`)); });
      this.#stops.add(stop);
      const headers: Record<string, string> = {};
      if (token) headers.authorization = `Bearer ${token}`;
      if (body) headers['content-type'] = 'application/json';
      if (key) headers['idempotency-key'] = key;
      fetch(url + path, { method: body ? 'POST' : 'GET', headers, ...(body && { body: JSON.stringify(body) }), ...(controller && { signal: controller.signal }) })
        .catch((cause: unknown) => { throw unreachable(`${url} cannot be reached.`, { cause }); })
        .then((answer) => read<T>(answer, wanted))
        .then(resolve, reject)
        .finally(done);
    });
  }
}

async function read<T>(answer: ResponseLike, wanted: number): Promise<T> {
  const { status } = answer;
  const said = `The server answered ${status}.`;
  const passing = PASSING.includes(status);
  let body: Problem;
  try {
    body = JSON.parse(await answer.text()) as Problem;
  } catch (cause) {
    // A connection that was cut, or something between that speaks for the server.
    throw unreachable(said, { status, cause, retryable: status < 300 || passing });
  }
  if (status === wanted) return body as T;
  const { code = 'CONFAB_INTERNAL', detail = said, errors, retryable = passing } = body;
  const seconds = Number(answer.headers.get('retry-after'));
  throw new ClientError(code, detail, { status, errors, retryable, retryAfterMs: seconds > 0 ? seconds * 1000 : undefined });
}
