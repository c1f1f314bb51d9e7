/**
 * Taking partitions over (design: "The runner", "Fencing is the group generation").
 *
 * Where the metadata of a committed offset names another instance, that one did not hand over: its open transaction is
 * ended first. Then the stable offsets are read and committed again under the own name, so that the next owner knows whom
 * to end. Nothing that was fetched before may be used.
 */
import { ConfabError } from '../../platform/errors.js';
import type { Assignment, TopicPartition } from '../../platform/event-log/event-log.js';
import { decodeMetadata, encodeMetadata } from './offset-metadata.js';

export interface TakenPartition extends TopicPartition {
  /** Where to go on. */
  readonly offset: number;
  readonly runs: readonly number[];
  /** True when the last owner wrote another name than `formerly` or ''. */
  readonly foreign: boolean;
}

/**
 * @param former names that this process had before and that may not stand in any commit yet
 * @throws CONFAB_FENCED the generation has ended; CONFAB_LOG_UNAVAILABLE; CONFAB_OFFSET_OUT_OF_RANGE retention passed the group
 */
export async function takeOver(assignment: Assignment, instance: string, former: readonly string[] = []): Promise<TakenPartition[]> {
  const seen = await assignment.committed({ stable: false });
  const owners = new Set([...former, ...seen.map((each) => decodeMetadata(each.metadata).instance)]);
  owners.delete('');
  owners.delete(instance);
  await Promise.all([...owners].map((owner) => assignment.fence(owner)));

  const [stable, bounds] = await Promise.all([assignment.committed({ stable: true }), assignment.bounds()]);
  const starts = new Map(bounds.map((each) => [`${each.topic}/${each.partition}`, each.start]));
  const taken = stable.map(({ topic, partition, offset, metadata }): TakenPartition => {
    const start = starts.get(`${topic}/${partition}`) ?? 0;
    if (offset !== null && offset < start) {
      throw new ConfabError('CONFAB_OFFSET_OUT_OF_RANGE', { detail: `${topic}/${partition}: the group is at ${offset}, the log begins at ${start}.` });
    }
    const owner = decodeMetadata(metadata);
    return { topic, partition, offset: offset ?? start, runs: offset === null ? [] : owner.runs, foreign: owner.instance !== '' && owner.instance !== instance };
  });
  await assignment.commit(instance, {
    records: [],
    offsets: taken.map(({ topic, partition, offset, runs }) => ({ topic, partition, offset, metadata: encodeMetadata({ instance, runs }) })),
  });
  return taken;
}
