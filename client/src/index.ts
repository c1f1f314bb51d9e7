/** @confab/client: see README.md. */
export { createClient } from './client.js';
export { ClientError } from './errors.js';
export type { ClientErrorDetails } from './errors.js';
export type { ClientClock, FetchLike, ResponseLike, StorageLike, WebSocketConstructor, WebSocketLike } from './platform.js';
export type * from './types.js';
