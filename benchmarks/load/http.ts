/** Process: POSTs over many connections (autocannon). Its settings come as one JSON argument, the result goes back by IPC. */
import autocannon from 'autocannon';
import { turnMaker } from '../lib/workload.js';

export interface HttpLoadSettings {
  readonly url: string;
  readonly connections: number;
  readonly pipelining: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

export interface HttpLoadResult {
  readonly requestsPerSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly failed: number;
}

const CONVERSATIONS = 500;
const settings = JSON.parse(process.argv[2] ?? '{}') as HttpLoadSettings;
const turn = turnMaker(CONVERSATIONS);
// Made once: the generator repeats them, so that building requests costs nothing while it measures.
const requests = Array.from({ length: CONVERSATIONS }, (_, i) => {
  const { conversation, text } = turn(i);
  return { method: 'POST' as const, path: `/v1/conversations/ingress-${conversation}/messages`, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) };
});

const run = (duration: number): Promise<autocannon.Result> => autocannon({ url: settings.url, connections: settings.connections, pipelining: settings.pipelining, duration, requests });

await run(settings.warmupSeconds);
const measured = await run(settings.seconds);
const result: HttpLoadResult = {
  requestsPerSecond: measured.requests.total / measured.duration, p50Millis: measured.latency.p50, p99Millis: measured.latency.p99,
  failed: measured.non2xx + measured.errors + measured.timeouts,
};
process.send?.({ type: 'result', result });
process.disconnect();
