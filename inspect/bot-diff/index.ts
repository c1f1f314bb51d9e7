/** Shadow replay: a new version of a bot against recorded conversations. */
export { compare } from './compare.js';
export { recordingsFrom } from './from-lines.js';
export { recordingsOf } from './from-log.js';
export { diffPage } from './page.js';
export { Player } from './player.js';
export type * from './types.js';
