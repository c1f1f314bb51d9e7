/** Bytes of records and what hangs on them: Avro values, positions, the metadata of offsets, blocks of the embedded log. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { decodeBlock, encodeBlock, encodedBytes } from '../platform/event-log/embedded/blocks.js';
import type { LogRecord } from '../platform/event-log/event-log.js';
import { formatPosition, parsePosition } from '../platform/position.js';
import { seededRandom } from '../platform/random.js';
import { decodeMetadata, DoneOffsets, encodeMetadata } from '../processors/runner/offset-metadata.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { Sampler } from '../schemas/samples.js';
import { loadSchemas } from '../schemas/schema-set.js';
import { bytes, mutated, nastyJson, nastyText } from './bytes.js';
import { coded, fuzz, refusable } from './harness.js';

const codec = createLocalCodec();
const schemas = loadSchemas();
const names = [...schemas.newest.keys()];
const name = fc.constantFrom(...names);
const seed = fc.integer({ min: 1, max: 2 ** 31 - 1 });

/** A valid value of a record. */
const valid = fc.tuple(name, seed).map(([record, number]) => ({ record, value: new Sampler(schemas.newest.get(record)?.text ?? '', seededRandom(number)).next() as never }));
const encoded = valid.map(({ record, value }) => ({ record, bytes: Buffer.from(codec.of(record).encode(value)) }));

fuzz('a valid value of any record comes back from its bytes as it was', valid, { runs: 1500 }, ({ record, value }) => {
  assert.deepEqual(codec.of(record).decode(Buffer.from(codec.of(record).encode(value))), value);
});

async function decodes(record: (typeof names)[number], raw: Buffer): Promise<void> {
  const one = codec.of(record);
  const before = Buffer.from(raw);
  const value = refusable(() => one.decode(raw), 'CONFAB_RECORD_INVALID', 'CONFAB_SCHEMA_UNKNOWN');
  assert.deepEqual(raw, before, 'decoding leaves its bytes alone');
  // What was read can be written: nothing that no writer could have meant comes through.
  if (value !== undefined) assert.deepEqual(one.decode(Buffer.from(one.encode(value))), value);
  try { await one.learn(raw); } catch (error) { coded(error, 'CONFAB_RECORD_INVALID', 'CONFAB_SCHEMA_UNKNOWN'); }
}

const head = (id: number): Buffer => { const buffer = Buffer.alloc(5); buffer.writeUInt32BE(id, 1); return buffer; };
const withId = fc.tuple(fc.constantFrom(...schemas.versions.map(({ id }) => id), 0, 4_294_967_295), bytes(300)).map(([id, body]) => Buffer.concat([head(id), body]));

fuzz('any bytes are a record or are refused with a code', fc.tuple(name, fc.oneof(bytes(300), withId)), { runs: 2500 }, ([record, raw]) => decodes(record, raw));

fuzz('bytes of a record, changed, are a record or are refused with a code', encoded.chain(({ record, bytes: raw }) => fc.tuple(fc.oneof(fc.constant(record), name), mutated(fc.constant(raw)))), { runs: 3000 }, ([record, raw]) => decodes(record, raw));

fuzz('what is no value of a record is refused when it is written, and what is written can be read', fc.tuple(valid, fc.nat(), nastyJson, fc.boolean()), {
  runs: 800, examples: [[{ record: 'UserKey', value: {} as never }, 0, [{ toString: false }], true]],
}, ([{ record, value }, field, other, whole]) => {
  const keys = Object.keys(value);
  const broken = whole ? other : { ...(value as object), [keys[field % keys.length] ?? '']: other };
  const raw = refusable(() => codec.of(record).encode(broken as never), 'CONFAB_VALUE_INVALID');
  if (raw !== undefined) codec.of(record).decode(Buffer.from(raw));
});

