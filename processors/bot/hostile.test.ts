/** Bot files are untrusted: each of these is refused with its place and reason, quickly, and nothing of it reaches a conversation. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../platform/testing.js';
import { checkBot, checkFiles } from './loader.js';
import { botOf, check, head } from './testing.js';

const INTENT = 'intents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}\n';
const flow = (steps: string): string => head(`${INTENT}slots:\n  name: {ask: lost}\nflows:\n  main:\n    do: [${steps}]\n`);

/** CPU time and not the clock: other tests run beside this one. */
function cpuMillis(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}

/** [what, files, reason]. */
const hostile: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
  ['a thousand laughs', { 'bot.yaml': ['a: &a0 [x, x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 9 }, (_, n) => `b${n}: &a${n + 1} [${Array.from({ length: 10 }, () => `*a${n}`).join(', ')}]`)].join('\n') }, /more than 100 aliases|more than 50000 nodes/],
  ['an alias of itself', { 'bot.yaml': head(`${INTENT}name: &a [*a]\n`) }, /alias|anchor|deep/i],
  ['many aliases of a long list', { 'bot.yaml': head(`${INTENT}outOfScope: &a [${Array.from({ length: 20_000 }, (_, n) => `x${n}`).join(',')}]\n`), 'x.yaml': `a: &a [${'x,'.repeat(20_000)}x]\nb: [*a, *a, *a]\n` }, /more than 50000 nodes/],
  ['brackets without end', { 'bot.yaml': '['.repeat(100_000) }, /nested/],
  ['maps in maps', { 'bot.yaml': `${'{a: '.repeat(60)}1${'}'.repeat(60)}` }, /nested/],
  ['a merge key', { 'bot.yaml': head(`${INTENT}slots: {<<: {a: {}}}\n`) }, /slot name "<<"/],
  ['a prototype as a name', { 'bot.yaml': head(`${INTENT}slots: {__proto__: {ask: lost}}\n`) }, /slot name "__proto__"/],
  ['a prototype as a key', { 'bot.yaml': head(`${INTENT}__proto__: {id: other}\n`) }, /unknown key of bot.yaml "__proto__"/],
  ['a prototype as a language', { 'bot.yaml': head(`  x: {text: a, locales: {__proto__: b}}\n${INTENT}`) }, /unknown language of the bot "__proto__"/],
  ['a prototype as a step', { 'bot.yaml': flow('{__proto__: lost}') }, /unknown step "__proto__"/],
  ['a step named as a method', { 'bot.yaml': flow('constructor') }, /unknown step "constructor"/],
  ['a slot of an object', { 'bot.yaml': flow('{set: {toString: x}}') }, /unknown slot "toString"/],
  ['a text with NUL', { 'bot.yaml': head(`  x: "a\\0b"\n${INTENT}`) }, /not shown/],
  ['a text with an escape sequence of a terminal', { 'bot.yaml': head(`  x: "\\e[2J"\n${INTENT}`) }, /not shown/],
  ['a text that turns its direction', { 'bot.yaml': head(`  x: "abc\u202Ecba"\n${INTENT}`) }, /not shown/],
  ['half of a pair', { 'bot.yaml': head(`  x: "\\uD800"\n${INTENT}`) }, /not shown|surrogate|code/i],
  ['an example with NUL', { 'bot.yaml': head('intents:\n  hi: {reply: lost, examples: ["h\\0i"]}\n') }, /not shown/],
  ['a name with NUL', { 'bot.yaml': head(`${INTENT}slots: {"a\\0b": {}}\n`) }, /slot name/],
  ['a name that turns its direction', { 'bot.yaml': head(`${INTENT}slots: {"a\u202Eb": {}}\n`) }, /slot name/],
  ['a name in look-alike letters', { 'bot.yaml': head(`${INTENT}slots: {n\u0430me: {}}\n`) }, /slot name/],
  ['a pattern that backtracks', { 'bot.yaml': head(`${INTENT}entities: {a: {patterns: ['(?=(a+)+$)b']}}\n`) }, /not RE2/],
  ['a pattern that grows', { 'bot.yaml': head(`${INTENT}entities: {a: {patterns: ['(((a{1,50}){1,50}){1,50})']}}\n`) }, /pattern is/],
  ['a pattern that is a novel', { 'bot.yaml': head(`${INTENT}entities: {a: {patterns: ['${'a|'.repeat(200)}b']}}\n`) }, /longer than 300/],
  ['more patterns than can be run', { 'bot.yaml': head(INTENT), 'x.yaml': `entities:\n${Array.from({ length: 1500 }, (_, n) => `  e${n}: {patterns: ['x${n}[a-z]{1,20}y', 'z${n}[a-z]{1,20}']}`).join('\n')}\n` }, /patterns of the bot are together too large/],
  ['an address that is no https', { 'bot.yaml': head(`  x: {text: a, buttons: [{title: Go, url: "javascript:alert(1)"}]}\n${INTENT}`) }, /begins with https/],
  ['an address with a user', { 'bot.yaml': head(`  x: {text: a, buttons: [{title: Go, url: "https://good.example@evil.example/"}]}\n${INTENT}`) }, /begins with https/],
  ['an address whose host a person chooses', { 'bot.yaml': head(`  x: {text: a, image: {url: "https://{name}/x.png", alt: b}}\n${INTENT}slots: {name: {}}\n`) }, /places behind the host/],
  ['an address whose host ends in what a person chooses', { 'bot.yaml': head(`  x: {text: a, image: {url: "https://good.example{name}", alt: b}}\n${INTENT}slots: {name: {}}\n`) }, /places behind the host/],
  ['code in a condition', { 'bot.yaml': flow('{if: "process.exit()", then: [end]}') }, /no meaning|unknown path|too much/],
  ['code in a text', { 'bot.yaml': head(`  x: "{constructor.constructor}"\n${INTENT}`) }, /unknown path/],
  ['a number that is none', { 'bot.yaml': head(`${INTENT}accept: .nan\n`) }, /must be a (text, a finite )?number|finite/],
  ['two documents', { 'bot.yaml': `${head(INTENT)}---\nid: other\n` }, /document/i],
  ['a file that is given twice by case', { 'bot.yaml': head(INTENT), 'flows.yaml': 'flows: {a: {do: [end]}}\n', 'Flows.yaml': 'flows: {a: {do: [end]}}\n' }, /stands in/],
];

for (const [what, files, reason] of hostile) {
  test(`${what} is refused`, () => {
    let found = check({});
    const spent = cpuMillis(() => { found = check(files); });
    assert.equal(found.bot, undefined);
    assert.ok(found.faults.some((fault) => reason.test(fault.reason)), JSON.stringify(found.faults.slice(0, 3)));
    for (const fault of found.faults) assert.ok(fault.line >= 1 && fault.column >= 1 && fault.reason.length < 500);
    assert.ok(spent < 10_000, `${spent} ms`);
  });
}

test('paths that lead out, or hide what they are, are refused, whoever packed the files', () => {
  const good = { file: 'bot.yaml', bytes: Buffer.from(head(INTENT)) };
  for (const file of ['../x.yaml', '/etc/x.yaml', 'a/../../x.yaml', './x.yaml', 'a//x.yaml', 'a\\..\\x.yaml', 'x\0.yaml', 'x\u202Elmay.yaml', '.hidden/x.yaml', 'a/b/c/d/e/x.yaml', `${'x'.repeat(200)}.yaml`, '', 'C:x.yaml', 'x\n.yaml']) {
    const { bot, faults } = checkFiles([good, { file, bytes: Buffer.from('flows: {a: {do: [end]}}\n') }]);
    assert.equal(bot, undefined, JSON.stringify(file));
    assert.match(faults[0]?.reason ?? '', /path of a file/);
     
    assert.doesNotMatch(faults[0]?.file ?? '', /[\u0000-\u001f]/);
  }
  assert.match(checkFiles([good, good]).faults[0]?.reason ?? '', /stands twice/);
  assert.match(checkFiles(Array.from({ length: 501 }, (_, n) => ({ file: `f${n}.yaml`, bytes: Buffer.from('a') }))).faults[0]?.reason ?? '', /more than 500 files/);
  assert.match(checkFiles(Array.from({ length: 40 }, (_, n) => ({ file: `f${n}.yaml`, bytes: Buffer.alloc(250_000, '#') }))).faults[0]?.reason ?? '', /larger than 8 MiB/);
});

test('links out of the folder, links to folders and what is no file are refused', async (t) => {
  const outside = scratchFolder(t);
  writeFileSync(join(outside, 'secret.yaml'), INTENT);
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'bot.yaml'), head(INTENT));
  symlinkSync(join(outside, 'secret.yaml'), join(folder, 'out.yaml'));
  symlinkSync(outside, join(folder, 'folder.yaml'));
  symlinkSync('loop.yaml', join(folder, 'loop.yaml'));
  symlinkSync('..', join(folder, 'up'));
  mkdirSync(join(folder, 'in'));
  symlinkSync('in', join(folder, 'inside.yaml'));
  execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
  const { bot, faults } = await checkBot(folder);
  assert.equal(bot, undefined);
  assert.deepEqual(faults.map((fault) => `${fault.file}: ${fault.reason}`).sort(), [
    'folder.yaml: a link that leads out of the folder', 'inside.yaml: no ordinary file', 'loop.yaml: a link that leads out of the folder',
    'out.yaml: a link that leads out of the folder', 'pipe.yaml: no ordinary file',
  ]);
});

