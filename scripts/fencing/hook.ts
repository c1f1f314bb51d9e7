/**
 * Loaded into the program before it starts (`--import`): stops the whole process, as by SIGSTOP, at exactly the point that
 * FENCING_POINT names. The program is unchanged; what is watched is what it writes to its sockets.
 */
import { writeSync } from 'node:fs';
import net from 'node:net';
import { KINDS, parsePoint, type Kind } from './points.js';

const point = parsePoint(process.env.FENCING_POINT ?? '');
const kafka = new Set((process.env.CONFAB_KAFKA_BROKERS ?? '').split(',').map((address) => Number(address.split(':').at(-1))));
const redis = Number(new URL(process.env.CONFAB_REDIS_URL ?? '').port);
const kinds = new Map<number, Kind>(Object.entries(KINDS).map(([name, key]) => [key, name as Kind]));

let seen = 0;
/** The last requests, for the report. */
const trail: string[] = [];

/** One write is one request: size, then the number of its kind. */
function kindOf(port: number | undefined, written: unknown): Kind | undefined {
  if (port === undefined) return undefined;
  if (kafka.has(port)) return Buffer.isBuffer(written) && written.length > 6 ? kinds.get(written.readInt16BE(4)) : undefined;
  if (port !== redis) return undefined;
  const text = Buffer.isBuffer(written) ? written.toString('latin1') : String(written);
  return /evalsha/i.test(text) && text.includes('dialogue-states') ? 'StateWrite' : undefined;
}

function stop(flushed: boolean): void {
  writeSync(1, `${JSON.stringify({ stopped: true, flushed, trail: trail.join(' ') })}\n`);
  process.kill(process.pid, 'SIGSTOP');
}

type Write = (this: net.Socket, ...args: unknown[]) => boolean;
const { prototype } = net.Socket as unknown as { prototype: { write: Write } };
const write = prototype.write;
prototype.write = function watched(this: net.Socket, ...args: unknown[]): boolean {
  const kind = kindOf(this.remotePort, args[0]);
  if (kind === undefined) return write.apply(this, args);
  trail.push(kind);
  if (trail.length > 12) trail.shift();
  if (kind !== point.kind || (seen += 1) !== point.nth) return write.apply(this, args);
  if (point.side === 'before') { stop(true); return write.apply(this, args); }
  const more = write.apply(this, args);
  // The operating system has taken it: a stopped process does not keep it back.
  stop(this.writableLength === 0);
  return more;
};
