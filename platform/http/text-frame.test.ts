import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as library from 'ws';
import { textFrame } from './text-frame.js';

/** As the library makes it: header and payload. */
function byLibrary(text: string): Buffer {
  const { Sender } = library as unknown as { readonly Sender: { frame(data: Buffer, options: object): Buffer[] } };
  return Buffer.concat(Sender.frame(Buffer.from(text), { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }));
}

test('a text is framed as the library frames it, at every form of length and beyond ASCII', () => {
  for (const text of ['', 'a', 'x'.repeat(125), 'x'.repeat(126), 'ü'.repeat(63), 'x'.repeat(65_535), 'x'.repeat(65_536), '日本語 🙂'.repeat(9_000), '\ud800']) {
    assert.deepEqual(textFrame(text), byLibrary(text), `${text.length} characters`);
  }
});

test('a text that goes to many is encoded once', () => {
  const text = JSON.stringify({ type: 'reply', text: 'hello' });
  const first = textFrame(text);
  assert.equal(textFrame(text), first);
  assert.notEqual(textFrame(`${text} `), first);
  assert.deepEqual(textFrame(text), first);
});
