/** WebSockets: frames of each protocol that are nearly right, and bytes that are no frames. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { after } from 'node:test';
import WebSocket from 'ws';
import { call, SECRET } from '../composition/protocol/testing.js';
import { eventually } from '../platform/testing.js';
import { bytes, mutated, nastyJson, nastyText, wellFormed } from './bytes.js';
import { fuzz, knownCode } from './harness.js';
import { answersOf, exchange, judge, Target } from './server.js';

const cleaning: (() => Promise<void> | void)[] = [];
after(async () => { for (const run of cleaning.reverse()) await run(); });
const file = { after: (run: () => Promise<void> | void): void => { cleaning.push(run); } };
const [open, guarded] = await Promise.all([Target.start(file), Target.start(file, { CONFAB_AUTH_SECRET: SECRET })]);
/** A position that exists. */
const known = String((await call(open.url, '/v1/conversations/c1/messages', { body: { text: 'hello' } })).body.position);

interface Protocol { readonly path: string; readonly name: string }
const INGEST: Protocol = { path: '/v1/ingest', name: 'confab.ingest.v1' };
const STREAM: Protocol = { path: '/v1/stream', name: 'confab.v1' };
const ONE: Protocol = { path: '/v1/conversations/c1/stream', name: 'confab.v1' };
const XRAY: Protocol = { path: '/v1/admin/conversations/c1/xray', name: 'confab.xray.v1' };

type Piece = { readonly text: string } | { readonly binary: Buffer } | { readonly ping: Buffer };

const id = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('c1', 'c2', 'c3') }, { weight: 1, arbitrary: fc.oneof(nastyText, fc.constantFrom('ch:x', 'v:1', 'x'.repeat(129)), nastyJson) });
const position = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(known, known.replace(/00$/, '01'), known.replace(/^./, 'f'), '00000000-000000000000-00', 'ffffffff-999999999999-99') }, { weight: 1, arbitrary: fc.oneof(nastyText, nastyJson) });
const some = (model: Record<string, fc.Arbitrary<unknown>>, required: string[]): fc.Arbitrary<object> => fc.oneof({ weight: 4, arbitrary: fc.record(model, { requiredKeys: required }) }, { weight: 1, arbitrary: fc.record(model, { requiredKeys: [] }) }, { weight: 1, arbitrary: fc.tuple(fc.record(model, { requiredKeys: required }), nastyText, nastyJson).map(([found, name, value]) => Object.fromEntries([...Object.entries(found), [name, value]])) });

const outgoing = some({ type: fc.constant('message'), ref: fc.oneof(fc.constantFrom('a', 'b', ''), nastyText, nastyJson), conversationId: id, text: fc.oneof(nastyText, fc.constantFrom('hello', 'where is my parcel')), idempotencyKey: fc.oneof(fc.constantFrom('k1', 'k2'), nastyText), attributes: nastyJson, locale: nastyText, sentAt: nastyText, userId: nastyText }, ['type', 'ref', 'conversationId', 'text']);
const viewing = fc.oneof(
  some({ type: fc.constant('subscribe'), conversationId: id, after: position }, ['type', 'conversationId']), some({ type: fc.constant('unsubscribe'), conversationId: id }, ['type', 'conversationId']),
  some({ type: fc.constantFrom('received', 'read'), conversationId: id, position }, ['type', 'conversationId', 'position']), some({ type: fc.constant('typing'), conversationId: id }, ['type', 'conversationId']),
);
const other = fc.oneof(nastyJson, fc.record({ type: fc.oneof(nastyText, fc.constantFrom('auth', 'message', 'subscribe', '__proto__', 'constructor')), token: nastyJson }, { requiredKeys: ['type'] }), fc.record({ type: nastyJson }));

