/**
 * The bytes of a model: SHA-256 of all that follows, magic, length of the head, head as JSON, arrays. Always loaded from
 * bytes, also right after training, so that a model from the cache scores exactly as the one that was stored.
 */
import { createHash } from 'node:crypto';
import { createModel, type Model, type ModelArrays, type ModelHead } from './model.js';

/** "CMF2" in the order of the bytes: another form gets another number. */
const MAGIC = 0x32464d43;
const HEAD = 8;
const SUM = 32;

export function encodeModel(head: ModelHead, arrays: ModelArrays): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const padded = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4, 0x20)]);
  const start = Buffer.alloc(HEAD);
  start.writeUInt32LE(MAGIC, 0);
  start.writeUInt32LE(padded.length, 4);
  const parts = [arrays.keys, arrays.rowAt, arrays.values, arrays.scales, arrays.bias, arrays.weights].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  const sum = [start, padded, ...parts].reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
  return Buffer.concat([sum, start, padded, ...parts]);
}

/**
 * The model of the bytes, or undefined when they are not one (cut, changed, of another program). Its arrays are views of
 * the bytes, which nobody may change from now on.
 */
export function decodeModel(bytes: Buffer): Model | undefined {
  if (bytes.length < SUM + HEAD || !createHash('sha256').update(bytes.subarray(SUM)).digest().equals(bytes.subarray(0, SUM))) return undefined;
  if (bytes.readUInt32LE(SUM) !== MAGIC) return undefined;
  const size = bytes.readUInt32LE(SUM + 4);
  const head = JSON.parse(bytes.toString('utf8', SUM + HEAD, SUM + HEAD + size)) as ModelHead;
  const body = aligned(bytes.subarray(SUM + HEAD + size));
  const places = 2 ** head.tableBits;
  const columns = head.labels.length + head.languages.length;
  let at = body.byteOffset;
  const next = (count: number): [ArrayBufferLike, number, number] => { const from = at; at += count * 4; return [body.buffer, from, count]; };
  return createModel(head, {
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
