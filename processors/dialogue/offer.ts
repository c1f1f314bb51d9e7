/** Intents offered as quick replies: where a text could mean several, and where nothing was understood. The tap decides. */
import type { QuickReply, RankedIntent } from '../../schemas/types.js';
import { fold } from '../bot/text.js';
import type { Kept } from './memory.js';
import { say } from './speak.js';
import type { Heard, Turn } from './turn.js';

/** Together the two likeliest intents of a text that was not understood have at least this, or it is about something else. */
const LIKELY = 0.4;
/** Less likely ones are not offered. */
const LEAST = 0.05;

/** The intents that can be offered, best first, each of another flow. */
function offerable(turn: Turn, ranking: readonly RankedIntent[], most: number): RankedIntent[] {
  const { bot } = turn.program;
  const flows = new Set<number>();
  return ranking.filter(({ intent }) => {
    const flow = bot.flowOfIntent.get(intent);
    if (flow === undefined || flows.has(flow) || titleOf(turn, intent) === '') return false;
    flows.add(flow);
    return true;
  }).slice(0, most);
}

function titleOf(turn: Turn, intent: string): string {
  const titles = turn.program.titles.get(intent) ?? [];
  return (titles.find(({ language }) => language === turn.language) ?? titles[0])?.text ?? '';
}

/** Says the response with the intents as quick replies, and keeps the message until one is tapped. */
function offer(turn: Turn, response: number, intents: readonly string[]): void {
  const choices: QuickReply[] = intents.map((intent) => ({ title: titleOf(turn, intent), payload: `intent:${intent}` }));
  if (turn.heard) turn.memory.kept = keep(turn.heard, intents);
  say(turn, response, choices);
}

export function keep(heard: Heard, offered: readonly string[]): Kept {
  return {
    text: heard.text.slice(0, 500), intent: heard.intent, confidence: heard.confidence, offered,
    entities: heard.entities.flatMap(({ name, value }) => typeof value === 'string' ? [[name, value] as const] : []).slice(0, 10),
  };
}

/** The two likeliest intents are too near to each other to choose. */
export function isAmbiguous({ program: { bot } }: Turn, { tapped, intent, ranking: [first, second] }: Heard): boolean {
  if (!bot.disambiguation || tapped || !first || !second || first.confidence - second.confidence >= bot.disambiguation.margin) return false;
  if (bot.flowOfIntent.get(first.intent) === bot.flowOfIntent.get(second.intent)) return false;
  return intent !== null || first.confidence + second.confidence >= LIKELY;
}

/** Offers the intents that a message could mean. False where it is clear, or fewer than two can be offered. */
export function disambiguate(turn: Turn, heard: Heard): boolean {
  const { disambiguation } = turn.program.bot;
  const [first] = heard.ranking;
  if (!disambiguation || !first || !isAmbiguous(turn, heard)) return false;
  const near = offerable(turn, heard.ranking.filter(({ confidence }) => first.confidence - confidence < disambiguation.margin && confidence >= LEAST), disambiguation.most);
  if (near.length < 2) return false;
  turn.outcome = 'fallback';
  offer(turn, disambiguation.response, near.map(({ intent }) => intent));
  return true;
}

/** Offers the likely intents of a text that was not understood. False where there are none. */
export function offerLikely(turn: Turn, response: number, most: number): boolean {
  const likely = offerable(turn, (turn.heard?.ranking ?? []).filter(({ confidence }) => confidence >= LEAST), most);
  if (likely.length === 0) return false;
  offer(turn, response, likely.map(({ intent }) => intent));
  return true;
}

/** What was kept, with the intent that a tap, its title, or a yes to the only one has chosen. */
export function chosen(turn: Turn, kept: Kept, heard: Heard, isYes: boolean): Heard | undefined {
  const title = fold(heard.text).trim();
  const intent = kept.offered.find((one) => heard.tapped ? heard.intent === one : fold(titleOf(turn, one)) === title) ?? (isYes && kept.offered.length === 1 ? kept.offered[0] : undefined);
  return intent === undefined ? undefined : { ...recall(kept), intent, confidence: 1, role: null };
}

/** The message that was kept, as it was heard. */
export function recall(kept: Kept): Heard {
  return {
    text: kept.text, intent: kept.intent, confidence: kept.confidence, role: null, ranking: [], tapped: false,
    entities: kept.entities.map(([name, value]) => ({ name, value, start: 0, end: 0 })),
  };
}
