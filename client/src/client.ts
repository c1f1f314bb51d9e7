import type { Client, ClientOptions } from './types.js';

/** Makes a client. Nothing is connected until the first conversation. */
export function createClient(_options: ClientOptions): Client {
  throw new Error('not yet');
}