const piecesOf = (near: fc.Arbitrary<unknown>): fc.Arbitrary<Piece[]> => fc.array(fc.oneof(
  { weight: 12, arbitrary: near.map((value): Piece => ({ text: JSON.stringify(value) ?? '' })) }, { weight: 2, arbitrary: other.map((value): Piece => ({ text: JSON.stringify(value) ?? '' })) },
  { weight: 1, arbitrary: fc.oneof(nastyText, fc.constantFrom('{"type":"message"', '[[[[', `{"type":"x","y":"${'a'.repeat(70_000)}"}`, `{"type":${'['.repeat(20_000)}`, '')).map((text): Piece => ({ text: wellFormed(text) })) },
  { weight: 1, arbitrary: fc.oneof(bytes(50).map((ping): Piece => ({ ping })), bytes(50).map((binary): Piece => ({ binary }))) },
), { minLength: 1, maxLength: 12, size: 'max' });

interface Frame { readonly type?: unknown; readonly code?: unknown; readonly ref?: unknown }
const CLOSES = new Set([1003, 1008, 1009, 1002, 1007, 4000, 4003, 4100, 4101, 4102, 4103]);
/** Ends every socket, whatever its protocol: a renewal without a token. */
const LAST = '{"type":"auth","token":""}';

/** Frames that must each have one answer: those of messages with a text `ref`. */
function refsOf(pieces: readonly Piece[]): string[] {
  return pieces.flatMap((piece) => {
    try {
      const { type, ref } = JSON.parse('text' in piece ? piece.text : '') as Frame;
      return type === 'message' && typeof ref === 'string' ? [ref] : [];
    } catch { return []; }
  });
}

function judgeFrame(text: string): Frame {
  const frame = JSON.parse(text) as Frame;
  assert.equal(typeof frame.type, 'string', text);
  if (frame.type === 'error' || frame.type === 'rejected') assert.ok(knownCode(frame.code), text);
  return frame;
}

