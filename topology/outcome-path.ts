/** Which stages a message's outcome hangs on: a dead letter of one of them is the outcome, one of any other is not. */
import type { Topology } from './define.js';

/** Stages that write `topic`, or something that in the end becomes a record of it. One that re-enters begins another message: it stands on nobody's path. */
export function stagesTowards(topology: Topology, topic: string): ReadonlySet<string> {
  const found = new Set<string>();
  const wanted = [topic];
  for (let each = wanted.pop(); each !== undefined; each = wanted.pop()) {
    for (const [name, stage] of Object.entries(topology.stages)) {
      if (found.has(name) || stage.reenters === true || !stage.writes.includes(each)) continue;
      found.add(name);
      wanted.push(...stage.reads);
    }
  }
  return found;
}
