/**
 * What the SDK needs of its platform, in its own words: it is compiled without the types of browsers and of Node. The only
 * file that touches global objects, time and randomness.
 */
import { ClientError } from './errors.js';

/** The part of a WebSocket that is used; those of browsers, Node, React Native and `ws` have it. */
export interface WebSocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the events of the platforms have no common type
  addEventListener(type: string, listener: (event: any) => void): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the AbortSignal of the platform
export type FetchLike = (url: string, init: { method: string; headers: Record<string, string>; body?: string; signal?: any }) => Promise<ResponseLike>;

/** `sessionStorage`, `localStorage` and React Native's AsyncStorage are of this form. */
export interface StorageLike {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

export interface ClientClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once after so many milliseconds. */
  after(millis: number, run: () => void): { cancel(): void };
}

interface Global {
  readonly WebSocket?: WebSocketConstructor;
  readonly fetch?: FetchLike;
  readonly AbortController?: new () => { readonly signal: unknown; abort(): void };
  setTimeout(run: () => void, millis: number): unknown;
  clearTimeout(handle: unknown): void;
}

const platform = globalThis as unknown as Global;

export const systemClock: ClientClock = {
  now: () => Date.now(),
  after(millis, run) {
    const handle = platform.setTimeout(run, millis);
    return { cancel: () => { platform.clearTimeout(handle); } };
  },
};

export const systemRandom = (): number => Math.random();

/** @throws CONFAB_PLATFORM_LACKS */
export function platformWebSocket(): WebSocketConstructor {
  return present(platform.WebSocket, 'WebSocket');
}

/** @throws CONFAB_PLATFORM_LACKS */
export function platformFetch(): FetchLike {
  present(platform.fetch, 'fetch');
  // Not detached: browsers want it called on their global object.
  return (url, init) => (platform as Required<Global>).fetch(url, init);
}

function present<T>(found: T | undefined, name: string): T {
  if (!found) throw new ClientError('CONFAB_PLATFORM_LACKS', `There is no ${name} here: give one to createClient (Node before 22: that of the package ws).`);
  return found;
}

/** What aborts a request; undefined where the platform cannot. */
export function abortController(): { readonly signal: unknown; abort(): void } | undefined {
  return platform.AbortController && new platform.AbortController();
}
