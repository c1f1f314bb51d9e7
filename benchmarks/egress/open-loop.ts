/** Replies at a steady rate, each counted from when it was due: what a stall delays is not left out. */
import { pause } from '../lib/processes.js';
import { sharedMicros, type Percentiles } from './load-settings.js';
import type { ReplyWriter, WrittenReply } from './reply-writer.js';
import { checkReport, type Load } from './setup.js';

export interface Flow {
  /** A second. */
  readonly rate: number;
  /** The conversation of the i-th reply. */
  readonly conversation: (i: number) => string;
  /** Characters of each. */
  readonly length: number;
}

const TICK = 4;
const SETTLE = 1000;

/** Writes the flows until `over`; resolves when the log has everything. */
export async function openLoop(writer: ReplyWriter, flows: readonly Flow[], over: Promise<unknown>): Promise<void> {
  let ended = false;
  void over.then(() => { ended = true; }, () => { ended = true; });
  const began = sharedMicros();
  const sent = flows.map(() => 0);
  const writes = new Set<Promise<void>>();
  while (!ended) {
    const now = sharedMicros();
    const replies: WrittenReply[] = [];
    flows.forEach((flow, which) => {
      for (let i = sent[which] ?? 0; ; i += 1) {
        const dueMicros = began + Math.round(i * 1e6 / flow.rate);
        if (dueMicros > now) { sent[which] = i; break; }
        replies.push({ conversation: flow.conversation(i), dueMicros, length: flow.length });
      }
    });
    if (replies.length > 0) {
      const write = writer.write(replies);
      writes.add(write);
      void write.finally(() => { writes.delete(write); }).catch(() => { /* told below */ });
    }
    await pause(TICK);
    if (writes.size > 200) await Promise.all(writes);
  }
  await Promise.all(writes);
}

/**
 * What sockets see of a steady flow while something else happens. `before`: replies that were written for others.
 * @throws when a reply was lost, repeated or out of order
 */
export async function latencyWhile({ what, writer, load, flow, before = 0 }: { what: string; writer: ReplyWriter; load: Load; flow: Flow; before?: number }, during: () => Promise<void>): Promise<Percentiles> {
  const over = pause(SETTLE).then(async () => { load.tell({ type: 'measure' }); await during(); });
  await openLoop(writer, [flow], over);
  // What failed there is told here.
  await over;
  await pause(SETTLE);
  const report = await load.report();
  checkReport(what, report, writer.written - before);
  return report.latency;
}
