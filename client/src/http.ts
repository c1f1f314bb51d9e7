/** Requests: token, time-out, and every failure as a ClientError that says whether a repeat can help. */
import { ClientError, closedError, unreachable, type ClientErrorDetails } from './errors.js';
import { abortController, type ClientClock, type FetchLike, type ResponseLike } from './platform.js';
import type { Tokens } from './tokens.js';

const TIMEOUT = 15_000;
/** Answers of proxies and servers that are on their way down or up. */
const PASSING = [408, 429, 502, 503, 504];

interface Problem extends Pick<ClientErrorDetails, 'errors' | 'retryable'> { readonly code?: string; readonly detail?: string }

export class Http {
  readonly #url: string;
  readonly #fetch: FetchLike;
  readonly #tokens: Tokens;
  readonly #clock: ClientClock;
  readonly #stops = new Set<() => void>();
  #closed = false;

  /** @param url without a closing slash */
  constructor(url: string, fetch: FetchLike, tokens: Tokens, clock: ClientClock) {
    this.#url = url;
    this.#fetch = fetch;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** The body of an answer with status `wanted`. With a body it is a POST. @throws ClientError */
  async request<T>(path: string, wanted: number, body?: object, key?: string): Promise<T> {
    const tokens = this.#tokens;
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
    const url = this.#url;
    if (this.#closed) return Promise.reject(closedError());
    // Not as a method: browsers want `fetch` called on nothing.
    const fetch = this.#fetch;
    const controller = abortController();
    return new Promise<T>((resolve, reject) => {
      const end = (error: ClientError): void => { done(); reject(error); controller?.abort(); };
      const stop = (): void => { end(closedError()); };
      const done = (): void => { timer.cancel(); this.#stops.delete(stop); };
      const timer = this.#clock.after(TIMEOUT, () => { end(unreachable(`${url} does not answer.`)); });
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
  let body: Problem;
  try {
    body = JSON.parse(await answer.text()) as Problem;
  } catch (cause) {
    // A connection that was cut, or something between that speaks for the server.
    const retryable = status < 300 || PASSING.includes(status);
    throw unreachable(`The server answered ${status}.`, { status, cause, retryable });
  }
  if (status === wanted) return body as T;
  const { code = 'CONFAB_INTERNAL', detail = `The server answered ${status}.`, errors, retryable = PASSING.includes(status) } = body;
  const seconds = Number(answer.headers.get('retry-after'));
  throw new ClientError(code, detail, { status, errors, retryable, retryAfterMs: seconds > 0 ? seconds * 1000 : undefined });
}
