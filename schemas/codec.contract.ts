/** What every codec keeps, whatever gives the ids. Run by codec-local.test.ts and codec-registry.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from '../platform/errors.js';
import { seededRandom } from '../platform/random.js';
import type { Codec } from './codec.js';
import { Sampler } from './samples.js';
import { loadSchemas } from './schema-set.js';
import type { BotReply, Message } from './types.js';

export interface CodecContractOptions {
  /** Makes a codec that has been prepared. */
  readonly make: () => Promise<Codec>;
  readonly skip?: string | false;
}

export const exampleMessage: Message = {
  kind: 'text', messageId: '01HZX3K8Q9V7N4M2B6C5D8E1F0', botId: 'parcel', channel: 'web', accountId: null, userId: 'u-1', author: { type: 'person', name: 'Ada' },
  text: 'Where is my parcel?', payload: null, replyId: null, locale: 'en', attributes: { tier: 'gold' }, sentAt: 1_700_000_000_000,
  idempotencyKeyHash: null, bodyHash: null, retryOf: null,
};

/** A number in Avro's variable-length form. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 128) { bytes.push((rest % 128) | 128); rest = Math.floor(rest / 128); }
  return Buffer.from([...bytes, rest]);
}

export function codecContract(options: CodecContractOptions): void {
  const rule = (name: string, run: (codec: Codec) => void | Promise<void>): void => {
    test(name, { skip: options.skip ?? false }, async () => { await run(await options.make()); });
  };
  const schemas = loadSchemas();
  const newest = [...schemas.newest.values()];

  rule('every record comes back as it went in, as a plain object with numbers for times', (codec) => {
    for (const { record, text } of newest) {
      const sampler = new Sampler(text, seededRandom(record.length));
      for (let round = 0; round < 100; round += 1) {
        const value = sampler.next();
        assert.deepStrictEqual(codec.of(record).decode(codec.of(record).encode(value as never)), value, record);
      }
    }
  });

  rule('bytes begin with 0x00 and one schema id of four bytes, and stay as they are when others are encoded', (codec) => {
    const first = codec.of('Message').encode(exampleMessage);
    const copy = Buffer.from(first);
    for (let round = 0; round < 2_000; round += 1) codec.of('Message').encode({ ...exampleMessage, text: `other ${round}` });
    assert.deepEqual(first, copy);
    assert.equal(first[0], 0);
    assert.equal(codec.of('Message').encode(exampleMessage).readUInt32BE(1), first.readUInt32BE(1));
  });

  rule('a record larger than the slab passes', (codec) => {
    const value = { ...exampleMessage, text: 'ü'.repeat(400_000) };
    assert.deepEqual(codec.of('Message').decode(codec.of('Message').encode(value)), value);
    assert.deepEqual(codec.of('Message').decode(codec.of('Message').encode(exampleMessage)), exampleMessage);
  });

  rule('personal fields hold text, nothing, or a sealed value', (codec) => {
    for (const text of ['hello', null, { subject: 's', nonce: Buffer.from('n'), bytes: Buffer.from('b') }]) {
      assert.deepEqual(codec.of('Message').decode(codec.of('Message').encode({ ...exampleMessage, text })).text, text);
    }
  });

  rule('`of` gives the same codec each time and refuses unknown records', (codec) => {
    assert.equal(codec.of('Message'), codec.of('Message'));
    assert.throws(() => codec.of('Nonsense' as 'Message'), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN'));
  });

  rule('a value that does not fit is refused with its field and without its content', (codec) => {
    const wrong = { ...exampleMessage, author: { type: 'person', name: 42 } } as unknown as Message;
    assert.throws(() => codec.of('Message').encode(wrong), (error) => isCode(error, 'CONFAB_VALUE_INVALID') && error.detail.includes('Message.author.name') && !error.detail.includes('42'));
    for (const sentAt of [2 ** 52 + 1, 2 ** 60, -(2 ** 53), 1.5, Number.NaN, Infinity]) {
      assert.throws(() => codec.of('Message').encode({ ...exampleMessage, sentAt }), (error) => isCode(error, 'CONFAB_VALUE_INVALID') && error.detail.includes('sentAt'));
    }
    assert.throws(() => codec.of('Message').encode(null as unknown as Message), (error) => isCode(error, 'CONFAB_VALUE_INVALID'));
    assert.deepEqual(codec.of('Message').decode(codec.of('Message').encode(exampleMessage)), exampleMessage);
  });

  rule('the largest and smallest long pass', (codec) => {
    for (const sentAt of [2 ** 52, -(2 ** 52), 0, -1]) assert.equal(codec.of('Message').decode(codec.of('Message').encode({ ...exampleMessage, sentAt })).sentAt, sentAt);
  });

  rule('a key named __proto__ in a map is a key like any other', (codec) => {
    const attributes = JSON.parse('{"__proto__":"x","a":"b"}') as Message['attributes'];
    assert.deepEqual(Object.entries(codec.of('Message').decode(codec.of('Message').encode({ ...exampleMessage, attributes })).attributes), [['__proto__', 'x'], ['a', 'b']]);
  });

  rule('bytes cut short, or followed by others, are refused', (codec) => {
    const bytes = codec.of('Message').encode(exampleMessage);
    for (let length = 0; length < bytes.length; length += 1) assertInvalid(codec, 'Message', Buffer.from(bytes.subarray(0, length)));
    assertInvalid(codec, 'Message', Buffer.concat([bytes, Buffer.from([0])]));
  });

  rule('bytes after the slice that was given are never read', (codec) => {
    const bytes = codec.of('Message').encode(exampleMessage);
    const around = Buffer.concat([bytes, codec.of('Message').encode(exampleMessage)]);
    assertInvalid(codec, 'Message', around.subarray(0, bytes.length - 1));
    assert.deepEqual(codec.of('Message').decode(around.subarray(0, bytes.length)), exampleMessage);
  });

  rule('garbage under a valid id gives a coded error or a record, never anything else', (codec) => {
    const random = seededRandom(7);
    for (const { record, text } of newest) {
      const valid = codec.of(record).encode(new Sampler(text, random).next() as never);
      for (let round = 0; round < 500; round += 1) {
        const body = round % 2 === 0 ? random.bytes(Math.floor(random.float() * 200)) : mutated(valid.subarray(5), () => random.float());
        decodeAnyway(codec, record, Buffer.concat([valid.subarray(0, 5), body]));
      }
    }
  });

  rule('lengths that claim more than there is reserve nothing', (codec) => {
    const header = codec.of('BotReply').encode(exampleReply()).subarray(0, 5);
    const start = process.memoryUsage().rss;
    for (const claim of [2 ** 31, 2 ** 40, 2 ** 52, -(2 ** 40)]) {
      const beforeParts = bodyUpToParts(codec);
      assertInvalid(codec, 'BotReply', Buffer.concat([header, beforeParts, varint(claim), Buffer.alloc(16)]));
      assertInvalid(codec, 'BotReply', Buffer.concat([header, varint(claim), Buffer.alloc(16)]));
    }
    assert.ok(process.memoryUsage().rss - start < 100 * 1024 * 1024);
  });

  rule('a length that is no number does not spoil the records after it', (codec) => {
    const endless = Buffer.concat([Buffer.alloc(300, 0x80), Buffer.from([0])]);
    const key = { subject: 's', createdAt: 1, sealedKey: Buffer.from('secret') };
    const valid = codec.of('UserKey').encode(key);
    assertInvalid(codec, 'UserKey', Buffer.concat([valid.subarray(0, 5), Buffer.from([2, 115, 2]), endless, Buffer.alloc(8)]));
    assertInvalid(codec, 'UserKey', Buffer.concat([valid.subarray(0, 5), endless, Buffer.alloc(8)]));
    assert.deepEqual(codec.of('UserKey').decode(valid), key);
  });

  rule('an id that nobody gave is told apart from garbage, before and after learning it', async (codec) => {
    const bytes = Buffer.from(codec.of('Message').encode(exampleMessage));
    bytes.writeUInt32BE(0x7fff_fff0, 1);
    assert.throws(() => codec.of('Message').decode(bytes), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN'));
    await assert.rejects(codec.of('Message').learn(bytes), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN'));
    assert.throws(() => codec.of('Message').decode(bytes), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN'));
    await assert.rejects(codec.of('Message').learn(Buffer.from('{"text":"hi"}')), (error) => isCode(error, 'CONFAB_RECORD_INVALID'));
  });

  rule('the id of another record is refused as soon as it is known', async (codec) => {
    const bytes = codec.of('Setting').encode({ value: '1', changedBy: 'a', changedAt: 1 });
    await codec.of('Message').learn(bytes);
    assert.throws(() => codec.of('Message').decode(bytes), (error) => isCode(error, 'CONFAB_RECORD_INVALID'));
  });
}

function mutated(body: Buffer, float: () => number): Buffer {
  const copy = Buffer.from(body);
  for (let change = 0; change < 3 && copy.length > 0; change += 1) copy[Math.floor(float() * copy.length)] = Math.floor(float() * 256);
  return copy;
}

function decodeAnyway(codec: Codec, record: Parameters<Codec['of']>[0], bytes: Buffer): void {
  try { codec.of(record).decode(bytes); } catch (error) { assert.ok(isCode(error, 'CONFAB_RECORD_INVALID'), String(error)); }
}

function assertInvalid(codec: Codec, record: Parameters<Codec['of']>[0], bytes: Buffer): void {
  assert.throws(() => codec.of(record).decode(bytes), (error) => isCode(error, 'CONFAB_RECORD_INVALID'));
}

function exampleReply(): BotReply {
  return {
    position: '', inReplyTo: null, replyId: '', botId: '', botVersion: '', channel: '', accountId: null, intent: null, confidence: 0.9, outcome: 'answered',
    author: { type: 'bot', name: null }, parts: [], handoff: null, effects: [], prev: null, createdAt: 0,
  };
}

/** The body of the example reply up to its (empty) list of parts: what follows is parts, handoff, effects, prev, createdAt: a byte each. */
function bodyUpToParts(codec: Codec): Buffer {
  const bytes = codec.of('BotReply').encode(exampleReply());
  return bytes.subarray(5, bytes.length - 5);
}
