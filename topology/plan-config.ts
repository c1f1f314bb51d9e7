/** Compares the configuration of one topic with the declared one: what is set, what is refused. */
import type { TopicConfig } from '../platform/event-log/event-log.js';
import { duration } from './durations.js';
import type { RefusedStep } from './plan.js';

export interface ConfigChange {
  readonly from: Record<string, string | null>;
  readonly to: Record<string, string>;
  readonly refused: RefusedStep[];
}

/** What Kafka does where nothing was set. */
const DEFAULTS: TopicConfig = { 'cleanup.policy': 'delete', 'retention.ms': '604800000', 'message.timestamp.type': 'CreateTime', 'compression.type': 'producer', 'unclean.leader.election.enable': 'false', 'max.message.bytes': '1048588' };

interface Danger { readonly allow: string; readonly reason: string }

export function compareConfig(topic: string, wanted: TopicConfig, found: TopicConfig, allow: readonly string[]): ConfigChange {
  const change: ConfigChange = { from: {}, to: {}, refused: [] };
  for (const [entry, value] of Object.entries(wanted)) {
    const now = found[entry] ?? DEFAULTS[entry];
    if (same(entry, now, value)) continue;
    const danger = dangerOf(topic, entry, now, value);
    if (danger !== undefined && !allow.includes(danger.allow)) {
      change.refused.push({ topic, change: `${entry} ${configText(entry, now ?? null)} → ${configText(entry, value)}`, ...danger });
      continue;
    }
    change.from[entry] = found[entry] ?? null;
    change.to[entry] = value;
  }
  return change;
}

/** A value of a configuration entry as a person reads it. */
export function configText(entry: string, value: string | null): string {
  if (value === null) return '(default)';
  if (!entry.endsWith('.ms')) return value;
  return value === '-1' ? 'for ever' : duration(Number(value));
}

const policies = (value: string): string => value.split(',').map((part) => part.trim()).sort().join(',');

function same(entry: string, now: string | undefined, wanted: string): boolean {
  if (now === undefined) return false;
  if (entry === 'cleanup.policy') return policies(now) === policies(wanted);
  if (entry === 'max.message.bytes') return Number(now) >= Number(wanted);
  return now === wanted || (now.trim() !== '' && Number(now) === Number(wanted));
}

function dangerOf(topic: string, entry: string, now: string | undefined, wanted: string): Danger | undefined {
  if (entry === 'retention.ms' && now !== undefined && (now === '-1' || Number(now) > Number(wanted))) {
    return { allow: `shorten-retention:${topic}`, reason: 'Records that are kept now would be removed.' };
  }
  if (entry === 'cleanup.policy' && !(now !== undefined && policies(now) === 'compact,delete' && wanted === 'compact')) {
    return { allow: `change-cleanup:${topic}`, reason: wanted.includes('compact') ? 'Of each key only the newest record would be left.' : 'Records would be removed by age that are kept by key now.' };
  }
  if (entry === 'message.timestamp.type') return { allow: `change-timestamps:${topic}`, reason: 'Records before and after would have times of different meaning.' };
  return undefined;
}
