/** The bot model: loading, checking, and what both the intent and the dialogue stage take from it. */
export { fixedBots, MOST_LIVE, SwappableBots, type Bots, type Canary, type Rollout } from './bots.js';
export { shareOf } from './share.js';
export { contextOf, createExtractor, inLanguage, NO_CONTEXT, type ExtractionContext, type Extractor, type FoundEntity } from './entities/index.js';
export { checkBot, checkFiles, loadBot, loadBots, readBotFiles, type BotCheck, type BotFile } from './loader.js';
export { Faults, nearest, shown, type Place } from './faults.js';
export { Sources, type SourceExample } from './sources.js';
export { holds, valueOf } from './evaluate.js';
export type { CueKind, Cues } from './cues.js';
export type * from './types.js';
