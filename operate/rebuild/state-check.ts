/** Compares the view "state" with its topic. What differs is looked at again: owners write it a moment after the commit. */
import { createHash } from 'node:crypto';
import { epochOf } from '../../platform/position.js';
import type { StateEntry } from '../../platform/state/state-store.js';
import { topicName } from '../../topology/topology.js';
import { reflectsOf, type StateParts } from './state-records.js';
import type { Part, PartChecked, RunOptions } from './view.js';

/** The newest state of a conversation in the log. */
interface Logged { readonly reflects: string; readonly digest: string }
type Finding = 'same' | 'newer' | 'missing' | 'behind' | 'different';

const KEYS = 500;
const LOOKS = 10;
const PAUSE = 200;
const EXAMPLES = 3;

export async function checkState(parts: StateParts, part: Part, options: RunOptions = {}): Promise<PartChecked> {
  const began = parts.clock.monotonic();
  const { newest, records } = await readLog(parts, part, options);
  const findings = new Map<Finding, number>();
  const count = (finding: Finding, by: number): void => { findings.set(finding, (findings.get(finding) ?? 0) + by); };
  let open = await compare(parts, part, newest, [...newest.keys()], count);
  for (let looks = 1; looks < LOOKS && open.length > 0; looks += 1) {
    await parts.clock.sleep(PAUSE, options.signal);
    open = await compare(parts, part, newest, open.map(({ key }) => key), count);
  }
  for (const { finding } of open) count(finding, 1);
  const of = (finding: Finding): number => findings.get(finding) ?? 0;
  return {
    ...part, records, conversations: newest.size, same: of('same'), newer: of('newer'), missing: of('missing'), behind: of('behind'), different: of('different'),
    examples: open.slice(0, EXAMPLES).map(({ key }) => key), watermark: await watermarkOf(parts, part), milliseconds: Math.round(parts.clock.monotonic() - began),
  };
}

/** Digests instead of values: a partition may hold many large states. */
async function readLog({ log, codec, prefix }: StateParts, { topic, partition }: Part, { signal, onProgress }: RunOptions): Promise<{ newest: Map<string, Logged>; records: number }> {
  const name = topicName(prefix, topic);
  const newest = new Map<string, Logged>();
  let records = 0;
  for await (const batch of log.read(name, partition, 0, await log.settledEnd(name, partition))) {
    signal?.throwIfAborted();
    for (const { key, value } of batch.records) {
      records += 1;
      if (key === null || value === null) continue;
      const reflects = await reflectsOf(codec, topic, value);
      const before = newest.get(key);
      if (reflects !== undefined && (before === undefined || reflects >= before.reflects)) newest.set(key, { reflects, digest: digestOf(value) });
    }
    onProgress?.(records);
  }
  return { newest, records };
}

/** Counts those that are right; gives the others. */
async function compare({ state, prefix }: StateParts, { topic, partition }: Part, newest: ReadonlyMap<string, Logged>, keys: readonly string[], count: (finding: Finding, by: number) => void): Promise<{ key: string; finding: Finding }[]> {
  const open: { key: string; finding: Finding }[] = [];
  for (let at = 0; at < keys.length; at += KEYS) {
    const some = keys.slice(at, at + KEYS);
    const { entries } = await state.read(topicName(prefix, topic), partition, some);
    for (const [i, key] of some.entries()) {
      const finding = judge(newest.get(key), entries[i]);
      if (finding === 'same' || finding === 'newer') count(finding, 1); else open.push({ key, finding });
    }
  }
  return open;
}

function judge(logged: Logged | undefined, entry: StateEntry | undefined): Finding {
  if (logged === undefined || entry === undefined) return 'missing';
  if (entry.reflects !== logged.reflects) return entry.reflects > logged.reflects ? 'newer' : 'behind';
  return entry.value !== null && digestOf(entry.value) === logged.digest ? 'same' : 'different';
}

async function watermarkOf({ log, state, prefix }: StateParts, { topic, partition }: Part): Promise<PartChecked['watermark']> {
  const name = topicName(prefix, topic);
  const { watermark } = await state.read(name, partition, []);
  if (watermark === undefined) return 'missing';
  if (watermark.epoch !== epochOf((await log.topic(name)).id)) return 'of another log';
  // Read after the watermark: what the view reflects was committed before.
  return watermark.offset > await log.settledEnd(name, partition) ? 'ahead of the log' : 'whole';
}

const digestOf = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('base64');
