/** The bot model: loading, checking, and what both the intent and the dialogue stage take from it. */
export { fixedBots, type Bots } from './bots.js';
export { createExtractor, type Extractor, type FoundEntity } from './entities.js';
export { checkBot, checkFiles, loadBot, loadBots, type BotCheck, type BotFile } from './loader.js';
export { fold } from './text.js';
export type { Bot, Condition, Fault, FlowDefinition, Instruction, ResponseDefinition, SlotDefinition, Template } from './types.js';