test('files full of faults, of conditions and of names cost no more than their size', () => {
  const slots = Array.from({ length: 2000 }, (_, n) => `  slot_number_${n}: {}`).join('\n');
  const wrong = Array.from({ length: 4000 }, (_, n) => `      - ask: slot_nmber_${n}`).join('\n');
  const conditions = Array.from({ length: 900 }, (_, n) => `      - {if: "entities.city == 'city ${n}' and slots.slot_numbr_${n}", then: [end]}`).join('\n');
  const cities = Array.from({ length: 5000 }, (_, n) => `      - city ${n}`).join('\n');
  const rings = Array.from({ length: 1900 }, (_, n) => `  ring_${n}: {do: [{call: ring_${(n + 1) % 1900}}, {say: lost}, {go: ring_${(n + 7) % 1900}}]}`).join('\n');
  const spent = cpuMillis(() => {
    assert.equal(check({ 'bot.yaml': head(INTENT), 'slots.yaml': `slots:\n${slots}\n`, 'wrong.yaml': `flows:\n  a:\n    do:\n${wrong}\n` }).faults.length, 100);
    assert.ok(check({ 'bot.yaml': head(INTENT), 'slots.yaml': `slots:\n${slots}\n`, 'cities.yaml': `entities:\n  city:\n    values:\n${cities}\n`, 'flows.yaml': `flows:\n  a:\n    do:\n${conditions}\n` }).faults.length === 100);
    assert.equal(check({ 'bot.yaml': head(INTENT), 'rings.yaml': `flows:\n${rings}\n` }).warnings.length, 100);
  });
  assert.ok(spent < 30_000, `${spent} ms`);
});

test('names that objects have by birth are names like others', () => {
  const bot = botOf({ 'bot.yaml': head('  constructor: Hi {valueof|you}\nintents:\n  hasownproperty: {reply: constructor, examples: [a, b, c, d, e]}\nslots: {valueof: {}}\n') });
  assert.deepEqual([bot.intents[0]?.name, bot.slots[0]?.name, bot.responses[1]?.name], ['hasownproperty', 'valueof', 'constructor']);
});
