/** Asks a broker to make the preferred replicas leaders: a request that kafkajs lacks (ElectLeaders, version 1). */
import { connect } from 'node:net';

const ELECT_LEADERS = 43;
const VERSION = 1;
const PREFERRED = 0;
const LIMIT = 10_000;

const int16 = (value: number): Buffer => { const bytes = Buffer.alloc(2); bytes.writeInt16BE(value); return bytes; };
const int32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(value); return bytes; };
const text = (value: string): Buffer => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);

export function electLeadersRequest(topics: ReadonlyMap<string, readonly number[]>): Buffer {
  const listed = [...topics].map(([topic, partitions]) => Buffer.concat([text(topic), int32(partitions.length), ...partitions.map(int32)]));
  const body = Buffer.concat([
    int16(ELECT_LEADERS), int16(VERSION), int32(1), text('confab-torture'),
    Buffer.from([PREFERRED]), int32(listed.length), ...listed, int32(LIMIT),
  ]);
  return Buffer.concat([int32(body.length), body]);
}

/** The error code of the whole request; what single partitions answer (no change needed, replica away) is nothing to mend. */
export function electLeadersError(response: Buffer): number {
  return response.readInt16BE(4 + 4 + 4);
}

/** @returns the broker's error code, 0 for none */
export function electLeaders(broker: string, topics: ReadonlyMap<string, readonly number[]>): Promise<number> {
  const [host = '', port = ''] = broker.split(':');
  return new Promise((resolve, reject) => {
    let got = Buffer.alloc(0);
    const socket = connect({ host, port: Number(port) }, () => { socket.write(electLeadersRequest(topics)); });
    socket.setTimeout(LIMIT, () => { socket.destroy(new Error(`${broker} did not answer`)); });
    socket.on('data', (bytes: Buffer) => {
      got = Buffer.concat([got, bytes]);
      if (got.length < 4 || got.length < 4 + got.readInt32BE(0)) return;
      resolve(electLeadersError(got));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => { reject(new Error(`${broker} closed the connection`)); });
  });
}
