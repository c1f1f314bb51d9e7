/**
 * Calls to servers that somebody else names: a bot's author today, a user's text through it perhaps. Every hop keeps the
 * operator's rules:
 * - its host stands in the list (host-rule.ts);
 * - its address is allowed (address-rule.ts), and it is the address that was looked at which is connected to: the name is
 *   looked up once a connection, by us, so that a second answer of the name server (re-binding) has no say;
 * - a redirect is a new hop under the same rules, and what was meant for the first host alone does not travel.
 * The answer is bounded in bytes, asked for uncompressed, and the whole ends with the signal.
 */
import { lookup as lookUp } from 'node:dns/promises';
import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { ConfabError } from '../errors.js';
import type { AddressRule } from './address-rule.js';
import type { HostRule } from './host-rule.js';

export interface FoundAddress { readonly address: string; readonly family: number }

export interface OutboundOptions {
  readonly hosts: HostRule;
  readonly addresses: AddressRule;
  /** For tests; the system's otherwise. */
  readonly resolve?: (host: string) => Promise<readonly FoundAddress[]>;
  /** Certificates that are trusted instead of the system's: PEM. */
  readonly ca?: string;
}

export interface OutboundRequest {
  readonly url: URL;
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that go to the host of `url` and to no other. */
  readonly own: ReadonlySet<string>;
  readonly body: string | undefined;
  /** Redirects that are followed. */
  readonly redirects: number;
  /** Bytes of the answer's body. */
  readonly maxBytes: number;
  /** May go over a connection that was used before: for what can be repeated, since such a connection may just be closing. */
  readonly reuse: boolean;
  readonly signal: AbortSignal;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_SOCKETS = 256;

export class OutboundClient {
  private readonly agents: { readonly 'http:': HttpAgent; readonly 'https:': HttpsAgent };
  private readonly resolve: (host: string) => Promise<readonly FoundAddress[]>;

  constructor(private readonly options: OutboundOptions) {
    this.resolve = options.resolve ?? ((host) => lookUp(host, { all: true, verbatim: true }));
    const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 16, timeout: 30_000 };
    this.agents = { 'http:': new HttpAgent(pool), 'https:': new HttpsAgent({ ...pool, ...(options.ca === undefined ? {} : { ca: options.ca }) }) };
  }

  /**
   * @throws CONFAB_ACTION_HOST_FORBIDDEN, CONFAB_ACTION_ADDRESS_FORBIDDEN, CONFAB_ACTION_REDIRECT_REFUSED,
   *   CONFAB_ACTION_UNREACHABLE, CONFAB_ACTION_ANSWER_TOO_LARGE; the signal's reason once it aborts
   */
  async request(request: OutboundRequest): Promise<OutboundAnswer> {
    let hop = request;
    for (let left = request.redirects; ; left -= 1) {
      const answer = await this.hop(hop);
      if (!REDIRECTS.has(answer.status)) return answer;
      if (left <= 0) throw new ConfabError('CONFAB_ACTION_REDIRECT_REFUSED', { detail: request.redirects === 0 ? 'The answer is a redirect.' : `More than ${request.redirects} redirects.` });
      hop = redirected(hop, answer);
    }
  }

  close(): void {
    this.agents['http:'].destroy();
    this.agents['https:'].destroy();
  }

  /** One request and its answer, no redirect followed. */
  private async hop(request: OutboundRequest): Promise<OutboundAnswer> {
    const { url, signal } = request;
    signal.throwIfAborted();
    if (!this.options.hosts.allows(url)) throw new ConfabError('CONFAB_ACTION_HOST_FORBIDDEN', { detail: `${url.protocol}//${url.host} is not among CONFAB_ACTION_HOSTS.` });
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    // For an address no name is looked up, so the look-up below would not be asked.
    if (isIP(literal) !== 0 && !this.options.addresses.allows(literal)) throw forbidden(url.hostname);
    try {
      return await exchange(this.open(request), request);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConfabError) throw error;
      throw new ConfabError('CONFAB_ACTION_UNREACHABLE', { detail: `${url.host}: ${codeOf(error)}`, cause: error });
    }
  }

  private open({ url, method, headers, body, reuse, signal }: OutboundRequest): ClientRequest {
    const secure = url.protocol === 'https:';
    const options: RequestOptions & { ca?: string } = {
      method, signal, lookup: this.lookup,
      headers: { ...headers, 'accept-encoding': 'identity', ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      agent: reuse ? this.agents[secure ? 'https:' : 'http:'] : false,
      ...(secure && this.options.ca !== undefined ? { ca: this.options.ca } : {}),
    };
    return secure ? requestHttps(url, options) : requestHttp(url, options);
  }

  /** Looks the name up, and gives the connection no address that is not allowed. */
  private readonly lookup: LookupFunction = (host, options, callback) => {
    this.resolve(host).then((found) => {
      const [first] = found;
      // One that points inside among others is no accident: none of them is trusted.
      if (first === undefined || found.some(({ address }) => !this.options.addresses.allows(address))) throw forbidden(host);
      if (options.all === true) callback(null, found.map(({ address, family }) => ({ address, family })));
      else callback(null, first.address, first.family);
    }).catch((error: unknown) => { callback(error as NodeJS.ErrnoException, ''); });
  };
}

function exchange(client: ClientRequest, { body, maxBytes }: OutboundRequest): Promise<OutboundAnswer> {
  return new Promise((resolve, reject) => {
    // Not once: a connection that is destroyed may say so again, and an error that nobody hears ends the process.
    client.on('error', reject);
    client.once('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const tooLarge = (): void => {
        reject(new ConfabError('CONFAB_ACTION_ANSWER_TOO_LARGE', { detail: `It has more than ${maxBytes} bytes.` }));
        // Without the error: the connection may be back in the pool already, where nobody would hear of it.
        client.destroy();
      };
      response.on('error', reject);
      response.once('close', () => { if (!response.complete) reject(new Error('the answer was cut off')); });
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= maxBytes) chunks.push(chunk); else tooLarge();
      });
      response.once('end', () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }); });
      if (Number(response.headers['content-length'] ?? 0) > maxBytes) tooLarge();
    });
    client.end(body);
  });
}

/** The request to where the answer points. What is not a GET is not turned into one, but by 303, which says so. */
function redirected(request: OutboundRequest, { status, headers }: OutboundAnswer): OutboundRequest {
  const refuse = (detail: string): ConfabError => new ConfabError('CONFAB_ACTION_REDIRECT_REFUSED', { detail });
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, request.url.href)) throw refuse('The redirect names no place.');
  if (request.method !== 'GET' && (status === 301 || status === 302)) throw refuse(`A ${request.method} is not made a GET by ${status}.`);
  const url = new URL(location, request.url);
  const toGet = status === 303;
  const elsewhere = url.origin !== request.url.origin;
  const kept = Object.entries(request.headers).filter(([name]) => !(elsewhere && request.own.has(name)) && !(toGet && name === 'content-type'));
  return { ...request, url, headers: Object.fromEntries(kept), ...(toGet ? { method: 'GET', body: undefined } : {}) };
}

function forbidden(host: string): ConfabError {
  return new ConfabError('CONFAB_ACTION_ADDRESS_FORBIDDEN', { detail: `${host} leads to an address that is not public and not among CONFAB_ACTION_PRIVATE_ADDRESSES.` });
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error instanceof Error ? error.message : 'no connection';
}
