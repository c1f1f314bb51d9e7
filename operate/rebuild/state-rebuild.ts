/**
 * The view "state" made again from its topic, beside owners that write it.
 *
 * Every record is written, whatever the view has: one that holds something newer keeps it (compared on `reflects`), the
 * watermark only goes forward. A view that is lost meanwhile refuses the next write; then the partition is begun anew.
 */
import { ConfabError, isCode } from '../../platform/errors.js';
import { epochOf } from '../../platform/position.js';
import { replay } from '../../platform/state/replay.js';
import { topicName, topology, type TopicName } from '../../topology/topology.js';
import type { StageDefinition } from '../../topology/define.js';
import { checkState } from './state-check.js';
import { reflectsOf, type StateParts } from './state-records.js';
import type { Part, PartRebuilt, Rebuild, RebuildParts, RunOptions } from './view.js';

/** Tries of a partition that was lost while it was made; and the pause between them. */
const TRIES = 5;
const PAUSE = 500;

/** @throws CONFAB_VIEW_NOT_KEPT */
export function stateRebuild(parts: RebuildParts): Rebuild {
  const { state } = parts;
  if (state === undefined || state.kind === 'memory') {
    throw new ConfabError('CONFAB_VIEW_NOT_KEPT', { detail: 'Without Redis states are in the memory of the processes, which read them from the log at every start: there is nothing to rebuild.' });
  }
  const kept = { ...parts, state };
  return { parts: () => statePartitions(kept), run: (part, options) => run(kept, part, options), check: (part, options) => checkState(kept, part, options) };
}

/** State topics of stages whose states are of conversations: those of partitions are in the memory of their owners. */
export const stateTopics = (): TopicName[] => [...new Set(Object.values<StageDefinition<TopicName>>(topology.stages).flatMap(({ scope, state }) => (scope === 'conversation' && state !== undefined ? [state] : [])))];

async function statePartitions({ log, prefix }: StateParts): Promise<Part[]> {
  const parts = await Promise.all(stateTopics().map(async (topic) => {
    const { partitions } = await log.topic(topicName(prefix, topic));
    return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  }));
  return parts.flat();
}

async function run(parts: StateParts, part: Part, options: RunOptions = {}): Promise<PartRebuilt> {
  const began = parts.clock.monotonic();
  for (let left = TRIES; ; left -= 1) {
    try {
      const { records, written } = await once(parts, part, options);
      return { ...part, records, states: written, milliseconds: Math.round(parts.clock.monotonic() - began) };
    } catch (error) {
      if (left <= 1 || !isCode(error, 'CONFAB_STATE_UNAVAILABLE')) throw error;
      await parts.clock.sleep(PAUSE, options.signal);
    }
  }
}

async function once({ log, codec, prefix, state }: StateParts, { topic, partition }: Part, { signal, onProgress }: RunOptions): Promise<{ records: number; written: number }> {
  const name = topicName(prefix, topic);
  const epoch = epochOf((await log.topic(name)).id);
  const found = (await state.read(name, partition, [])).watermark;
  if (found?.epoch !== epoch) await state.reset(name, partition, epoch);
  return replay({
    log, store: state, topic: name, partition, epoch, from: 0, known: found?.epoch === epoch ? found.offset : 0,
    reflects: (bytes) => reflectsOf(codec, topic, bytes),
    ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }),
  });
}
