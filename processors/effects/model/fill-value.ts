/** The value that a model found for a slot: nothing is taken that the slot could not have or that the person did not write. */
import { ConfabError } from '../../../platform/errors.js';
import { wordsOf } from '../../../platform/knowledge-index/words.js';
import type { Bot, SlotDefinition } from '../../bot/index.js';
import type { ModelFill } from '../../bot/model-result.js';
import { visible } from './clean-text.js';

const LONGEST = 2000;

/** @throws CONFAB_MODEL_NONSENSE it is not the JSON that was asked for; CONFAB_MODEL_UNSAFE a value that is not the slot's or not the person's */
export function readFill(answer: string, bot: Pick<Bot, 'slots' | 'entities'>, name: string | null, text: string): ModelFill {
  const slot = bot.slots.find((one) => one.name === name);
  const value = valueOf(answer);
  if (value === null) return { value: null };
  if (slot === undefined || value.length > slot.maxLength) throw unsafe();
  const only = valuesOf(bot, slot);
  if (only !== null) {
    const found = only.find((one) => one.toLowerCase() === value.toLowerCase());
    if (found === undefined) throw unsafe();
    return { value: found };
  }
  // Numbers and dates may be written otherwise than the person did; the interpreter checks them as it checks every answer.
  if (slot.type === 'text' && !holds(text, value)) throw unsafe();
  return { value };
}

/** The only values that the slot can have: its own, or those of the lists that fill it; null for any. */
export function valuesOf({ entities }: Pick<Bot, 'entities'>, { oneOf, sources }: SlotDefinition): readonly string[] | null {
  if (oneOf !== null) return oneOf;
  const found = new Set<string>();
  for (const source of sources) {
    if (source.from !== 'entity') return null;
    const entity = entities[source.entity];
    if (!entity || entity.values.length === 0 || entity.patterns.length > 0 || entity.system !== null || entity.learned === true) return null;
    for (const { value } of entity.values) found.add(value);
  }
  return [...found];
}

function valueOf(answer: string): string | null {
  const json = visible(answer).trim().replace(/^```(?:json)?\s*/, '').replace(/\s*```$/, '');
  let found: unknown;
  try {
    found = json.length > LONGEST ? undefined : JSON.parse(json);
  } catch { /* told below */ }
  const value = typeof found === 'object' && found !== null && Object.keys(found).length === 1 ? (found as { value?: unknown }).value : undefined;
  if (value === null) return null;
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new ConfabError('CONFAB_MODEL_NONSENSE', { detail: 'The answer is not the JSON that was asked for.' });
}

/** Whether the words stand in the text, in this order and side by side. */
function holds(text: string, value: string): boolean {
  const [words, wanted] = [` ${wordsOf(text).join(' ')} `, wordsOf(value).join(' ')];
  return wanted !== '' && words.includes(` ${wanted} `);
}

const unsafe = (): ConfabError => new ConfabError('CONFAB_MODEL_UNSAFE', { detail: 'The value is not one of the slot, or does not stand in the text.' });
