/**
 * The bytes of a model: SHA-256 of all that follows, magic, length of the head, head as JSON, body. The body of a linear
 * model is its arrays; that of a model for several languages is one linear model for each, and the one that chooses. Always
 * loaded from bytes, also right after training, so that a model from the cache scores exactly as the one that was stored.
 */
import { createHash } from 'node:crypto';
import { createLinearModel, type LinearModel, type Model, type ModelArrays, type ModelHead } from './model.js';

/** "CMF2" and "CML2" in the order of the bytes: another form gets another number. */
const LINEAR = 0x32464d43;
const LANGUAGES = 0x324c4d43;
const HEAD = 8;
const SUM = 32;

interface LanguagesHead {
  readonly id: string;
  /** Bytes of each part, the chooser last. */
  readonly sizes: readonly number[];
  readonly languages: readonly string[];
}

interface Parsed { readonly magic: number; readonly head: unknown; readonly body: Buffer }

function encode(magic: number, head: object, parts: readonly Uint8Array[]): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const padded = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4, 0x20)]);
  const start = Buffer.alloc(HEAD);
  start.writeUInt32LE(magic, 0);
  start.writeUInt32LE(padded.length, 4);
  const all = [start, padded, ...parts];
  return Buffer.concat([all.reduce((hash, part) => hash.update(part), createHash('sha256')).digest(), ...all]);
}

function parse(bytes: Buffer): Parsed | undefined {
  if (bytes.length < SUM + HEAD || !createHash('sha256').update(bytes.subarray(SUM)).digest().equals(bytes.subarray(0, SUM))) return undefined;
  const size = bytes.readUInt32LE(SUM + 4);
  return { magic: bytes.readUInt32LE(SUM), head: JSON.parse(bytes.toString('utf8', SUM + HEAD, SUM + HEAD + size)), body: bytes.subarray(SUM + HEAD + size) };
}

export function encodeLinear(head: ModelHead, arrays: ModelArrays): Buffer {
  return encode(LINEAR, head, [arrays.keys, arrays.rowAt, arrays.values, arrays.scales, arrays.bias, arrays.weights].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
}

/** @param chooser tells the languages of the parts */
export function encodeLanguages(id: string, parts: readonly { readonly language: string; readonly bytes: Buffer }[], chooser: Buffer): Buffer {
  const all = [...parts.map(({ bytes }) => bytes), chooser].map((bytes) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]));
  const head: LanguagesHead = { id, sizes: [...parts.map(({ bytes }) => bytes.length), chooser.length], languages: parts.map(({ language }) => language) };
  return encode(LANGUAGES, head, all);
}

/**
 * The model of the bytes, or undefined when they are not one (cut, changed, of another program). Its arrays are views of
 * the bytes, which nobody may change from now on.
 */
export function decodeModel(bytes: Buffer): Model | undefined {
  const parsed = parse(bytes);
  if (parsed?.magic === LINEAR) {
    const model = linear(parsed);
    return { id: model.head.id, parts: [{ language: null, model }] };
  }
  return parsed?.magic === LANGUAGES ? severalLanguages(parsed) : undefined;
}

function severalLanguages({ head, body }: Parsed): Model | undefined {
  const { id, sizes, languages } = head as LanguagesHead;
  let at = 0;
  const models = sizes.map((size) => {
    const parsed = parse(body.subarray(at, at + size));
    at += Math.ceil(size / 4) * 4;
    return parsed?.magic === LINEAR ? linear(parsed) : undefined;
  });
  const chooser = models.pop();
  if (chooser === undefined) return undefined;
  const parts = models.flatMap((model, index) => (model === undefined ? [] : { language: languages[index] as string, model }));
  return parts.length === languages.length ? { id, parts, chooser } : undefined;
}

function linear(parsed: Parsed): LinearModel {
  const head = parsed.head as ModelHead;
  const body = aligned(parsed.body);
  const places = 2 ** head.tableBits;
  const columns = head.labels.length;
  let at = body.byteOffset;
  const next = (count: number): [ArrayBufferLike, number, number] => { const from = at; at += count * 4; return [body.buffer, from, count]; };
  return createLinearModel(head, {
    keys: new Uint32Array(...next(places)),
    rowAt: new Uint32Array(...next(places)),
    values: new Float32Array(...next(head.rows)),
    scales: new Float32Array(...next(head.rows)),
    bias: new Float32Array(...next(columns)),
    weights: new Int8Array(body.buffer, at, head.rows * columns),
  });
}

/** Numbers of four bytes lie at multiples of four; a small buffer out of a pool may not. */
const aligned = (bytes: Buffer): Uint8Array => (bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes));