fuzz('a text is a position or is refused with a code, and a position is the text that it came from', fc.oneof(
  nastyText, fc.string({ unit: fc.constantFrom(...'0123456789abcdef-\n'), maxLength: 30 }),
  fc.tuple(fc.stringMatching(/^[0-9a-f]{8}$/), fc.integer({ min: 0, max: 999_999_999_999 }), fc.integer({ min: 0, max: 99 })).map(([epoch, offset, index]) => formatPosition(epoch, offset, index)),
), { runs: 1000, examples: ['00000000-000000000000-00\n', '00000000-٠٠٠٠٠٠٠٠٠٠٠٠-00'] }, (text) => {
  const position = refusable(() => parsePosition(text), 'CONFAB_POSITION_INVALID');
  if (position !== undefined) assert.equal(formatPosition(position.epoch, position.offset, position.index), text);
});

const metadata = fc.tuple(fc.constantFrom('', '01ARZ3NDEKTSV4RRFFQ69G5FAV'), fc.array(fc.oneof(fc.nat(300), fc.nat()), { maxLength: 20 }));

fuzz('any metadata of an offset is understood or ignored', fc.tuple(fc.oneof(nastyText, metadata.map(([instance, runs]) => encodeMetadata({ instance, runs })), fc.base64String({ maxLength: 60 }).map((text) => `1;;${text.replace(/[+/=]/g, '_')}`), bytes(60).map((raw) => `1;;${raw.toString('base64url')}`)), fc.nat()), { runs: 1000 }, ([text, start]) => {
  const { instance, runs } = decodeMetadata(text);
  assert.match(instance, /^([0-9A-Z]{26})?$/);
  for (const run of runs) assert.ok(Number.isSafeInteger(run) && run >= 0, `a run of ${run}`);
  const done = new DoneOffsets(start, runs);
  for (let offset = start; offset < start + 20; offset += 1) done.has(offset);
  done.after(start);
});

fuzz('metadata that was written is read as it was', metadata, { runs: 500 }, ([instance, runs]) => {
  assert.deepEqual(decodeMetadata(encodeMetadata({ instance, runs })), { instance, runs });
});

const logRecord: fc.Arbitrary<LogRecord> = fc.record({
  offset: fc.nat(1000), key: fc.option(fc.string({ unit: 'grapheme' })), value: fc.option(bytes(50)), timestamp: fc.nat(),
  headers: fc.option(fc.dictionary(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor')), fc.string({ unit: 'grapheme' }), { minKeys: 1, maxKeys: 3 }), { nil: undefined }),
});
const block = fc.tuple(fc.array(logRecord, { minLength: 1, maxLength: 6 }), fc.nat()).map(([records, first]) => {
  const numbered = records.map((record, index) => ({ ...record, offset: first + index * 3 }));
  return { records: numbered, block: encodeBlock(numbered, 0, numbered.length, numbered.reduce((sum, record) => sum + encodedBytes(record), 0), 7) };
});

fuzz('a block of the embedded log gives the records that it was made of', block, { runs: 700 }, ({ records, block: raw }) => {
  assert.deepEqual(decodeBlock(raw).map((record) => ({ ...record, value: record.value && Buffer.from(record.value), headers: record.headers && Object.entries(record.headers) })), records.map((record) => ({ ...record, headers: record.headers && Object.entries(record.headers) })));
});

fuzz('a damaged block of the embedded log gives records of the right form or is refused with a code', fc.oneof(mutated(block.map((made) => made.block)), bytes(120), bytes(120).map((raw) => Buffer.concat([Buffer.of(1), raw]))), { runs: 1500 }, (raw) => {
  const records = refusable(() => decodeBlock(raw), 'CONFAB_RECORD_INVALID') ?? [];
  const used = records.reduce((sum, record) => sum + encodedBytes(record), 0);
  assert.ok(records.length === 0 || records.every(({ value }) => value === null || value.length <= raw.length), `${used} bytes of ${raw.length}`);
});
