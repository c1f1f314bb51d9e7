/**
 * An answer while it is being written. What may be shown of it is decided at the ends of sentences: a piece that was not
 * looked at as a part of the whole is never shown, so nothing has to be taken back but by the fallback.
 */
import { ConfabError } from '../../../platform/errors.js';
import type { Citation } from '../../../schemas/types.js';
import { lastSentenceEnd, lengthOf, plain, sentencesWithin, visible } from './clean-text.js';
import { faultOf, type Secrets } from './guards.js';
import type { Passage } from './passages.js';
import { NO_ANSWER } from './prompt.js';

export interface DraftOptions {
  readonly hosts: readonly string[];
  readonly secrets: Secrets;
  readonly passages: readonly Passage[];
  /** An answer without a citation is none. */
  readonly cite: boolean;
}

export interface FinishedDraft { readonly text: string; readonly citations: readonly Citation[] }

/** Characters of a reply. */
export const LONGEST_REPLY = 4096;
/** A sentence that does not end is shown up to a blank, once this much of it is there and this much behind it. */
const LONG_SENTENCE = 400;
const TAIL = 80;

const CITED = /\s{0,2}\[(\d{1,3}(?:\s?[,;]\s?\d{1,3}){0,9})\]/g;

export class Draft {
  private raw = '';
  private looked = 0;
  private shown = '';

  constructor(private readonly options: DraftOptions) {}

  /** Longer than any reply: the rest is not wanted. */
  get full(): boolean { return this.raw.length > LONGEST_REPLY * 2; }

  /**
   * What can be shown now beyond what was; '' when nothing can. `anew`: it takes the place of what was shown.
   * @throws CONFAB_MODEL_UNSAFE, CONFAB_MODEL_NONSENSE, CONFAB_MODEL_UNGROUNDED, CONFAB_MODEL_NO_ANSWER
   */
  add(piece: string): { readonly text: string; readonly anew: boolean } {
    this.raw += piece;
    const end = boundaryOf(this.raw, this.looked);
    if (end <= this.looked) return { text: '', anew: false };
    this.looked = end;
    const { text, citations } = this.check(this.raw.slice(0, end), false);
    if (this.options.cite && citations.length === 0) return { text: '', anew: false };
    if (lengthOf(text) > LONGEST_REPLY || text.length <= this.shown.length || isOpen(text)) return { text: '', anew: false };
    const anew = !text.startsWith(this.shown);
    const more = anew ? text : text.slice(this.shown.length);
    this.shown = text;
    return { text: more, anew };
  }

  /**
   * The whole. `cut`: it stopped somewhere, and ends with its last sentence.
   * @throws as `add`
   */
  finish(cut: boolean): FinishedDraft {
    const raw = cut ? this.raw.slice(0, lastSentenceEnd(`${this.raw} `)) : this.raw;
    const found = this.check(raw, true);
    const text = sentencesWithin(found.text, LONGEST_REPLY);
    if (text === '') throw new ConfabError('CONFAB_MODEL_NONSENSE', { detail: 'No sentence of the answer ends.' });
    // They are numbered in the order in which they come, so what is left names the first ones.
    const citations = found.citations.filter((_, at) => text.includes(`[${at + 1}]`));
    if (this.options.cite && citations.length === 0) throw new ConfabError('CONFAB_MODEL_UNGROUNDED', { detail: 'The answer names no passage.' });
    return { text, citations };
  }

  private check(raw: string, whole: boolean): FinishedDraft {
    const seen = visible(raw);
    // Some models put a word of regret before it.
    if (seen.includes(NO_ANSWER)) throw new ConfabError('CONFAB_MODEL_NO_ANSWER');
    // Before and after Markdown is taken off: neither form may hide what the other shows.
    for (const form of [seen, plain(seen)]) {
      const fault = faultOf(form, this.options.hosts, this.options.secrets);
      // The beginning of an answer may be a number or a dash.
      if (fault === 'nonsense' && !whole) continue;
      if (fault === 'nonsense') throw new ConfabError('CONFAB_MODEL_NONSENSE', { detail: 'The answer is no text that could be said.' });
      if (fault !== undefined) throw new ConfabError('CONFAB_MODEL_UNSAFE', { detail: `The answer was not shown: ${fault}.` });
    }
    return this.cited(plain(seen).trim());
  }

  /** `[n]` counts what is cited, in the order in which it comes; a number that no passage has is refused. */
  private cited(text: string): FinishedDraft {
    const { passages } = this.options;
    const order: number[] = [];
    const numbered = text.replaceAll(CITED, (_whole, list: string) => {
      if (passages.length === 0) return '';
      const numbers = list.split(/[,;]/).map((number) => {
        const id = Number(number);
        if (passages[id - 1] === undefined) throw new ConfabError('CONFAB_MODEL_UNGROUNDED', { detail: 'The answer names a passage that it was not given.' });
        if (!order.includes(id)) order.push(id);
        return `[${order.indexOf(id) + 1}]`;
      });
      return ` ${[...new Set(numbers)].join('')}`;
    });
    return { text: numbered.trim(), citations: order.flatMap((id) => citationOf(passages[id - 1])) };
  }
}

function citationOf(passage: Passage | undefined): Citation[] {
  return passage === undefined ? [] : [{ title: passage.title, source: passage.source.file, url: passage.source.url }];
}

/** Whether a mark of Markdown on the line that is being written may still find its other half, and both be taken off. */
function isOpen(text: string): boolean {
  const line = text.slice(text.lastIndexOf('\n') + 1);
  const target = line.lastIndexOf('](');
  return /[`*]|__/.test(line) || line.lastIndexOf('[') > line.lastIndexOf(']') || (target >= 0 && !line.includes(')', target));
}

function boundaryOf(raw: string, from: number): number {
  const sentence = lastSentenceEnd(raw);
  if (sentence > from) return sentence;
  if (raw.length - from < LONG_SENTENCE + TAIL) return from;
  return Math.max(from, raw.lastIndexOf(' ', raw.length - TAIL));
}
