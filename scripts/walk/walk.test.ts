import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { scratchFolder } from '../../platform/testing.js';
import { walk } from './walk.js';

const fence = '```';
const shell = (...lines: string[]): string => [`${fence}sh`, ...lines, fence, ''].join('\n');

async function walked(t: TestContext, text: string, instead: readonly (readonly [string, string])[] = []): Promise<string> {
  const [folder, scratch] = [scratchFolder(t), scratchFolder(t)];
  writeFileSync(join(folder, 'page.md'), text);
  mkdirSync(join(folder, 'sub'));
  await walk('page.md', { folder, scratch, env: { PATH: process.env.PATH ?? '' }, instead: new Map(instead), patience: 20_000 });
  return folder;
}

test('a terminal keeps folder, exports and variables from block to block; another terminal does not have them', async (t) => {
  const folder = await walked(t, `${shell('cd sub', 'export A=1', 'B=2')}${shell('echo "$A $B" > here')}<!-- walk: in other -->\n${shell('echo "[$A$B]" > there')}`);
  assert.equal(readFileSync(join(folder, 'sub/here'), 'utf8'), '1 2\n');
  assert.equal(readFileSync(join(folder, 'there'), 'utf8'), '[]\n');
});

test('what does not go as written is named by page and line, with what was printed', async (t) => {
  await assert.rejects(walked(t, `text\n\n${shell('echo oops', 'false')}`), /page\.md:3 \(run\): exit code 1 where 0 was expected; it printed:\noops/);
  await assert.rejects(walked(t, `${shell('echo one')}<!-- walk: output -->\n${fence}text\ntwo\n${fence}\n`), /expected\ntwo\n[^]*but it printed\none/);
});

test('a program stays in the foreground until Ctrl-C, and a reader has no prompt meanwhile', async (t) => {
  const busy = `<!-- walk: until "up" -->\n${shell('echo up; cat > typed')}`;
  await assert.rejects(walked(t, `${busy}${shell('ls')}`), /a reader has no prompt there/);
  const folder = await walked(t, `${busy}<!-- walk: ctrl-c 1 -->\n\n${shell('echo free > after')}`);
  assert.equal(readFileSync(join(folder, 'after'), 'utf8'), 'free\n');
});

test('ports and addresses are replaced in one pass', async (t) => {
  const folder = await walked(t, shell('echo http://h:8080/ 8081 > out'), [['8080', '38081'], ['8081', '5'], ['http://h:8080', 'http://h:8081']]);
  assert.equal(readFileSync(join(folder, 'out'), 'utf8'), 'http://h:8081/ 5\n');
});
