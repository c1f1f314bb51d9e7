/**
 * Trained models of a version, as they travel with it: packed once by who deploys, cut into pieces that fit into a record,
 * put together by the nodes. They only save time: a node that has not got all of them, or cannot use them, trains for itself.
 */
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants } from 'node:zlib';
import { decompress, filesOf, listOf, MOST_PACKED, refused } from './pack.js';

export interface ModelFile {
  /** Of what it was trained from, hexadecimal: its name in the model cache. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A model of a large bot has 8 MB; with more than this each node trains for itself. */
const MOST_UNPACKED = 32 * 1024 * 1024;
const MOST_PARTS = 16;
const MAGIC = Buffer.from('CONFABM1');
const SUM = 16;
/** Magic, index, count, and the first bytes of the SHA-256 of the whole. */
const HEAD = MAGIC.length + 4 + SUM;
/** Weights are noise: more effort wins a few percent, and takes ten times as long. */
const QUALITY = 4;

const sumOf = (whole: Uint8Array): Buffer => createHash('sha256').update(whole).digest().subarray(0, SUM);

/** The pieces, in order; none where there is nothing to send, or too much. */
export function packModels(models: readonly ModelFile[]): Buffer[] {
  const list = listOf(models.map(({ id, bytes }) => ({ file: id, bytes })));
  if (list.length === 0 || list.length > MOST_UNPACKED) return [];
  const whole = brotliCompressSync(list, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: list.length } });
  const room = MOST_PACKED - HEAD;
  const count = Math.ceil(whole.length / room);
  if (count > MOST_PARTS) return [];
  const sum = sumOf(whole);
  return Array.from({ length: count }, (_, index) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(index, 0);
    head.writeUInt16BE(count, 2);
    return Buffer.concat([MAGIC, head, sum, whole.subarray(index * room, (index + 1) * room)]);
  });
}

/** What the pieces hold, in whatever order they come. @throws CONFAB_BOT_PACK_INVALID one is missing, or they are not of one whole */
export function unpackModels(parts: readonly Uint8Array[]): ModelFile[] {
  const pieces = parts.map((part) => {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    if (bytes.length < HEAD || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw refused('it is no part of a model');
    return { index: bytes.readUInt16BE(MAGIC.length), count: bytes.readUInt16BE(MAGIC.length + 2), sum: bytes.subarray(MAGIC.length + 4, HEAD), body: bytes.subarray(HEAD) };
  }).sort((a, b) => a.index - b.index);
  const [first] = pieces;
  if (first === undefined) return [];
  if (pieces.length !== first.count || pieces.length > MOST_PARTS || pieces.some(({ index, sum }, place) => index !== place || !sum.equals(first.sum))) throw refused('parts of its models are missing');
  const whole = Buffer.concat(pieces.map(({ body }) => body));
  if (!sumOf(whole).equals(first.sum)) throw refused('its models are damaged');
  return filesOf(decompress(whole, MOST_UNPACKED)).map(({ file, bytes }) => ({ id: file, bytes }));
}
