/** The bot model: loading, checking, and what both the intent and the dialogue stage take from it. */
export { fixedBots, SwappableBots, type Bots } from './bots.js';
export { createExtractor, type Extractor, type FoundEntity } from './entities.js';
export { checkBot, loadBot, loadBots } from './loader.js';
export type { Bot, Condition, Fault, ResponseDefinition, SlotDefinition, Template } from './types.js';
