/**
 * What in a bot's examples will confuse its classifier, with the lines: examples that say the same in two intents, intents that
 * a classifier trained without the example takes for each other, examples that stand alone in a foreign intent, repetitions, and
 * intents with too few of them.
 */
import type { Clock } from '../../platform/clock.js';
import { createExtractor, type Bot, type Place, type SourceExample, type Sources } from '../../processors/bot/index.js';
import { trainingSet } from '../../processors/intent/index.js';
import { crossValidate } from '../bot-evaluation/cross-validation.js';
import type { Prediction } from '../bot-evaluation/measures.js';
import { alikeTexts } from './alike.js';

export type FindingKind = 'contradiction' | 'overlap' | 'stray' | 'scope' | 'duplicate' | 'small';

export interface LintLine { readonly place: Place; readonly intent: string | null; readonly text: string; readonly note: string }

export interface LintFinding {
  readonly kind: FindingKind;
  /** An error cannot be right; the others may be meant so. */
  readonly severity: 'error' | 'warning';
  readonly place: Place;
  readonly message: string;
  /** The examples that it is about. */
  readonly lines: readonly LintLine[];
}

/** From here on two examples count as the same. */
const SAME = 0.95;
/** … and as nearly the same, in two intents. */
const NEAR = 0.8;
const FEW = 10;
/** Share of the examples of two intents that are taken for the other of them, and the least number. */
const OVERLAP_SHARE = 0.1;
const OVERLAP_LEAST = 3;
/** A held-out example that reads like another intent with this confidence may stand in the wrong one. */
const STRAY = 0.85;
const MOST_LINES = 12;
const OUT_OF_SCOPE = 'outOfScope';

const nameOf = (intent: string | null): string => intent ?? OUT_OF_SCOPE;

/** In the order: errors, then by kind, then by place. */
export function lintBot(bot: Bot, sources: Sources, clock: Clock): LintFinding[] {
  const { examples } = sources;
  const predictions = crossValidate(trainingSet(bot, createExtractor(bot)), clock);
  const found = [...repetitions(examples), ...overlaps(predictions, examples, sources), ...strays(predictions, examples), ...small(bot, sources)];
  const rank: Record<FindingKind, number> = { contradiction: 0, overlap: 1, stray: 2, scope: 3, duplicate: 4, small: 5 };
  return found.sort((a, b) => rank[a.kind] - rank[b.kind] || (a.place.file < b.place.file ? -1 : a.place.file > b.place.file ? 1 : a.place.line - b.place.line));
}

const lineOf = ({ place, intent, text }: SourceExample, note = ''): LintLine => ({ place, intent, text, note });

/** Examples that are the same: in two intents a contradiction, in one a repetition. */
function repetitions(examples: readonly SourceExample[]): LintFinding[] {
  return alikeTexts(examples.map(({ text }) => text), NEAR).flatMap(({ a, b, likeness }): LintFinding[] => {
    const [first, second] = [examples[a], examples[b]];
    if (!first || !second) return [];
    const same = likeness >= SAME;
    const what = `"${second.text}" is ${same ? 'the same as' : 'nearly the same as'} "${first.text}"`;
    const lines = [lineOf(first), lineOf(second)];
    // "Hi" may be a greeting in two languages: each has a model of its own.
    if (first.intent === second.intent) return same && first.language === second.language ? [{ kind: 'duplicate', severity: 'warning', place: second.place, message: `${what}, an example of ${nameOf(first.intent)} already`, lines }] : [];
    return [{ kind: 'contradiction', severity: likeness === 1 && first.language === second.language ? 'error' : 'warning', place: second.place, message: `${what}: one belongs to ${nameOf(second.intent)}, the other to ${nameOf(first.intent)}`, lines }];
  });
}

/** A text may stand in several places: the first that is given the intent. */
function placesOf(examples: readonly SourceExample[]): (prediction: Prediction) => SourceExample | undefined {
  const byText = new Map(examples.map((example) => [`${nameOf(example.intent)}\0${example.text}`, example]));
  return ({ label, text }) => byText.get(`${nameOf(label)}\0${text}`);
}

function overlaps(predictions: readonly Prediction[], examples: readonly SourceExample[], sources: Sources): LintFinding[] {
  const find = placesOf(examples);
  const pairs = new Map<string, { intents: readonly [string, string]; lines: LintLine[] }>();
  const sizes = new Map<string, number>();
  for (const one of predictions) {
    if (one.label === null) continue;
    sizes.set(one.label, (sizes.get(one.label) ?? 0) + 1);
    const example = find(one);
    if (one.top === null || one.top === one.label || !example) continue;
    const intents = [one.label, one.top].sort() as [string, string];
    const pair = pairs.get(intents.join('\0')) ?? { intents, lines: [] };
    pairs.set(intents.join('\0'), pair);
    pair.lines.push(lineOf(example, `reads like ${one.top}, ${one.confidence.toFixed(2)}`));
  }
  return [...pairs.values()].flatMap(({ intents: [a, b], lines }): LintFinding[] => {
    const all = (sizes.get(a) ?? 0) + (sizes.get(b) ?? 0);
    const place = sources.intents.get(a);
    if (!place || lines.length < OVERLAP_LEAST || lines.length / all < OVERLAP_SHARE) return [];
    return [{ kind: 'overlap', severity: 'warning', place, message: `${a} and ${b} overlap: ${lines.length} of their ${all} examples are taken for the other`, lines: lines.slice(0, MOST_LINES) }];
  });
}

function strays(predictions: readonly Prediction[], examples: readonly SourceExample[]): LintFinding[] {
  const find = placesOf(examples);
  return predictions.flatMap((one): LintFinding[] => {
    const example = one.top === one.label || one.confidence < STRAY || one.said === null ? undefined : find(one);
    if (!example) return [];
    const sure = `${one.top ?? ''} (${one.confidence.toFixed(2)})`;
    return [one.label === null
      ? { kind: 'scope', severity: 'warning', place: example.place, message: `"${one.text}" is out of scope and reads like ${sure}`, lines: [lineOf(example)] }
      : { kind: 'stray', severity: 'warning', place: example.place, message: `"${one.text}" of ${one.label} reads like ${sure}`, lines: [lineOf(example)] }];
  });
}

function small(bot: Bot, sources: Sources): LintFinding[] {
  const counts = bot.intents.map(({ examples }) => examples.length).sort((a, b) => a - b);
  const usual = counts[Math.floor(counts.length / 2)] ?? 0;
  return bot.intents.flatMap(({ name, examples }): LintFinding[] => {
    const place = sources.intents.get(name);
    if (!place || (examples.length >= FEW && examples.length * 5 >= usual)) return [];
    return [{ kind: 'small', severity: 'warning', place, message: `${name} has ${examples.length} ${examples.length === 1 ? 'example' : 'examples'}${examples.length < FEW ? `; ${FEW} or more are needed, 20 are better` : `, the others ${usual}`}`, lines: [] }];
  });
}
