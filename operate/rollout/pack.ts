/**
 * A bot's files as one bounded piece of bytes, the same for the same files: Brotli over a list of (path, content) in the
 * order of the paths. What is unpacked is untrusted: sizes are bounded before anything is made, no path leaves the folder,
 * and nothing is ever written to a disk. Whether the files are those of their version is for who compiles them.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { ConfabError } from '../../platform/errors.js';

export interface PackedFile { readonly file: string; readonly bytes: Uint8Array }

/** A record of bots.v1 must fit into what a broker takes by default, 1 MiB. */
export const MOST_PACKED = 900_000;
const MOST_FILES = 500;
/** 8 MiB of files (the bound of a bot), their names, and the lengths. */
const MOST_UNPACKED = 8 * 1024 * 1024 + MOST_FILES * 1024;
const MOST_PATH = 512;
const MAGIC = Buffer.from('CONFAB1\n');

/** @throws CONFAB_BOT_TOO_LARGE */
export function packFiles(files: readonly PackedFile[]): Buffer {
  const whole = listOf(files);
  if (files.length > MOST_FILES || whole.length > MOST_UNPACKED) throw new ConfabError('CONFAB_BOT_TOO_LARGE', { detail: `It has ${files.length} files and ${whole.length} bytes.` });
  const packed = Buffer.concat([MAGIC, brotliCompressSync(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: whole.length } })]);
  if (packed.length > MOST_PACKED) throw new ConfabError('CONFAB_BOT_TOO_LARGE', { detail: `Packed it has ${packed.length} bytes; at most ${MOST_PACKED} are taken.` });
  return packed;
}

/** @throws CONFAB_BOT_PACK_INVALID it is no such list, too large, or names a path that it may not */
export function unpackFiles(packed: Uint8Array): PackedFile[] {
  if (packed.length > MOST_PACKED || !MAGIC.equals(packed.subarray(0, MAGIC.length))) throw refused('it is not a packed bot');
  return filesOf(decompress(packed.subarray(MAGIC.length), MOST_UNPACKED));
}

/** The list itself, in the order of the paths. */
export function listOf(files: readonly PackedFile[]): Buffer {
  const sorted = [...files].sort((a, b) => (a.file < b.file ? -1 : 1));
  return Buffer.concat(sorted.flatMap(({ file, bytes }) => {
    const name = Buffer.from(file);
    const head = Buffer.alloc(6);
    head.writeUInt16BE(name.length, 0);
    head.writeUInt32BE(bytes.length, 2);
    return [head, name, bytes];
  }));
}

/** The files of such a list, as views of it. @throws CONFAB_BOT_PACK_INVALID */
export function filesOf(whole: Buffer): PackedFile[] {
  const files: PackedFile[] = [];
  let at = 0;
  while (at < whole.length) {
    if (files.length >= MOST_FILES) throw refused(`it has more than ${MOST_FILES} files`);
    if (at + 6 > whole.length) throw refused('it ends within a file');
    const nameBytes = whole.readUInt16BE(at);
    const length = whole.readUInt32BE(at + 2);
    const begin = at + 6 + nameBytes;
    if (begin + length > whole.length) throw refused('it ends within a file');
    const file = pathOf(whole.subarray(at + 6, begin));
    const before = files.at(-1)?.file;
    if (before !== undefined && !(before < file)) throw refused('its paths are not in order');
    files.push({ file, bytes: whole.subarray(begin, begin + length) });
    at = begin + length;
  }
  return files;
}

/** @throws CONFAB_BOT_PACK_INVALID it would be more than `most` bytes, or is damaged */
export function decompress(bytes: Uint8Array, most: number): Buffer {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: most });
  } catch (cause) {
    throw refused('it cannot be unpacked within its bounds', cause);
  }
}

function pathOf(bytes: Uint8Array): string {
  let path: string;
  try { path = new TextDecoder('utf-8', { fatal: true }).decode(bytes); } catch (cause) { throw refused('a path is not UTF-8', cause); }
  const parts = path.split('/');
  if (path.length === 0 || path.length > MOST_PATH || /[\u0000-\u001f\\:]/.test(path) || parts.some((part) => part === '' || part.startsWith('.'))) throw refused('a path leads out of the folder or is malformed');
  return path;
}

export function refused(reason: string, cause?: unknown): ConfabError {
  return new ConfabError('CONFAB_BOT_PACK_INVALID', { detail: `The packed bot is refused: ${reason}.`, ...(cause === undefined ? {} : { cause }) });
}
