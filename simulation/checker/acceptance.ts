/** What senders were told against what stands in messages.v1. */
import type { Entry, History } from './history.js';
import { place, positionFor } from './history.js';
import type { Attempt, Ledger } from './ledger.js';
import type { Report } from './violation.js';

/** Codes that promise that nothing was written. */
const NOT_WRITTEN = new Set(['CONFAB_LOG_UNAVAILABLE', 'CONFAB_OVERLOADED', 'CONFAB_DRAINING', 'CONFAB_BODY_TOO_LARGE', 'CONFAB_INDEX_REBUILDING', 'CONFAB_IDEMPOTENCY_KEY_REUSED']);

type MessageEntry = Entry<'messages.v1'>;

export function checkAcceptance(ledger: Ledger, history: History, epoch: string, report: Report): void {
  const byId = groupBy(history.messages, ({ value }) => value?.messageId);
  const byKey = groupBy(history.messages, ({ value }) => value?.idempotencyKeyHash ?? undefined);
  for (const [id, entries] of byId) if (entries.length > 1) report('accepted once', `message ${id} stands ${entries.length} times`, ...entries.map(spot));
  for (const [key, entries] of byKey) if (entries.length > 1) report('accepted once', `the key ${key.slice(0, 8)} stands ${entries.length} times`, ...entries.map(spot));
  for (const attempt of ledger.attempts) checkAttempt(attempt, byId, epoch, report);
  checkKeys(ledger, report);
  checkOrder(ledger, report);
}

function checkAttempt(attempt: Attempt, byId: ReadonlyMap<string, readonly MessageEntry[]>, epoch: string, report: Report): void {
  const { accepted, refused, messageId } = attempt;
  if (refused !== undefined && NOT_WRITTEN.has(refused) && byId.has(messageId)) {
    report('refused never', `message ${messageId} was refused by ${attempt.process} with ${refused}`, ...(byId.get(messageId) ?? []).map(spot));
  }
  if (accepted === undefined) return;
  const [entry] = byId.get(accepted.messageId) ?? [];
  if (entry === undefined) { report('accepted once', `message ${accepted.messageId} was accepted by ${attempt.process} and is not in the log`, accepted.position); return; }
  if (positionFor(epoch, entry.record.offset) !== accepted.position) report('accepted once', `message ${accepted.messageId} was accepted at another place than it stands`, accepted.position, spot(entry));
  if (entry.record.key !== `default/${attempt.conversation}`) report('accepted once', `message ${accepted.messageId} stands in another conversation`, spot(entry));
}

/** One key, one message: whoever was accepted under it was told the same, and had the same body. */
function checkKeys(ledger: Ledger, report: Report): void {
  const first = new Map<string, Attempt>();
  for (const attempt of ledger.attempts) {
    if (attempt.key === undefined || attempt.accepted === undefined) continue;
    const name = `${attempt.conversation} ${attempt.key}`;
    const other = first.get(name);
    if (other === undefined) { first.set(name, attempt); continue; }
    if (other.accepted?.position !== attempt.accepted.position || other.body !== attempt.body) {
      report('accepted once', `the key ${attempt.key} was accepted for two messages`, other.accepted?.position ?? '', attempt.accepted.position);
    }
  }
}

/** Sent after another's acceptance was known, a new message stands behind it. */
function checkOrder(ledger: Ledger, report: Report): void {
  const byConversation = groupBy(ledger.attempts.filter(({ accepted }) => accepted?.duplicate === false), ({ conversation }) => conversation);
  for (const attempts of byConversation.values()) {
    const answers = [...attempts].sort((a, b) => (a.answered ?? 0) - (b.answered ?? 0));
    let newest: Attempt | undefined;
    let next = 0;
    for (const attempt of [...attempts].sort((a, b) => a.submitted - b.submitted)) {
      for (let known = answers[next]; known !== undefined && (known.answered ?? Infinity) < attempt.submitted; known = answers[next += 1]) {
        if (newest === undefined || (known.accepted?.position ?? '') > (newest.accepted?.position ?? '')) newest = known;
      }
      const before = newest?.accepted?.position;
      if (before !== undefined && attempt.accepted !== undefined && attempt.accepted.position < before) {
        report('accepted in order', `message ${attempt.messageId} of ${attempt.conversation} was sent later and stands before`, before, attempt.accepted.position);
      }
    }
  }
}

function spot({ partition, record }: MessageEntry): string { return place('messages.v1', partition, record.offset); }

function groupBy<T>(all: readonly T[], name: (one: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = name(one);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(one); else groups.set(key, [one]);
  }
  return groups;
}
