/** What the called server did against what the replies say of it. */
import { createHash } from 'node:crypto';
import type { Bots } from '../../processors/bot/index.js';
import type { Service } from '../service.js';
import { place, positionFor, type History } from './history.js';
import type { Report } from './violation.js';

/** Codes of calls that failed: the server may have done the work or not. */
const FAILED = /^CONFAB_(?:ACTION|EFFECT)_[A-Z_]+$/;

export interface EffectsOf {
  readonly service: Service;
  readonly bots: Bots;
  readonly epoch: string;
}

export function checkEffects(history: History, { service, bots, epoch }: EffectsOf, report: Report): void {
  for (const { key, asked, before } of service.contradictions) report('effect once', `the key ${key.slice(0, 8)} asked for "${asked}" and before for "${before}"`);
  const byKey = new Map(service.book.flatMap((entry) => (entry.key === undefined ? [] : [[entry.key, entry] as const])));
  const read = new Set(service.book.flatMap(({ key, number }) => (key === undefined ? [number] : [])));
  const explained = new Set<string>();
  for (const { partition, record, value } of history.replies) {
    for (const { key, status, result } of value?.effects ?? []) {
      const at = place('replies.v1', partition, record.offset);
      const asked = keyOf(record.key ?? '', key);
      explained.add(asked);
      if (key.slice(0, key.indexOf('#')) !== value?.position) report('effect once', `the effect ${key} is not of its reply`, at);
      if (status !== 'ok') { if (!FAILED.test(status)) report('effect once', `the effect ${key} came to ${status}`, at); continue; }
      const { number } = JSON.parse(typeof result === 'string' ? result : 'null') as { number: number };
      const entry = byKey.get(asked);
      // One that only reads has no key: the number is one that was told, and to nobody else.
      if (entry === undefined ? !read.delete(number) : entry.number !== number) report('effect once', `the effect ${key} is recorded as ${number}, and the server ${entry === undefined ? 'never said so' : `said ${entry.number}`}`, at);
    }
  }
  for (const { key, position } of branched(history, epoch)) for (const step of stepsOf(bots)) explained.add(keyOf(key, `${position}#${step}`));
  for (const { key, asked, askers } of byKey.values()) {
    if (!explained.has(key ?? '')) report('effect once', `the server did "${asked}" for ${askers.join(', ')}, and no reply knows of it`);
  }
}

/**
 * Turns whose first run may have gone further than the one that was committed: what it asked for is known by its key alone. It
 * found a server that worked, died, and who ran the turn again found it failing; or the message ended in a dead letter.
 */
function branched({ messages, replies }: History, epoch: string): { readonly key: string; readonly position: string }[] {
  const straight = new Set(replies.flatMap(({ partition, value }) => (value?.effects.every(({ status }) => status === 'ok') === true ? [`${partition} ${value.position}`] : [])));
  return messages.flatMap(({ partition, record }) => {
    const position = positionFor(epoch, record.offset);
    return straight.has(`${partition} ${position}`) ? [] : [{ key: record.key ?? '', position }];
  });
}

/** Every step that a turn may come to, once. */
function stepsOf(bots: Bots): string[] {
  return bots.all().flatMap(({ flows }) => flows.flatMap(({ name, labels }) => labels.map((label) => `${name}.${label}.0`)));
}

/** The key that the server is to see, by what docs/actions.md says: of the conversation, the position and the step. */
function keyOf(conversation: string, effect: string): string {
  return createHash('sha256').update(`${conversation}\n${effect}`).digest('base64url');
}
