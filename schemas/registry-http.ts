/**
 * The HTTP calls of the registry's library, made by Node's own client: its shipped ones never end their promise, and end the
 * process, when a refusal has no JSON object as its body, and cannot be helped from outside.
 * Protocol: the Confluent Schema Registry API, the six requests that the library makes.
 */
import { once } from 'node:events';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../platform/clock.js';
import type { RegistryConnection } from './registry-client.js';

/** A refusal, or no answer: then the status is 599. */
export class RegistryRefusal extends Error {
  constructor(readonly status: number, what: string, options?: ErrorOptions) {
    super(what, options);
    this.name = 'RegistryRefusal';
  }
}

export const NO_ANSWER = 599;

const TYPE = 'application/vnd.schemaregistry.v1+json';
/** Of an answer, bytes: schemas are small. */
const MOST_BYTES = 4 * 1024 * 1024;
const TRIES = 3;
const FIRST_PAUSE_MILLIS = 100;

type Fields = Readonly<Record<string, unknown>>;
interface Answer { data(): Fields }

/** What the library calls; each resolves with the answer's JSON object. @throws RegistryRefusal */
export interface RegistryApi {
  readonly Schema: { find(of: { id: number }): Promise<Answer> };
  readonly Subject: Readonly<Record<'latestVersion' | 'version' | 'registered' | 'config' | 'updateConfig' | 'register', (of: { subject: string; version?: number; body?: unknown }) => Promise<Answer>>>;
}

export function registryApi(connection: RegistryConnection, clock: Clock): RegistryApi {
  const call = caller(connection, clock);
  const versions = (subject: string): string => `/subjects/${encodeURIComponent(subject)}/versions`;
  return {
    Schema: { find: ({ id }) => call('GET', `/schemas/ids/${id}`) },
    Subject: {
      latestVersion: ({ subject }) => call('GET', `${versions(subject)}/latest`),
      version: ({ subject, version }) => call('GET', `${versions(subject)}/${version}`),
      registered: ({ subject, body }) => call('POST', `/subjects/${encodeURIComponent(subject)}`, body),
      config: ({ subject }) => call('GET', `/config/${encodeURIComponent(subject)}`),
      updateConfig: ({ subject, body }) => call('PUT', `/config/${encodeURIComponent(subject)}`, body),
      register: ({ subject, body }) => call('POST', versions(subject), body),
    },
  };
}

type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** Asked again where a repeat can help; all of the requests may be repeated. */
function caller(connection: RegistryConnection, clock: Clock): Call {
  const send = sender(connection, clock);
  return async (method, path, body) => {
    for (let tried = 1; ; tried += 1) {
      try {
        const data = await send(method, path, body);
        return { data: () => data };
      } catch (error) {
        if (tried === TRIES || !(error instanceof RegistryRefusal) || error.status < 500) throw error;
        await clock.sleep(FIRST_PAUSE_MILLIS * tried);
      }
    }
  };
}

type Once = (method: string, path: string, body: unknown) => Promise<Fields>;

/** One request, one connection: they are few, at start-up and when an id is met for the first time. */
function sender({ url, auth, tls, timeoutMillis = 5_000 }: RegistryConnection, clock: Clock): Once {
  const base = new URL(url);
  const secure = base.protocol === 'https:';
  const folder = base.pathname.replace(/\/+$/, '');
  const options: RequestOptions = {
    host: base.hostname.replace(/^\[|\]$/g, ''), port: base.port,
    agent: secure ? new HttpsAgent({ keepAlive: false, ...tls }) : new HttpAgent({ keepAlive: false }),
  };
  const headers = { accept: `${TYPE}, application/json`, ...authorization(auth) };
  return async (method, path, body) => {
    const what = `${method} ${path}`;
    const request = (secure ? httpsRequest : httpRequest)({ ...options, method, path: folder + path, headers: body === undefined ? headers : { ...headers, 'content-type': TYPE } });
    const deadline = clock.after(timeoutMillis, () => { request.destroy(new Error(`no whole answer after ${timeoutMillis} ms`)); });
    try {
      const [response] = await once(request.end(body === undefined ? undefined : JSON.stringify(body)), 'response') as [IncomingMessage];
      return fieldsOf(response.statusCode ?? NO_ANSWER, await textOf(response), what);
    } catch (error) {
      throw error instanceof RegistryRefusal ? error : new RegistryRefusal(NO_ANSWER, `${what}: no answer`, { cause: error });
    } finally {
      deadline.cancel();
      request.on('error', () => undefined).destroy();
    }
  };
}

function authorization(auth: RegistryConnection['auth']): Readonly<Record<string, string>> {
  if (auth === undefined) return {};
  return { authorization: 'token' in auth ? `Bearer ${auth.token}` : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`the answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** @throws RegistryRefusal */
function fieldsOf(status: number, text: string, what: string): Fields {
  if (status < 200 || status > 299) throw new RegistryRefusal(status, `${what}: status ${status}`);
  let data: unknown;
  try { data = JSON.parse(text); } catch { /* told below */ }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new RegistryRefusal(NO_ANSWER, `${what}: the answer is no JSON object`);
  return data as Fields;
}
