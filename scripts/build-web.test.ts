import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { scratchFolder } from '../platform/testing.js';
import { buildWeb } from './build-web.js';

test('the scripts of the chat page are at most 90 kB as they are sent, X-ray included', async (t) => {
  const { scriptBytesGzip, widgetBytesGzip, scripts } = await buildWeb(scratchFolder(t));
  assert.ok(scriptBytesGzip <= 90_000, JSON.stringify(scripts));
  assert.ok(widgetBytesGzip <= 5_000, String(widgetBytesGzip));
});

test('index.html names what is there, and nothing stands in it that its policy forbids', async (t) => {
  const folder = scratchFolder(t);
  await buildWeb(folder);
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  const urls = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, url = '']) => url);
  assert.equal(urls.length, 4);
  for (const url of urls) {
    assert.ok(existsSync(join(folder, url)), url);
    assert.match(url, /-[A-Z0-9]{8}\.(js|css|svg)$/, 'its name tells what it holds');
  }
  assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:/i);
});

test('compressed files say the same, and a second build leaves everything alone but what is old', async (t) => {
  const folder = scratchFolder(t);
  await buildWeb(folder);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile()).sort();
  const packed = files.filter((path) => path.endsWith('.br'));
  assert.ok(packed.length >= 6);
  for (const path of packed) {
    const plain = readFileSync(join(folder, path.slice(0, -3)));
    assert.ok(brotliDecompressSync(readFileSync(join(folder, path))).equals(plain) && gunzipSync(readFileSync(join(folder, `${path.slice(0, -3)}.gz`))).equals(plain), path);
  }
  const times = files.map((path) => statSync(join(folder, path)).mtimeMs);
  writeFileSync(join(folder, 'assets/chat-OLD.js'), 'old');
  await buildWeb(folder);
  assert.deepEqual(files.map((path) => statSync(join(folder, path)).mtimeMs), times);
  assert.equal(existsSync(join(folder, 'assets/chat-OLD.js')), false);
});

test('no script of the page reaches for eval or for another server', async (t) => {
  const folder = scratchFolder(t);
  const { scripts } = await buildWeb(folder);
  for (const path of Object.keys(scripts)) assert.doesNotMatch(readFileSync(join(folder, path), 'utf8'), /\beval\(|new Function\(|importScripts\(|document\.write/, path);
});
