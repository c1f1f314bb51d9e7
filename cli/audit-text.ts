/** The result of an audit, for people. */
import { FINDING_KINDS, type AuditReport, type Finding } from '../inspect/audit.js';
import { harmless } from './terminal.js';

const count = (value: number): string => value.toLocaleString('en-US');
/** Told even when there is none. */
const ALWAYS = new Set(['lost', 'doubled', 'reordered']);

/** `accepted 4,812 · answered 4,812 · lost 0 · doubled 0 · reordered 0`, and what else there is. */
export function auditLine(report: AuditReport): string {
  const faults = FINDING_KINDS.filter((kind) => ALWAYS.has(kind) || report[kind] > 0).map((kind) => `${kind} ${count(report[kind])}`);
  const notes = ([['pending', 'pending'], ['deadLettered', 'dead letters'], ['retries', 'retries']] as const).filter(([name]) => report[name] > 0).map(([name, said]) => `${said} ${count(report[name])}`);
  return [`accepted ${count(report.accepted)}`, `answered ${count(report.answered)}`, ...faults, ...notes].join(' · ');
}

/** One line: what is wrong, where, with which conversation. */
export function findingLine({ kind, topic, partition, offset, key, position, detail }: Finding): string {
  const whose = key === null ? '' : ` · ${key.slice(key.indexOf('/') + 1)}`;
  return harmless(`${kind.padEnd(10)}${topic} ${partition}-${offset}${whose}${position === null ? '' : ` · ${position}`} · ${detail}`);
}
