/**
 * Stage "intent": finds the intent and the entities of each message, with every live version of its bot (the stage keeps no
 * state and does not know which version the conversation is pinned to). Each Message of any kind gives exactly one
 * IntentDetected; what is not a readable text passes through without results.
 */
import { formatPosition } from '../../platform/position.js';
import type { IntentResult } from '../../schemas/types.js';
import { contextOf, createExtractor, inLanguage, NO_CONTEXT, type Bot, type Bots, type ExampleDefinition, type ExtractionContext, type Extractor, type FoundEntity } from '../bot/index.js';
import type { Stage } from '../stage.js';
import { prepareClassifier, type Classifier, type ModelCache, type SharedClassifiers } from './classifier.js';
import { prepareSlots, type LearnedSlots } from './slots/index.js';
import type { TrainingSet } from './train.js';

export { createClassifier, prepareClassifier, type Classification, type Classifier, type ModelCache } from './classifier.js';
export { decodeModel } from './artefact.js';
export type { Model } from './model.js';
export { modelId, train, type TrainingSet, type TrainingText } from './train.js';

export interface IntentStageOptions {
  readonly bots: Bots;
  /** A Map will do; without one every start trains anew. */
  readonly cache?: ModelCache;
}

interface Prepared { readonly bot: Bot; readonly extractor: Extractor; readonly classifier: Classifier; readonly slots: LearnedSlots | undefined; /** Version of all that was trained. */ readonly model: string }

/** Trains, or takes from the cache, the models of all bots; then it is ready. Bots that appear later are prepared when first met. */
export function createIntentStage(options: IntentStageOptions): Stage<'intent'> {
  const cache = options.cache ?? new Map<string, Buffer>();
  const prepared = new WeakMap<Bot, Prepared>();
  const shared: SharedClassifiers = new Map();
  const ready = (bot: Bot): Prepared => {
    const found = prepared.get(bot) ?? prepare(bot, cache, shared);
    prepared.set(bot, found);
    return found;
  };
  for (const bot of options.bots.all()) ready(bot);
  options.bots.beforeUse?.(ready);
  return {
    scope: 'conversation',
    position: (input, context) => formatPosition(context.epoch, input.offset, 0),
    process(input, _state, context) {
      const message = input.value;
      const { text } = message;
      const results: IntentResult[] = [];
      if (message.kind === 'text' && typeof text === 'string') {
        const about = contextOf(message, input.timestamp);
        for (const bot of options.bots.versions(message.botId)) results.push(detect(ready(bot), text, about));
      }
      return { outputs: [{ topic: 'intents.v1', value: { position: formatPosition(context.epoch, input.offset, 0), message, results, detectedAt: context.now() } }] };
    },
  };
}

/** Trains the model of a bot into the cache, where it is not yet: a second or so that may pass in another thread. */
export function trainInto(bot: Bot, cache: ModelCache): void { prepare(bot, cache); }

function prepare(bot: Bot, cache: ModelCache, shared?: SharedClassifiers): Prepared {
  const extractor = createExtractor(bot);
  const classifier = prepareClassifier(trainingSet(bot, extractor), cache, shared);
  const slots = prepareSlots(bot, cache);
  return { bot, extractor, classifier, slots, model: slots ? `${classifier.model}-${slots.model.slice(0, 16)}` : classifier.model };
}

/** What the bot's classifier is trained from. */
export function trainingSet(bot: Bot, extractor: Extractor): TrainingSet {
  const several = bot.languages.length > 1;
  const one = ({ text, language }: ExampleDefinition, label: string | null): TrainingSet['texts'][number] => ({ text, label, entities: names(extractor.extract(text, several ? { ...NO_CONTEXT, locale: language } : NO_CONTEXT)), ...(several && { language }) });
  return {
    texts: [...bot.intents.flatMap((intent) => intent.samples.map((sample) => one(sample, intent.name))), ...bot.outOfScopeSamples.map((sample) => one(sample, null))],
    accept: bot.accept,
  };
}

function detect({ bot, extractor, classifier, slots, model }: Prepared, text: string, about: ExtractionContext): IntentResult {
  const read = extractor.extract(text, about);
  const { intent, confidence, ranking, language } = classifier.classify(text, names(read));
  // Dates and numbers are words of a language: read again where the text is in another one than its sender's.
  const inOther = inLanguage(about, language, bot.languages);
  const sure = inOther === about ? read : extractor.extract(text, inOther);
  const entities = slots ? extractor.merge(sure, slots.find(text, ranking[0]?.intent ?? null)) : sure;
  return { bot: bot.id, version: bot.version, model, intent, confidence, ranking, entities };
}

const NO_NAMES: readonly string[] = [];

/** Names of what was found and, of lists, the value too: "nope" and "yes" are the same entity and mean the opposite. */
function names(entities: readonly FoundEntity[]): readonly string[] {
  if (entities.length === 0) return NO_NAMES;
  const found = new Set<string>();
  for (const { name, source, value } of entities) {
    found.add(name);
    if (source === 'list' || source === 'fuzzy') found.add(`${name}=${value}`);
  }
  return [...found];
}
