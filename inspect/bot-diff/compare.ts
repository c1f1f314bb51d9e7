/** Recorded conversations through a new version of a bot, compared turn by turn with what was said, or with another version. */
import { toConfabError } from '../../platform/errors.js';
import type { DialogueState, ReplyPart } from '../../schemas/types.js';
import type { Player, Played } from './player.js';
import type { Comparison, Counts, Recorded, RecordedTurn, Recording, Said, TurnDifference, Verdict } from './types.js';

export interface CompareOptions {
  readonly next: Player;
  /** Undefined: what was recorded. */
  readonly old: Player | undefined;
  /** Differences that are kept whole. */
  readonly most: number;
}

interface Side { readonly said: Said; readonly parts: string; readonly missing: readonly string[]; readonly flow: string | null; readonly error: string | null }

const NOTHING: Said = { outcome: 'none', intent: null, texts: [], offers: [] };

/** Outcomes that leave the person without an answer. */
const FAILED = new Set(['fallback', 'none', 'error', 'dead_lettered']);

class Tally {
  readonly counts: Record<Verdict, number> & { turns: number } = { turns: 0, same: 0, changed: 0, newlyAnswered: 0, newlyFailed: 0 };
  add(verdict: Verdict): void { this.counts.turns += 1; this.counts[verdict] += 1; }
}

/** The same recordings give the same comparison, byte for byte. */
export async function compare(recordings: AsyncIterable<Recording> | Iterable<Recording>, options: CompareOptions): Promise<Comparison> {
  const totals = new Tally();
  const intents = new Map<string, Tally>();
  const flows = new Map<string, Tally>();
  const differences: TurnDifference[] = [];
  let [conversations, begunBefore, withMissingEffects, left] = [0, 0, 0, 0];
  for await (const recording of recordings) {
    conversations += 1;
    if (typeof recording.turns[0]?.reply?.prev === 'string') begunBefore += 1;
    const [next, old] = [new VersionSide(options.next, recording.key), options.old === undefined ? undefined : new VersionSide(options.old, recording.key)];
    for (let index = 0; index < recording.turns.length; index++) {
      const turn = recording.turns[index] as RecordedTurn;
      let after = next.play(turn);
      if (after instanceof Promise) after = await after;
      let before = old === undefined ? recordedSide(turn.reply) : old.play(turn);
      if (before instanceof Promise) before = await before;
      const verdict = verdictOf(before, after);
      totals.add(verdict);
      tallyOf(intents, after.said.intent ?? '').add(verdict);
      tallyOf(flows, after.flow ?? '').add(verdict);
      if (after.missing.length > 0) withMissingEffects += 1;
      if (verdict === 'same') continue;
      if (differences.length >= options.most) { left += 1; continue; }
      differences.push(differenceOf(recording, { turn, index, verdict }, before, after));
    }
  }
  return {
    bot: options.next.bot.id, newVersion: options.next.bot.version, against: options.old?.bot.version ?? 'recorded',
    conversations, begunBefore, totals: totals.counts, withMissingEffects, intents: listed(intents), flows: listed(flows), differences, left,
  };
}

/** One version in one conversation. */
class VersionSide {
  private state: DialogueState | undefined;
  constructor(private readonly player: Player, private readonly key: string) {}

  play(turn: RecordedTurn): Side | Promise<Side> {
    try {
      const done = this.player.play(this.key, turn, this.state);
      return done instanceof Promise ? done.then((one) => this.take(one), failedSide) : this.take(done);
    } catch (error) {
      return failedSide(error);
    }
  }

  private take({ played, state }: { played: Played; state: DialogueState | undefined }): Side {
    this.state = state;
    const { reply, missing, flow } = played;
    return { said: saidOf(reply), parts: formOf(reply.parts), missing, flow, error: null };
  }
}

function failedSide(error: unknown): Side {
  const { code, detail } = toConfabError(error);
  return { said: { ...NOTHING, outcome: 'error' }, parts: '[]', missing: [], flow: null, error: `${code}: ${detail}` };
}

function recordedSide(reply: Recorded | null): Side {
  return { said: reply === null ? NOTHING : saidOf(reply), parts: formOf(reply?.parts ?? []), missing: [], flow: null, error: null };
}

/** What a person sees; citations and the like count as well. */
const formOf = (parts: readonly ReplyPart[]): string => (parts.length === 0 ? '[]' : JSON.stringify(parts.map(({ text, quickReplies, buttons, image }) => [text, quickReplies, buttons, image])));

function saidOf({ outcome, intent, parts }: Pick<Recorded, 'outcome' | 'intent' | 'parts'>): Said {
  return {
    outcome, intent, texts: parts.map(({ text, image }) => (typeof text === 'string' ? text : image === null ? '' : `[image: ${image.alt}]`)),
    offers: parts.flatMap(({ quickReplies, buttons }) => [...quickReplies, ...buttons].map(({ title }) => title)),
  };
}

function verdictOf(before: Side, after: Side): Verdict {
  const [failedBefore, failedAfter] = [FAILED.has(before.said.outcome), FAILED.has(after.said.outcome)];
  if (failedAfter && !failedBefore) return 'newlyFailed';
  if (failedBefore && !failedAfter) return 'newlyAnswered';
  return before.parts === after.parts && before.said.outcome === after.said.outcome ? 'same' : 'changed';
}

function differenceOf({ key }: Recording, { turn, index, verdict }: { turn: RecordedTurn; index: number; verdict: Exclude<Verdict, 'same'> }, before: Side, after: Side): TurnDifference {
  const { message, position } = turn;
  const said = typeof message.text === 'string' ? message.text : typeof message.payload === 'string' ? message.payload : '';
  return { conversation: key, position, turn: index + 1, kind: message.kind, said, verdict, before: before.said, after: after.said, flow: after.flow, missing: after.missing, error: after.error };
}

function tallyOf(all: Map<string, Tally>, name: string): Tally {
  let tally = all.get(name);
  if (tally === undefined) all.set(name, tally = new Tally());
  return tally;
}

/** Those with the most differences first, then by name. */
function listed(all: ReadonlyMap<string, Tally>): ({ readonly name: string } & Counts)[] {
  return [...all].map(([name, { counts }]) => ({ name, ...counts })).sort((a, b) => (b.turns - b.same) - (a.turns - a.same) || (a.name < b.name ? -1 : 1));
}
