/** Learned slots of a bot: trained from the marks in its examples, found in texts, given values. */
import type { Bot, EntityDefinition, FoundEntity } from '../../bot/index.js';
import { fold } from '../../bot/text.js';
import { decodeSlots, type SlotTagger } from './model.js';
import { slotModelId, trainSlots, type SlotExample } from './train.js';

export { decodeSlots, type SlotSpan, type SlotTagger } from './model.js';
export { slotModelId, trainSlots, type SlotExample, type SlotMark } from './train.js';

export interface LearnedSlots {
  /** Id of the model. */
  readonly model: string;
  find(text: string, intent: string | null): FoundEntity[];
}

interface Cache { get(hash: string): Buffer | undefined; set(hash: string, bytes: Buffer): unknown }

/** Less sure ones are not told. */
const LEAST_CONFIDENCE = 0.5;
const VALUE_CHARACTERS = 500;

/** From the cache where it has the model whole, else trained and stored; undefined for a bot without marks. */
export function prepareSlots(bot: Bot, cache: Cache): LearnedSlots | undefined {
  const examples = slotExamples(bot);
  if (examples.length === 0) return undefined;
  const id = slotModelId(examples);
  const cached = cache.get(id);
  let tagger = cached && decodeSlots(cached);
  if (tagger?.model !== id) {
    const bytes = trainSlots(examples);
    cache.set(id, bytes);
    tagger = decodeSlots(bytes);
  }
  return tagger && withValues(tagger, bot);
}

/** All examples of a bot that has marks: those without any teach what is no slot. */
export function slotExamples(bot: Bot): SlotExample[] {
  const learned = (entity: number): EntityDefinition | undefined => { const found = bot.entities[entity]; return found?.learned === false ? undefined : found; };
  const examples = bot.intents.flatMap((intent) => intent.samples.map(({ text, spans }): SlotExample => ({
    text, intent: intent.name, marks: spans.flatMap(({ start, end, entity }) => { const found = learned(entity); return found ? [{ entity: found.name, start, end }] : []; }),
  })));
  if (examples.every((one) => one.marks.length === 0)) return [];
  return [...examples, ...bot.outOfScope.map((text): SlotExample => ({ text, intent: null, marks: [] }))];
}

/** The value of what was found: that of a mark with the same words, else that of a list, else the words themselves. */
function withValues(tagger: SlotTagger, bot: Bot): LearnedSlots {
  const values = new Map<string, string>();
  const key = (entity: string, words: string): string => `${entity}\0${fold(words).trim()}`;
  const definitions = new Map(bot.entities.map((entity) => [entity.name, entity]));
  for (const entity of bot.entities) for (const { value, synonyms } of entity.values) for (const synonym of synonyms) values.set(key(entity.name, synonym), value);
  for (const { samples } of bot.intents) {
    for (const { text, spans } of samples) for (const span of spans) if (span.value !== null) values.set(key(bot.entities[span.entity]?.name ?? '', text.slice(span.start, span.end)), span.value);
  }
  return {
    model: tagger.model,
    find: (text, intent) => tagger.tag(text, intent).flatMap(({ entity, start, end, confidence }) => {
      if (confidence < LEAST_CONFIDENCE) return [];
      const words = text.slice(start, end).slice(0, VALUE_CHARACTERS);
      const normalise = definitions.get(entity)?.normalise;
      const plain = normalise === 'upper' ? words.toUpperCase() : normalise === 'lower' ? words.toLowerCase() : words;
      return [{ name: entity, value: values.get(key(entity, words)) ?? plain, start, end, source: 'learned' as const, type: null, confidence }];
    }),
  };
}
