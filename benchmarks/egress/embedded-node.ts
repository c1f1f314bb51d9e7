/**
 * Process: egress with its embedded adapters (log, outbox, fan-out in one process), and a writer of replies in the place of the
 * stages. Arguments: data directory, HS256 key, name of conversations. `{"type":"round","sockets","rounds":[…]}` writes one
 * reply to each conversation; `spare` writes them where nobody reads, which tells what writing alone costs.
 */
import { createJwtAuthenticator } from '../../platform/auth/jwt.js';
import { systemClock } from '../../platform/clock.js';
import { openEmbeddedLog } from '../../platform/event-log/embedded.js';
import { buildHttpServer } from '../../platform/http/server.js';
import { createLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { systemRandom } from '../../platform/random.js';
import { createEgress } from '../../egress/egress.js';
import { MemoryFanout } from '../../egress/fanout/memory.js';
import { MemoryOutbox } from '../../egress/outbox/memory.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { ensureTopology } from '../../topology/ensure.js';
import { topology } from '../../topology/topology.js';
import { sharedMicros } from './load-settings.js';
import { ReplyWriter } from './reply-writer.js';

const [folder = '', secret = '', name = ''] = process.argv.slice(2);
const base = { clock: systemClock, random: systemRandom, logger: createLogger({ level: 'warn', role: 'egress' }), metrics: createMetrics() };
const log = await openEmbeddedLog({ ...base, folder });
for (const prefix of ['', 'spare.']) await ensureTopology({ ...base, log, topology, settings: { prefix, partitions: 24 }, apply: 'on-start' });
const egress = await createEgress({ ...base, log, codec: createLocalCodec(), outbox: new MemoryOutbox(base), fanout: new MemoryFanout() });
const server = buildHttpServer({ ...base, authenticator: createJwtAuthenticator({ clock: systemClock, secrets: [secret], audience: 'confab' }), host: '127.0.0.1', ready: () => egress.ready() });
await server.register(egress.routes);
await egress.start();
const writers = { real: await ReplyWriter.open(log, ''), spare: await ReplyWriter.open(log, 'spare.') };

/** What the main process asks for, and the CPU time of this process so far that is told when it is in the log. */
interface Round { readonly type: 'round'; readonly where: 'real' | 'spare'; readonly sockets: number; readonly length: number }
const cpu = (): number => { const { user, system } = process.cpuUsage(); return user + system; };

process.on('message', (message: Round | { readonly type: 'cpu' }) => {
  if (message.type === 'cpu') { process.send?.({ type: 'cpu', micros: cpu() }); return; }
  const { where, sockets, length } = message;
  void writers[where].write(Array.from({ length: sockets }, (_, i) => ({ conversation: `${name}${i}`, dueMicros: sharedMicros(), length })))
    .then(() => { process.send?.({ type: 'written' }); });
});
const url = await server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 });
while (!egress.ready()) await systemClock.sleep(10);
process.send?.({ type: 'listening', url });
process.once('SIGTERM', () => { process.exit(0); });
