/** Entities of a bot in a text. */
export { createExtractor, type Extractor, type ExtractorBot } from './extractor.js';
export { contextOf, inLanguage, NO_CONTEXT, type EntitySource, type ExtractionContext, type FoundEntity } from './found.js';
