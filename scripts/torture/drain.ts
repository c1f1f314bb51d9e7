/** After the faults: waits until every message has its answer, every stage has read to the end, and every follower knows all. */
import type { Crowd } from './crowd.js';
import type { Installation } from './installation/installation.js';
import { pause, Progress } from './installation/wait.js';
import type { History, LogReader } from './judge/history.js';

export interface DrainOptions {
  readonly installation: Installation;
  readonly crowd: Crowd;
  readonly reader: LogReader;
  /** Hears what did not come to its end; the verdict then finds what is missing. */
  readonly trouble: (text: string) => void;
}

/** Nothing has moved for so long: it never will. Longer than any bound of the product. */
const STILL = 90_000;
/** The whole of each wait, whether or not it moves. */
const MOST = 300_000;
/** What was sent without an answer may be appended for so long (`message.timestamp.before.max.ms`, and a little). */
const LATE_APPEND = 12_000;
/** Timers that are due so soon are waited for; the others are for another day. */
export const SOON = 3_600_000;
/** A condition that holds must hold for so long. */
const STEADY = 1_000;

async function until(what: string, trouble: (text: string) => void, look: () => Promise<{ done: boolean; state: unknown }>): Promise<boolean> {
  const progress = new Progress(what, STILL);
  const began = performance.now();
  let held = 0;
  for (; ; await pause(250)) {
    const { done, state } = await look().catch((error: unknown) => ({ done: false, state: String(error) }));
    if (!done) held = 0;
    else if (held === 0) held = performance.now();
    if (done && performance.now() - held >= STEADY) return true;
    if (progress.moves(state) && performance.now() - began < MOST) continue;
    trouble(`${what}: ${JSON.stringify(state)}`);
    return false;
  }
}

/** The topics as they stand when nothing moves any more, and whether everything came to its end. */
export async function drain(options: DrainOptions): Promise<{ history: History; drained: boolean }> {
  const { installation, crowd, reader, trouble } = options;
  installation.heal();
  await installation.brokers.whole().catch((error: unknown) => { trouble(String(error)); });
  const ready = await installation.allReady(STILL).then(() => true, (error: unknown) => { trouble(String(error)); return false; });
  const answered = await until('messages without an answer', trouble, async () => ({ done: crowd.traffic.open === 0, state: [crowd.traffic.open, Object.fromEntries(crowd.ledger.codes)] }));
  crowd.traffic.giveUp();
  const idle = await until('stages that are behind', trouble, async () => {
    const lags = await reader.lags();
    const late = LATE_APPEND - (performance.now() - crowd.ledger.lostAt);
    const quiet = Object.keys(lags).length === 0 && late <= 0;
    // Each one that comes may set another.
    const timers = quiet ? await reader.timersDue(SOON) : undefined;
    return { done: quiet && timers === 0, state: [lags, late > 0 ? Math.ceil(late / 1000) : 0, timers] };
  });
  const history = await settledHistory(reader);
  const told = await follow(options, history);
  return { history, drained: ready && answered && idle && told };
}

async function settledHistory(reader: LogReader): Promise<History> {
  for (; ;) {
    const end = await reader.messagesEnd();
    const history = await reader.history();
    if (await reader.messagesEnd() === end) return history;
  }
}

/** Each follower, and one that begins now and asks for everything, must hear of each outcome. */
async function follow({ crowd, trouble }: DrainOptions, history: History): Promise<boolean> {
  const firsts = new Map([...history.conversations].flatMap(([id, { messages: [first] }]) => (first === undefined ? [] : [[id, first.position]])));
  crowd.addReader(firsts);
  const due = (ids: Iterable<string>): number => [...ids].reduce((sum, id) => sum + (history.conversations.get(id)?.messages.length ?? 0), 0);
  const expected = new Map(crowd.followers.map((follower) => [follower, due(follower.seen.keys())]));
  return until('outcomes that followers were not told', trouble, async () => {
    const missing = [...expected].filter(([follower, count]) => follower.total < count).map(([follower, count]) => `${follower.name}: ${follower.total} of ${count}`);
    return { done: missing.length === 0, state: missing };
  });
}
