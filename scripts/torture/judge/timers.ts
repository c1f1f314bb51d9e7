/**
 * The timers of one conversation: each that was due came once, as a message, not before its time and after those that were due
 * before it; none was lost. One that was taken back may have come all the same, when it was on its way.
 */
import type { ConversationHistory, SetTimer, StoredMessage } from './history.js';

export interface TimerFinding { readonly kind: 'lost' | 'duplicated' | 'reordered' | 'wrong'; readonly position: string; readonly detail: string }

/** What the bot "clerk" says when it has taken its reminders back. */
export const FORGOTTEN = 'Forgotten.';

export function timerFindings(history: ConversationHistory, until: number): TimerFinding[] {
  const findings: TimerFinding[] = [];
  const come = new Map<string, StoredMessage[]>();
  for (const message of history.messages) if (message.timer !== undefined) come.set(message.timer.id, [...come.get(message.timer.id) ?? [], message]);
  const known = new Map(history.timers.map((timer) => [timer.id, timer]));
  for (const [id, messages] of come) {
    const [first] = messages;
    const timer = known.get(id);
    if (timer === undefined) findings.push({ kind: 'wrong', position: first?.position ?? '', detail: `timer ${id} came and was never set` });
    if (messages.length > 1) findings.push({ kind: 'duplicated', position: messages[1]?.position ?? '', detail: `timer ${id} came ${messages.length} times, first at ${first?.position ?? ''}` });
    if (timer !== undefined && (first?.timer?.at ?? Infinity) < timer.dueAt) findings.push({ kind: 'wrong', position: first?.position ?? '', detail: `timer ${id} came ${timer.dueAt - (first?.timer?.at ?? 0)} ms before its time` });
    if (setBy(id) > (first?.position ?? '')) findings.push({ kind: 'reordered', position: first?.position ?? '', detail: `timer ${id} came before what set it` });
  }
  const gone = new Set(history.tombstones);
  for (const timer of known.values()) {
    if (come.has(timer.id)) { if (!gone.has(timer.id)) findings.push({ kind: 'wrong', position: setBy(timer.id), detail: `timer ${timer.id} came and is still set` }); continue; }
    if (gone.has(timer.id) ? !takenBack(timer, history) : timer.dueAt <= until) findings.push({ kind: 'lost', position: setBy(timer.id), detail: `timer ${timer.id} never came, and was not taken back` });
  }
  return [...findings, ...outOfOrder(history.timers, come)];
}

/** Set again under its name, or told that all are forgotten, later than it was set. */
function takenBack({ id }: SetTimer, { timers, replies }: ConversationHistory): boolean {
  const at = setBy(id);
  return timers.some((other) => nameOf(other.id) === nameOf(id) && setBy(other.id) > at) || replies.some(({ position, said }) => position > at && said?.includes(FORGOTTEN) === true);
}

/** Who knew of a timer knew of those that were set before it. */
function outOfOrder(timers: readonly SetTimer[], come: ReadonlyMap<string, readonly StoredMessage[]>): TimerFinding[] {
  const found: TimerFinding[] = [];
  timers.forEach((later, index) => {
    const [its] = come.get(later.id) ?? [];
    for (const earlier of its === undefined ? [] : timers.slice(0, index)) {
      const [other] = come.get(earlier.id) ?? [];
      if (earlier.dueAt < later.dueAt && other !== undefined && its !== undefined && other.position > its.position) found.push({ kind: 'reordered', position: other.position, detail: `timer ${earlier.id} came after ${later.id}, which was due later` });
    }
  });
  return found;
}

const nameOf = (id: string): string => id.slice(0, id.indexOf('@'));
const setBy = (id: string): string => id.slice(id.indexOf('@') + 1);
