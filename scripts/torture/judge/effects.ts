/** What the called server did against what the replies say of it: each effect under one key, recorded as it was answered. */
import { createHash } from 'node:crypto';
import type { Finding } from './verdict.js';
import type { History } from './history.js';

/** What a server that bots call has done. */
export interface Books {
  /** By idempotency key: the number that it answers, and how often it was asked. */
  readonly effects: ReadonlyMap<string, { readonly number: number; readonly asked: string; times: number }>;
  /** Numbers that were told to who only read. */
  readonly reads: ReadonlySet<number>;
  /** Keys that were used for two different requests. */
  readonly contradictions: readonly string[];
}

export function effectFindings({ conversations }: History, { effects, reads, contradictions }: Books): Finding[] {
  const findings: Finding[] = contradictions.map((detail) => ({ kind: 'wrong', conversation: '', position: '', detail }));
  const explained = new Set<string>();
  const steps = new Set<string>();
  /** Turns that may have gone further before they were committed otherwise: a call that had succeeded failed when it was asked again. */
  const branched: { readonly id: string; readonly position: string }[] = [];
  const read = new Set<number>();
  for (const [id, { messages, replies }] of conversations) {
    const straight = new Set<string>();
    for (const reply of replies) {
      if (reply.effects.every(({ status }) => status === 'ok')) straight.add(reply.position);
      for (const { key, status, result } of reply.effects) {
        steps.add(key.slice(key.indexOf('#') + 1));
        explained.add(keyOf(id, key));
        const wrong = (detail: string): void => { findings.push({ kind: 'wrong', conversation: id, position: reply.position, detail }); };
        if (!key.startsWith(`${reply.position}#`)) wrong(`the effect ${key} is not of its reply`);
        if (status !== 'ok') { if (!/^CONFAB_(ACTION|EFFECT)_/.test(status)) wrong(`the effect ${key} came to ${status}`); continue; }
        const { number } = JSON.parse(result ?? 'null') as { number: number };
        const done = effects.get(keyOf(id, key));
        if (done === undefined ? !reads.has(number) || read.has(number) : done.number !== number) wrong(`the effect ${key} is recorded as ${number}, and the server ${done === undefined ? 'did not say so, or to another' : `said ${done.number}`}`);
        if (done === undefined) read.add(number);
      }
    }
    for (const { position } of messages) if (!straight.has(position)) branched.push({ id, position });
  }
  for (const { id, position } of branched) for (const step of steps) explained.add(keyOf(id, `${position}#${step}`));
  for (const [key, { asked }] of effects) if (!explained.has(key)) findings.push({ kind: 'duplicated', conversation: '', position: '', detail: `the server did "${asked}" under the key ${key}, and no reply knows of it` });
  return findings;
}

/** As docs/actions.md says: of the conversation, the position and the step. */
function keyOf(conversation: string, effect: string): string {
  return createHash('sha256').update(`default/${conversation}\n${effect}`).digest('base64url');
}
