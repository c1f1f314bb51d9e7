/**
 * Sockets at the level of bytes: clients that know the protocol and break it on purpose. Each must be closed with the code of
 * the contract, whatever it sends besides, and the node goes on for everybody else within its memory.
 */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after } from 'node:test';
import { call } from '../composition/protocol/testing.js';
import { eventually } from '../platform/testing.js';
import { bytes } from './bytes.js';
import { fuzz, knownCode } from './harness.js';
import { Target } from './server.js';

const cleaning: (() => Promise<void> | void)[] = [];
after(async () => { for (const run of cleaning.reverse()) await run(); });
const target = await Target.start({ after: (run) => { cleaning.push(run); } });

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const handshake = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Protocol: ${path.startsWith('/v1/ingest') ? 'confab.ingest.v1' : 'confab.v1'}\r\n\r\n`;

interface Shape { readonly opcode: number; readonly payload: Buffer; readonly fin?: boolean; readonly reserved?: number; readonly masked?: boolean; readonly mask?: number; readonly claimed?: number }

/** A frame, right or wrong. `claimed`: the length that its head says. */
function frame({ opcode, payload, fin = true, reserved = 0, masked = true, mask = 0, claimed = payload.length }: Shape): Buffer {
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const bit = masked ? 0x80 : 0;
  const head = claimed < 126 ? Buffer.of(first, bit | claimed) : claimed < 65_536 ? Buffer.of(first, bit | 126, claimed >> 8, claimed & 0xff) : Buffer.concat([Buffer.of(first, bit | 127), length64(claimed)]);
  if (!masked) return Buffer.concat([head, payload]);
  const key = Buffer.of(mask, mask ^ 0x5a, mask ^ 0x33, mask);
  return Buffer.concat([head, key, payload.map((byte, i) => byte ^ (key[i % 4] ?? 0))]);
}

function length64(length: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(length));
  return buffer;
}

const text = (value: string): Buffer => Buffer.from(value);
const json = (value: unknown): Buffer => text(JSON.stringify(value));

interface Ended { readonly code: number; readonly reason: string; readonly frames: readonly string[] }

/** What the server sent after the handshake: its text frames, and its close; code 0: it cut the connection. */
function read(raw: Buffer): Ended {
  const frames: string[] = [];
  let at = raw.indexOf('\r\n\r\n') + 4;
  assert.ok(raw.toString('latin1', 0, 12) === 'HTTP/1.1 101' && at > 3, raw.toString('latin1', 0, 200));
  while (at + 2 <= raw.length) {
    const opcode = (raw[at] ?? 0) & 0x0f;
    const short = (raw[at + 1] ?? 0) & 0x7f;
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    if (start > raw.length) break;
    const length = short < 126 ? short : short === 126 ? raw.readUInt16BE(at + 2) : Number(raw.readBigUInt64BE(at + 2));
    const payload = raw.subarray(start, start + length);
    if (payload.length < length) break;
    if (opcode === 1) frames.push(payload.toString());
    if (opcode === 8) return { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2), frames };
    at = start + length;
  }
  return { code: 0, reason: '', frames };
}

/** Opens a socket, sends, and gives how the server ended it; the client never ends anything. */
async function provoke(path: string, send: (socket: Socket) => void, limit = 20_000): Promise<Ended> {
  const { hostname, port } = new URL(target.url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  let over = false;
  let open = false;
  socket.on('error', () => { /* what came before counts */ });
  socket.on('close', () => { over = true; });
  socket.on('data', (chunk: Buffer) => { chunks.push(chunk); open = true; });
  try {
    socket.write(handshake(path));
    await eventually('the handshake', () => open || over, limit);
    send(socket);
    await eventually('the end', () => over || read(Buffer.concat(chunks)).code !== 0, limit);
    return read(Buffer.concat(chunks));
  } finally {
    socket.destroy();
  }
}

const PATHS = ['/v1/stream', '/v1/conversations/c1/stream', '/v1/ingest'] as const;
const path = fc.constantFrom(...PATHS);
const mask = fc.integer({ min: 0, max: 255 });
const TOO_LARGE = 65_537;

interface Attack { readonly name: string; readonly bytes: Buffer; readonly code: readonly number[] }
const attack = (name: string, code: number | readonly number[], found: fc.Arbitrary<Buffer>): fc.Arbitrary<Attack> => found.map((raw) => ({ name, bytes: raw, code: typeof code === 'number' ? [code] : code }));

/** Valid, so that what comes after it is what is judged. */
const harmless = fc.array(fc.oneof(mask.map((key) => frame({ opcode: 9, payload: text('hi'), mask: key })), mask.map((key) => frame({ opcode: 10, payload: text('unasked'), mask: key })), mask.map((key) => frame({ opcode: 1, payload: json({ type: 'nothing' }), mask: key }))), { maxLength: 4 }).map((parts) => Buffer.concat(parts));

const invalidUtf8 = fc.constantFrom([0xc3, 0x28], [0xa0, 0xa1], [0xe2, 0x28, 0xa1], [0xed, 0xa0, 0x80], [0xf0, 0x28, 0x8c, 0xbc], [0xff], [0xfe, 0xff], [0xf5, 0x80, 0x80, 0x80], [0xc0, 0x80]);
const closing = fc.oneof(fc.constantFrom(0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535).map((code) => Buffer.concat([Buffer.of(code >> 8, code & 255), text('x')])), fc.constant(Buffer.of(3)), invalidUtf8.map((raw) => Buffer.from([3, 232, ...raw])));

const attacks = fc.oneof(
  attack('without a mask', 1002, fc.tuple(fc.constantFrom(1, 2, 9, 10), bytes(100)).map(([opcode, payload]) => frame({ opcode, payload, masked: false }))),
  attack('reserved bits', 1002, fc.tuple(fc.integer({ min: 1, max: 7 }), fc.constantFrom(1, 2, 8, 9, 10), mask).map(([reserved, opcode, key]) => frame({ opcode, reserved, payload: text('{}'), mask: key }))),
  attack('unknown opcodes', 1002, fc.tuple(fc.constantFrom(3, 4, 5, 6, 7, 11, 12, 13, 14, 15), fc.boolean(), bytes(50)).map(([opcode, fin, payload]) => frame({ opcode, fin, payload }))),
  attack('a control frame in pieces, or too long', 1002, fc.oneof(fc.constantFrom(8, 9, 10).map((opcode) => frame({ opcode, fin: false, payload: text('x') })), fc.constantFrom(8, 9, 10).map((opcode) => frame({ opcode, payload: Buffer.alloc(126) })))),
  attack('a continuation of nothing', 1002, fc.tuple(fc.boolean(), bytes(50)).map(([fin, payload]) => frame({ opcode: 0, fin, payload }))),
  attack('a new message within another', 1002, mask.map((key) => Buffer.concat([frame({ opcode: 1, fin: false, payload: text('{'), mask: key }), frame({ opcode: 1, payload: text('}') })]))),
  attack('a close that is none', [1002, 1007], closing.map((payload) => frame({ opcode: 8, payload }))),
  attack('not UTF-8', 1007, fc.tuple(invalidUtf8, mask).map(([raw, key]) => frame({ opcode: 1, payload: Buffer.concat([text('{"type":"'), Buffer.from(raw), text('"}')]), mask: key }))),
  attack('not UTF-8, in pieces', 1007, invalidUtf8.map((raw) => Buffer.concat([frame({ opcode: 1, fin: false, payload: text('{"type":"') }), ...raw.map((byte) => frame({ opcode: 0, fin: false, payload: Buffer.of(byte) })), frame({ opcode: 0, payload: text('"}') })]))),
  attack('binary', 1003, fc.tuple(bytes(200), mask).map(([payload, key]) => frame({ opcode: 2, payload, mask: key }))),
  attack('a frame that is too large', 1009, fc.constantFrom(TOO_LARGE, 100_000, 131_072).map((size) => frame({ opcode: 1, payload: Buffer.alloc(size, 0x20) }))),
  attack('a head that claims too much', 1009, fc.constantFrom(131_073, 2 ** 31, 2 ** 40).map((claimed) => frame({ opcode: 1, payload: text('{'), claimed }))),
  attack('a head that claims more than there can be', [1002, 1009], fc.constantFrom(2 ** 53, 2 ** 62).map((claimed) => frame({ opcode: 1, payload: text('{'), claimed }))),
  attack('pieces that are too large together', 1009, fc.integer({ min: 2, max: 40 }).map((count) => Buffer.concat([frame({ opcode: 1, fin: false, payload: text('{') }), ...Array.from({ length: count }, () => frame({ opcode: 0, fin: false, payload: Buffer.alloc(70_000, 0x20) }))]))),
  attack('very many pieces', 1009, fc.tuple(fc.constantFrom(0, 1, 7), fc.integer({ min: 1_100, max: 20_000 })).map(([size, count]) => { const piece = frame({ opcode: 0, fin: false, payload: Buffer.alloc(size, 0x20) }); return Buffer.concat([frame({ opcode: 1, fin: false, payload: text('{') }), ...Array.from({ length: count }, () => piece)]); })),
  attack('what is no JSON object', 4102, fc.tuple(fc.constantFrom('', 'x', '{', '[]', '"x"', '1', 'null', '{"type":1}', '{"type":null}', '{}', '{"a":'.repeat(10_000), '['.repeat(60_000)), mask).map(([value, key]) => frame({ opcode: 1, payload: text(value), mask: key }))),
  attack('pings without end', 1013, fc.tuple(bytes(100), fc.integer({ min: 60, max: 5_000 })).map(([payload, count]) => { const ping = frame({ opcode: 9, payload }); return Buffer.concat(Array.from({ length: count }, () => ping)); })),
  attack('pongs without end', 1013, fc.integer({ min: 60, max: 5_000 }).map((count) => { const pong = frame({ opcode: 10, payload: text('1') }); return Buffer.concat(Array.from({ length: count }, () => pong)); })),
);

/** How the bytes are cut on their way. */
const cuts = fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 6 });

async function memory(): Promise<number> {
  return Number(/^process_resident_memory_bytes (\d+)/m.exec((await call(target.url, '/metrics')).text)?.[1]);
}

let beside: { stop(): Promise<number> };
let before = 0;
const around = {
  before: async (): Promise<void> => { beside = target.honest(); before = await memory(); },
  after: async (): Promise<void> => {
    assert.ok(await beside.stop() > 0, 'the honest client was answered meanwhile');
    await target.healthy();
    const grown = await memory() - before;
    assert.ok(grown < 200 * 1024 * 1024, `memory grew by ${Math.round(grown / 1024 / 1024)} MiB`);
  },
};

fuzz('frames that break a rule end the socket with the code of the contract, and nobody else', fc.tuple(path, harmless, attacks, cuts), { runs: 200, limit: 30_000, ...around }, async ([to, first, { name, bytes: raw, code }, sizes]) => {
  const ended = await provoke(to, (socket) => {
    const all = Buffer.concat([first, raw]);
    let at = 0;
    socket.setNoDelay(true);
    for (const size of sizes) { if (at < all.length) socket.write(all.subarray(at, at + size)); at += size; }
    if (at < all.length) socket.write(all.subarray(at));
  });
  assert.ok(code.includes(ended.code), `${name} on ${to}: ${JSON.stringify(ended).slice(0, 500)}`);
  assert.ok(ended.reason.length <= 123);
  assert.ok(knownCode((JSON.parse(ended.reason) as { code?: unknown }).code), `${name}: ${ended.reason}`);
});

/** While a socket may subscribe to thousands, an honest message may have to be sent again on a machine that is busy already; it is answered. */
const served = (): Promise<void> => eventually('an honest message is taken', async () => (await call(target.url, '/v1/conversations/honest/messages', { body: { text: 'hello' }, headers: { 'idempotency-key': 'flooded' } })).status === 202, 60_000);
const flooded = {
  before: async (): Promise<void> => { before = await memory(); },
  after: async (): Promise<void> => {
    await served();
    await target.healthy();
    const grown = await memory() - before;
    assert.ok(grown < 300 * 1024 * 1024, `memory grew by ${Math.round(grown / 1024 / 1024)} MiB`);
  },
};

const follow = (index: number): Buffer => frame({ opcode: 1, payload: json({ type: 'subscribe', conversationId: `flood${index}` }) });

fuzz('floods of frames end with a code: subscriptions beyond the limit 4103, more frames than anybody needs 1013', fc.record({ kind: fc.constantFrom('new', 'again', 'unknown'), at: fc.integer({ min: 0, max: 1_000_000 }) }), { runs: 6, limit: 180_000, ...flooded }, async ({ kind, at: first }) => {
  const ended = await provoke('/v1/stream', (socket) => {
    // What it answers is not read.
    if (kind !== 'again') socket.pause();
    const one = kind === 'unknown' ? frame({ opcode: 1, payload: json({ type: 'nothing' }) }) : follow(0);
    const most = kind === 'new' ? 15_000 : Infinity;
    let at = 0;
    const more = (): void => {
      if (socket.destroyed || at >= most) return;
      const batch = Buffer.concat(Array.from({ length: 1_000 }, (_, i) => (kind === 'new' ? follow(first + at + i) : one)));
      at += 1_000;
      if (socket.write(batch)) setImmediate(more); else socket.once('drain', more);
    };
    more();
    // Others are served while it lasts.
    void served().then(() => { socket.resume(); }, () => { socket.destroy(); });
  }, 100_000);
  assert.ok(ended.code === (kind === 'new' ? 4103 : 1013), `${kind}: ${ended.code} ${ended.reason} ${String(ended.frames.at(-1)).slice(0, 300)}`);
  assert.ok(knownCode((JSON.parse(ended.reason) as { code?: unknown }).code));
});

fuzz('handshakes that stop on the way, and sockets that are opened and left, hold nobody up', fc.array(fc.tuple(path, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { minLength: 100, maxLength: 300, size: 'max' }), { runs: 1, limit: 60_000, ...around }, async (openings) => {
  const { hostname, port } = new URL(target.url);
  const sockets = openings.map(([to, share, abort]) => {
    const socket = connect(Number(port), hostname, () => {
      const whole = handshake(to);
      socket.write(whole.slice(0, Math.ceil(share * whole.length)));
      if (abort) socket.resetAndDestroy();
    });
    socket.on('error', () => { /* expected */ });
    return socket;
  });
  const answered = await call(target.url, '/v1');
  assert.equal(answered.status, 200);
  const ended = await provoke('/v1/stream', (socket) => { socket.write(frame({ opcode: 2, payload: text('x') })); });
  assert.equal(ended.code, 1003);
  // A request that never ends is answered and closed in time.
  const slow = sockets[openings.findIndex(([, share, abort]) => !abort && share > 0 && share < 0.9)];
  if (slow !== undefined) {
    let answer = '';
    slow.setEncoding('latin1').on('data', (found: string) => { answer += found; });
    await eventually('the slow handshake is refused', () => slow.destroyed || slow.readableEnded, 30_000);
    assert.match(answer, /^HTTP\/1\.1 408 [^]*CONFAB_REQUEST_TIMEOUT/);
  }
  for (const socket of sockets) socket.destroy();
});
