/** The result of an audit, for people. */
import { DEFAULT_TENANT, splitConversationKey } from '../platform/conversation-key.js';
import { FINDING_KINDS, type AuditReport, type Finding, type LateAnswer } from '../inspect/audit.js';
import { harmless } from './terminal.js';

const count = (value: number): string => value.toLocaleString('en-US');
/** Told even when there is none. */
const ALWAYS = new Set(['lost', 'doubled', 'reordered']);

/** `accepted 4,812 · answered 4,812 · lost 0 · doubled 0 · reordered 0`, and what else there is. */
export function auditLine(report: AuditReport): string {
  const faults = FINDING_KINDS.filter((kind) => ALWAYS.has(kind) || report[kind] > 0).map((kind) => `${kind} ${count(report[kind])}`);
  const notes = ([['pending', 'pending'], ['deadLettered', 'dead letters'], ['retries', 'retries'], ['expired', 'expired']] as const).filter(([name]) => report[name] > 0).map(([name, said]) => `${said} ${count(report[name])}`);
  return [`accepted ${count(report.accepted)}`, `answered ${count(report.answered)}`, ...faults, ...notes].join(' · ');
}

/** How much was read, and how fast. */
export function rateLine({ records, bytes, millis, partitions }: Pick<AuditReport, 'records' | 'bytes' | 'millis' | 'partitions'>): string {
  const seconds = Math.max(1, millis) / 1000;
  return `read ${count(records)} records of ${count(partitions)} ${partitions === 1 ? 'partition' : 'partitions'}, ${(bytes / 2 ** 20).toFixed(1)} MiB, in ${seconds.toFixed(1)} s: ${count(Math.round(records / seconds))} records/s`;
}

/** How to look at the conversation of the first finding that has one. */
export function lookLine(findings: readonly Finding[]): string | undefined {
  const key = findings.find((finding) => finding.key?.includes('/') === true)?.key?.split('\0')[0];
  if (key === undefined) return undefined;
  const { tenant, conversationId } = splitConversationKey(key);
  return harmless(`Look closer: confab conversation ${conversationId}${tenant === DEFAULT_TENANT ? '' : ` --tenant ${tenant}`}`);
}

/** One line: what is wrong, where, with which conversation. */
export function findingLine({ kind, topic, partition, offset, key, position, detail, messageId }: Finding): string {
  const whose = key === null ? '' : ` · ${key.slice(key.indexOf('/') + 1)}`;
  return harmless(`${kind.padEnd(11)}${topic} ${partition}-${offset}${whose}${position === null ? '' : ` · ${position}`}${messageId === null ? '' : ` · ${messageId}`} · ${detail}`);
}

/** A message that was told as lost or stuck has its outcome. */
export function lateLine({ kind, partition, position, key, afterMillis }: LateAnswer): string {
  return harmless(`late       partition ${partition}${key === null ? '' : ` · ${key.slice(key.indexOf('/') + 1)}`} · ${position} · was ${kind}, and has its outcome after ${(afterMillis / 1000).toFixed(1)} s`);
}
