/** The result of a run: its last line, and what is kept of a bad one. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Crowd } from './crowd.js';
import type { Tormentor } from './faults/tormentor.js';
import type { Installation } from './installation/installation.js';
import type { AuditResult } from './judge/audit-command.js';
import type { Finding, Verdict } from './judge/verdict.js';
import type { Counter } from './traffic/counter.js';
import type { TortureOptions } from './options.js';

export interface Outcome {
  readonly options: TortureOptions;
  readonly crowd: Crowd;
  readonly counter: Counter;
  readonly installation: Installation;
  readonly tormentor: Tormentor;
  readonly verdict: Verdict;
  /** undefined when it could not judge. */
  readonly audit: AuditResult | undefined;
  readonly drained: boolean;
  readonly troubles: readonly string[];
  readonly seconds: Readonly<Record<string, number>>;
}

export interface Result {
  readonly sound: boolean;
  readonly accepted: number;
  readonly answered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly [more: string]: unknown;
}

/** Findings that the last line tells; `findings.json` has all. */
const TOLD = 20;
const STORIES = 5;

/** The two judges count apart; the worse of both is told. */
export function resultOf({ options, crowd, counter, installation, tormentor, verdict, audit, drained, troubles, seconds }: Outcome): Result {
  const lost = Math.max(verdict.lost, audit?.lost ?? 0);
  const duplicated = Math.max(verdict.duplicated, audit?.doubled ?? 0);
  const { accepted, answered } = verdict;
  const disagreements = audit === undefined || verdict.inLog === audit.accepted ? [] : [`the audit counts ${audit.accepted} messages, there are ${verdict.inLog}`];
  const reordered = Math.max(verdict.reordered, audit?.reordered ?? 0);
  const sound = accepted > 0 && answered === accepted && lost + duplicated + reordered + verdict.wrong === 0 && audit?.sound === true && drained && disagreements.length === 0 && installation.crashes.length === 0;
  return {
    sound, accepted, answered, lost, duplicated, reordered, faults: tormentor.counts,
    seed: options.seed, minutes: options.minutes, rate: options.rate, wrong: verdict.wrong, deadLettered: verdict.deadLettered, inLog: verdict.inLog, timers: verdict.timers, effects: { done: counter.effects.size, askedAgain: counter.repeated }, skipped: crowd.traffic.skipped,
    waitMillis: crowd.waits.summary(), followed: crowd.followers.reduce((sum, { total }) => sum + total, 0), breaks: crowd.followers.reduce((sum, { breaks }) => sum + breaks, 0),
    answers: Object.fromEntries([...crowd.ledger.codes].sort()), audit: audit === undefined ? null : { ...audit, findings: undefined },
    crashes: installation.crashes, failedStarts: installation.failedStarts.length, drained, troubles: [...disagreements, ...troubles, ...tormentor.troubles], seconds,
    findings: [...verdict.findings, ...(audit?.findings ?? []).map(auditFinding)].slice(0, TOLD),
  };
}

function auditFinding({ kind, topic, partition, offset, key, position, detail }: AuditResult['findings'][number]): Record<string, unknown> {
  return { kind: `audit: ${kind}`, conversation: (key ?? '').replace(/^default\//, ''), position: position ?? '', detail: `${topic} ${partition}-${offset}: ${detail}` };
}

/** Writes all findings and the stories of the first conversations concerned; the brokers must be up. */
export async function keepEvidence(folder: string, installation: Installation, verdict: Verdict, audit: AuditResult | undefined): Promise<void> {
  writeFileSync(join(folder, 'findings.json'), `${JSON.stringify({ findings: verdict.findings, audit: audit?.findings }, null, 1)}\n`);
  const ids = [...new Set([...verdict.findings.map((finding: Finding) => finding.conversation), ...(audit?.findings ?? []).map(({ key }) => (key ?? '').replace(/^default\//, ''))])].filter((id) => id !== '');
  mkdirSync(join(folder, 'stories'), { recursive: true });
  for (const id of ids.slice(0, STORIES)) {
    const story = await promisify(execFile)(process.execPath, [installation.program, 'conversation', id], { env: { PATH: process.env.PATH, ...installation.environment(), CONFAB_LOG_LEVEL: 'silent' }, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 })
      .then(({ stdout }) => stdout, (error: unknown) => String(error));
    writeFileSync(join(folder, 'stories', `${id}.txt`), story);
  }
}