/** Sends everything, waits for what must come, ends the socket, and looks at each frame and at the end. */
async function converse(to: Target, { path, name }: Protocol, pieces: readonly Piece[], headers: Record<string, string> = {}, oneByOne = false): Promise<void> {
  const socket = new WebSocket(`${to.url.replace('http', 'ws')}${path}`, [name], { headers });
  const texts: string[] = [];
  let ended: { code: number; reason: string } | undefined;
  socket.on('message', (data: Buffer) => { texts.push(data.toString()); });
  socket.on('error', () => { /* judged by the close */ });
  socket.on('close', (code, reason) => { ended = { code, reason: reason.toString() }; });
  try {
    await once(socket, 'open');
    for (const piece of pieces) {
      if (socket.readyState !== socket.OPEN) break;
      const before = texts.length;
      if ('text' in piece) socket.send(piece.text);
      else if ('binary' in piece) socket.send(piece.binary);
      else socket.ping(piece.ping.subarray(0, 125));
      if (oneByOne) await eventually('an answer', () => ended !== undefined || texts.length > before, 8_000);
    }
    const refs = name === INGEST.name ? refsOf(pieces) : [];
    const answered = (): number => texts.filter((text) => /^\{"type":"(accepted|rejected)"/.test(text)).length;
    await eventually(`${refs.length} answers; there are ${answered()}`, () => ended !== undefined || answered() >= refs.length, 8_000);
    const whole = ended === undefined;
    if (whole) socket.send(LAST);
    await eventually('the end', () => ended !== undefined, 8_000);
    const frames = texts.map(judgeFrame);
    // Who ends the socket with a bad frame may miss answers.
    if (whole && refs.length > 0) assert.deepEqual(frames.filter(({ type }) => type === 'accepted' || type === 'rejected').map(({ ref }) => ref as string).sort(), refs.sort());
    const shown = JSON.stringify(ended);
    assert.ok(ended !== undefined && CLOSES.has(ended.code), shown);
    assert.ok(knownCode((JSON.parse(ended.reason) as { code?: unknown }).code), shown);
  } finally {
    socket.terminate();
  }
}

let beside: { stop(): Promise<number> };
const around = {
  before: async (): Promise<void> => { beside = open.honest(); },
  after: async (): Promise<void> => { assert.ok(await beside.stop() > 0, 'the honest client was answered meanwhile'); await open.healthy(); },
};
const weight = (found: readonly unknown[]): number => found.length;

fuzz('each message on /v1/ingest has one answer; any other frame an error or an end, with a code', piecesOf(outgoing), { runs: 300, weight, limit: 20_000, ...around }, (pieces) => converse(open, INGEST, pieces));
fuzz('any frames on /v1/stream have their effect, an error or an end, with a code', piecesOf(viewing), { runs: 300, weight, limit: 20_000, ...around }, (pieces) => converse(open, STREAM, pieces));
fuzz('any frames on the stream of one conversation have their effect, an error or an end, with a code', piecesOf(viewing), { runs: 100, weight, limit: 20_000, ...around }, (pieces) => converse(open, ONE, pieces));
fuzz('any frames on the X-ray of a conversation have their effect, an error or an end, with a code', piecesOf(viewing), { runs: 60, weight, limit: 20_000, ...around }, (pieces) => converse(open, XRAY, pieces));

/** A frame as a client writes it: FIN, opcode, mask. */
function clientFrame(opcode: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.of(0x80 | opcode, 0x80 | payload.length) : Buffer.of(0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}
const wire = fc.array(fc.tuple(fc.constantFrom(0, 1, 1, 1, 2, 8, 9, 10, 3, 15), fc.oneof(viewing.map((value) => Buffer.from(JSON.stringify(value))), bytes(150))).map(([opcode, payload]) => clientFrame(opcode, payload)), { minLength: 1, maxLength: 5 }).map((parts) => Buffer.concat(parts));
const handshake = ({ path, name }: Protocol): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${name}\r\n\r\n`);

fuzz('any bytes after the handshake of a socket end it at most', fc.tuple(fc.constantFrom(INGEST, STREAM, ONE, XRAY), fc.oneof(wire, mutated(wire), bytes(200))), { runs: 500, ...around }, async ([protocol, raw]) => {
  const got = await exchange(open.url, Buffer.concat([handshake(protocol), raw]), 1);
  for (const answer of answersOf(got)) judge(answer, raw.toString('hex'));
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
function signed(claims: unknown): string {
  const input = `${part({ alg: 'HS256' })}.${part(claims)}`;
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
}
const GOOD = { sub: 'ann', iss: 'tests', aud: 'confab', exp: 9_999_999_999, scope: 'conversations:all messages:write conversations:read' };
const renewed = fc.tuple(fc.constantFrom('sub', 'iss', 'aud', 'exp', 'nbf', 'scope', 'confab'), fc.oneof(nastyJson, fc.constantFrom<unknown>(1e300, 8.64e12, 8.64e12 + 1, 9_999_999_998, 1, { tenant: 'b' }, 'ann')))
  .map(([name, value]) => signed(Object.fromEntries([...Object.entries(GOOD), [name, value]])));

fuzz<[Protocol, string[]]>('a socket is renewed by any token or ends with a code', fc.tuple(fc.constantFrom(INGEST, STREAM), fc.array(fc.oneof(renewed, renewed, nastyText.map(wellFormed)), { minLength: 1, maxLength: 3 })), {
  runs: 250, limit: 20_000, weight: ([, tokens]) => tokens.length, examples: [[STREAM, [signed({ ...GOOD, exp: 1e300 })]]],
  after: () => guarded.healthy({ authorization: `Bearer ${signed(GOOD)}` }),
}, ([protocol, tokens]) => converse(guarded, protocol, tokens.map((token) => ({ text: JSON.stringify({ type: 'auth', token }) })), { authorization: `Bearer ${signed(GOOD)}` }, true));
