import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, constants } from 'node:zlib';
import { isCode } from '../../platform/errors.js';
import { seededRandom } from '../../platform/random.js';
import { MOST_PACKED, packFiles, unpackFiles, type PackedFile } from './pack.js';

const file = (name: string, text = 'x'): PackedFile => ({ file: name, bytes: Buffer.from(text) });
const plain = (files: readonly PackedFile[]): [string, string][] => files.map(({ file: name, bytes }) => [name, Buffer.from(bytes).toString()]);

/** Bytes that nothing makes shorter. */
function noise(length: number): Buffer {
  return seededRandom(1).bytes(length);
}

/** What `packFiles` would never write. */
function forged(files: readonly PackedFile[]): Buffer {
  const parts = files.flatMap(({ file: name, bytes }) => {
    const head = Buffer.alloc(6);
    head.writeUInt16BE(Buffer.byteLength(name), 0);
    head.writeUInt32BE(bytes.length, 2);
    return [head, Buffer.from(name), Buffer.from(bytes)];
  });
  return Buffer.concat([Buffer.from('CONFAB1\n'), brotliCompressSync(Buffer.concat(parts))]);
}

test('the same files are packed to the same bytes in whatever order they come, and come back whole', () => {
  const files = [file('bot.yaml', 'id: a'), file('flows/ä.yaml', ''), file('knowledge/x.md', '# x')];
  const packed = packFiles(files);
  assert.deepEqual(packFiles([...files].reverse()), packed);
  assert.deepEqual(plain(unpackFiles(packed)), [['bot.yaml', 'id: a'], ['flows/ä.yaml', ''], ['knowledge/x.md', '# x']]);
});

test('what does not fit into a record is refused before it is written', () => {
  assert.throws(() => packFiles([{ file: 'bot.yaml', bytes: noise(MOST_PACKED + 1000) }]), (error) => isCode(error, 'CONFAB_BOT_TOO_LARGE'));
  assert.throws(() => packFiles(Array.from({ length: 501 }, (_, i) => file(`${i}.yaml`))), (error) => isCode(error, 'CONFAB_BOT_TOO_LARGE'));
});

for (const name of ['../bot.yaml', 'a/../../b.yaml', '/etc/passwd', 'a//b.yaml', '.hidden.yaml', 'a/.git/x.yaml', 'a\\..\\b.yaml', 'C:x.yaml', 'a\u0000b.yaml', '', './a.yaml', 'a/']) {
  test(`a path that leads out of the folder is refused: ${JSON.stringify(name)}`, () => {
    assert.throws(() => unpackFiles(forged([file(name)])), (error) => isCode(error, 'CONFAB_BOT_PACK_INVALID'));
  });
}

test('a bomb is refused before it is unpacked, and so are damaged, doubled and unsorted files', () => {
  const bomb = Buffer.concat([Buffer.from('CONFAB1\n'), brotliCompressSync(Buffer.alloc(32 * 1024 * 1024), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })]);
  assert.ok(bomb.length < 10_000, 'it is small');
  const whole = packFiles([file('bot.yaml', 'id: a'), file('x.yaml', 'y')]);
  const cut = forged([{ file: 'bot.yaml', bytes: Buffer.alloc(0) }]);
  const wrong: [string, Uint8Array][] = [
    ['bomb', bomb], ['empty', Buffer.alloc(0)], ['other', Buffer.from('PK\u0003\u0004')], ['cut', whole.subarray(0, whole.length - 3)], ['no stream', cut.subarray(0, 8)],
    ['twice', forged([file('a.yaml'), file('a.yaml')])], ['unsorted', forged([file('b.yaml'), file('a.yaml')])], ['too large', Buffer.alloc(MOST_PACKED + 1)],
    ['length past the end', Buffer.concat([Buffer.from('CONFAB1\n'), brotliCompressSync(Buffer.from([0, 1, 255, 255, 255, 255, 97]))])],
  ];
  for (const [what, bytes] of wrong) assert.throws(() => unpackFiles(bytes), (error) => isCode(error, 'CONFAB_BOT_PACK_INVALID'), what);
});
