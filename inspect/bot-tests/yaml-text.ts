/** Values as YAML of one line: plain where no reader can take them for something else, else in double quotes, which YAML reads as JSON. */

export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

const PLAIN = /^(?:[A-Za-z][A-Za-z0-9 _.'?!+/-]*|(?:\d+[smhd])+)$/;
/** Words that YAML, or a person, takes for something else than a text. */
const WORDS = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off', 'y', 'n']);
/** What JSON leaves as it is and YAML does not take, or an editor does not show. */
const UNSEEN = /[\u007f-\u009f\u2028\u2029\ufeff]/g;
const LONGEST = 400;

export function yamlOf(value: Value): string {
  if (typeof value === 'string') return scalar(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(yamlOf).join(', ')}]`;
  return `{${Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${yamlOf(inner)}`).join(', ')}}`;
}

function scalar(text: string): string {
  if (PLAIN.test(text) && !text.endsWith(' ') && !WORDS.has(text.toLowerCase()) && text.length < LONGEST) return text;
  return JSON.stringify(text).replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
