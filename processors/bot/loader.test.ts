import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ConfabError } from '../../platform/errors.js';
import { seededRandom } from '../../platform/random.js';
import { scratchFolder } from '../../platform/testing.js';
import { checkBot, checkFiles, loadBot, loadBots } from './loader.js';
import { botOf, check, head } from './testing.js';

const bots = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bots');

test('the example bot has neither faults nor warnings', async () => {
  const { bot, faults, warnings } = await checkBot(join(bots, 'parcel'));
  assert.deepEqual([faults, warnings], [[], []]);
  assert.ok(bot && bot.intents.length >= 14);
  for (const intent of bot.intents) assert.ok(intent.examples.length >= 20, `${intent.name} has ${intent.examples.length}`);
});

test('loadBots gives every bot of a folder by its id', async () => {
  assert.deepEqual((await loadBots(bots)).map((bot) => bot.id), ['parcel']);
});

test('the version follows from names and contents alone', () => {
  const files = { 'bot.yaml': head('intents:\n  hi: {reply: lost, examples: [hi]}\n') };
  assert.equal(botOf(files).version, botOf({ ...files }).version);
  assert.notEqual(botOf(files).version, botOf({ 'bot.yaml': `${files['bot.yaml']}\n` }).version);
});

const INTENT = 'intents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}\n';
const flow = (steps: string): string => head(`${INTENT}slots:\n  name: {ask: lost}\nflows:\n  main:\n    do:\n${steps}`);

/** [what the files hold, file:line:column of the first fault, its reason]. */
const faults: readonly [string, Record<string, string>, string, RegExp][] = [
  ['no bot.yaml', { 'intents.yaml': INTENT }, 'bot.yaml:1:1', /has no bot.yaml/],
  ['an empty file', { 'bot.yaml': head(INTENT), 'flows.yaml': '' }, 'flows.yaml:1:1', /is empty/],
  ['malformed YAML', { 'bot.yaml': 'format: 1\nid: "x\n' }, 'bot.yaml:3:1', /quote/],
  ['a tag', { 'bot.yaml': head(`${INTENT}name: !!js/function x\n`) }, 'bot.yaml:8:7', /tag/i],
  ['a key that stands twice', { 'bot.yaml': head(`${INTENT}id: again\n`) }, 'bot.yaml:8:1', /"id" stands twice/],
  ['bytes that are not UTF-8', {}, 'bot.yaml:1:1', /not UTF-8/],
  ['an unknown key', { 'bot.yaml': head(`${INTENT}falback: {say: lost}\n`) }, 'bot.yaml:8:1', /unknown key of bot.yaml "falback"; did you mean "fallback"\?/],
  ['another format', { 'bot.yaml': head(INTENT).replace('format: 1', 'format: 2') }, 'bot.yaml:1:9', /format must be a number from 1 to 1/],
  ['an id with blanks', { 'bot.yaml': head(INTENT).replace('id: test', 'id: My Bot') }, 'bot.yaml:2:5', /the id must be/],
  ['no fallback', { 'bot.yaml': `format: 1\nid: test\nresponses: {lost: What?}\n${INTENT}` }, 'bot.yaml:1:1', /lacks "fallback"/],
  ['no intents', { 'bot.yaml': head() }, 'bot.yaml:1:1', /has no intents/],
  ['an intent without examples', { 'bot.yaml': head('intents:\n  hi: {reply: lost, examples: []}\n') }, 'bot.yaml:7:31', /"hi" has no examples/],
  ['an example that is an essay', { 'bot.yaml': head(`intents:\n  hi: {reply: lost, examples: [${'x'.repeat(501)}]}\n`) }, 'bot.yaml:7:32', /longer than 500/],
  ['more than can be trained', { 'bot.yaml': head(), 'i.yaml': `intents:\n${Array.from({ length: 1500 }, (_, n) => `  i${n}: {reply: lost, examples: [a${n}, b${n}, c${n}, d${n}]}\n`).join('')}` }, 'i.yaml:2:3', /too much to train/],
  ['an intent in two files', { 'bot.yaml': head(INTENT), 'x.yaml': INTENT }, 'x.yaml:2:3', /stands in bot.yaml:7 already/],
  ['a name with capitals', { 'bot.yaml': head(`${INTENT}slots: {MySlot: {}}\n`) }, 'bot.yaml:8:9', /slot name "MySlot"/],
  ['an unknown response', { 'bot.yaml': head('intents:\n  hi: {reply: lots, examples: [hi]}\n') }, 'bot.yaml:7:15', /unknown response "lots"; did you mean "lost"\?/],
  ['an unknown intent', { 'bot.yaml': head(`${INTENT}flows:\n  main: {on: hy, do: [{say: lost}]}\n`) }, 'bot.yaml:9:14', /unknown intent "hy"; did you mean "hi"\?/],
  ['an unknown slot', { 'bot.yaml': flow('      - ask: nam\n') }, 'bot.yaml:13:14', /unknown slot "nam"; did you mean "name"\?/],
  ['an unknown flow', { 'bot.yaml': flow('      - go: mian\n') }, 'bot.yaml:13:13', /unknown flow "mian"; did you mean "main"\?/],
  ['an unknown entity', { 'bot.yaml': head(`${INTENT}slots:\n  a: {entity: citi}\nentities:\n  city: {values: [Rome]}\n`) }, 'bot.yaml:9:15', /unknown entity "citi"; did you mean "city"\?/],
  ['an unknown slot in a text', { 'bot.yaml': head(`  hello: Hi {nme}!\n${INTENT}slots: {name: {}}\n`) }, 'bot.yaml:6:10', /unknown slot "nme"; did you mean "name"\?/],
  ['a brace that is not closed', { 'bot.yaml': head(`  hello: 'Hi {name'\n${INTENT}`) }, 'bot.yaml:6:10', /"\{" without "\}"/],
  ['an unknown step', { 'bot.yaml': flow('      - sya: lost\n') }, 'bot.yaml:13:9', /unknown step "sya"; did you mean "say"\?/],
  ['two steps in one', { 'bot.yaml': flow('      - say: lost\n        ask: name\n') }, 'bot.yaml:13:9', /one step is one of say, ask/],
  ['an if without branches', { 'bot.yaml': flow('      - if: {slot: name, known: true}\n') }, 'bot.yaml:13:9', /needs "then" or "else"/],
  ['a condition on nothing', { 'bot.yaml': flow('      - if: {known: true}\n        then: [end]\n') }, 'bot.yaml:13:13', /exactly one of slot/],
  ['no steps', { 'bot.yaml': flow('      []\n') }, 'bot.yaml:13:7', /no steps/],
  ['a slot that cannot ask', { 'bot.yaml': head(`${INTENT}slots: {name: {}}\nflows:\n  main: {on: hi2, do: [{ask: name}]}\n`).replace('on: hi2, ', '') }, 'bot.yaml:8:9', /asked for and lacks "ask"/],
  ['an intent with two answers', { 'bot.yaml': head(`${INTENT}flows:\n  main: {on: hi, do: [end]}\n`) }, 'bot.yaml:9:14', /another flow or reply already/],
  ['a pattern that is not RE2', { 'bot.yaml': head(`${INTENT}entities:\n  a: {patterns: ['(a)\\1']}\n`) }, 'bot.yaml:9:18', /not RE2/],
  ['a pattern for nothing', { 'bot.yaml': head(`${INTENT}entities:\n  a: {patterns: ['x*']}\n`) }, 'bot.yaml:9:18', /matches the empty text/],
  ['a pattern that is too large', { 'bot.yaml': head(`${INTENT}entities:\n  a: {patterns: ['((a{1,100}){1,100}){1,9}']}\n`) }, 'bot.yaml:9:18', /pattern is/],
  ['an entity of nothing', { 'bot.yaml': head(`${INTENT}entities:\n  a: {}\n`) }, 'bot.yaml:9:3', /needs "patterns", "values", "system" or "learned: true"/],
  ['a map where a text belongs', { 'bot.yaml': head(`  hello: [Note: this]\n${INTENT}`) }, 'bot.yaml:6:11', /a text with ": " in it needs quotes/],
  ['a number out of range', { 'bot.yaml': head(`${INTENT}accept: 2\n`) }, 'bot.yaml:8:9', /accept must be a number from 0.5 to 1/],
  ['an alias that grows without end', { 'bot.yaml': head(`${INTENT}name: &a [*a]\n`) }, 'bot.yaml', /deep|alias|anchor/i],
];

for (const [what, files, place, reason] of faults) {
  test(`${what} is a fault with its place and reason`, () => {
    const found = what.startsWith('bytes') ? checkFiles([{ file: 'bot.yaml', bytes: Uint8Array.of(0xff, 0xfe) }]) : check(files);
    assert.equal(found.bot, undefined);
    const first = found.faults[0];
    assert.ok(first);
    assert.match(first.reason, reason);
    assert.ok(`${first.file}:${first.line}:${first.column}`.startsWith(place), `${first.file}:${first.line}:${first.column} is not ${place}`);
  });
}

test('all faults of all files are found at once', () => {
  const { faults: found } = check({ 'bot.yaml': head(`${INTENT}wrong: 1\n`), 'a.yaml': 'flows:\n  f: {do: [{say: nope}, {ask: none}]}\n', 'b.yaml': 'responses: {x: ""}' });
  assert.deepEqual(found.map((fault) => fault.file).sort(), ['a.yaml', 'a.yaml', 'b.yaml', 'bot.yaml']);
});

test('what a file that cannot be read would declare is not missed: the first fault is the one to mend', () => {
  const flows = 'flows:\n  main:\n    on: bye\n    do:\n      - ask: city\n      - if: {slot: town, known: true}\n        then: [{say: hello}, {go: other}]\n';
  const rest = 'responses: {hello: "Hi {town}"}\nslots: {city: {entity: place, ask: where}}\n';
  for (const broken of ['responses:\n  x: "a\n', '', '!!binary x']) {
    const { bot, faults: found, warnings } = check({ 'bot.yaml': head(), 'flows.yaml': flows, 'broken.yaml': broken, 'rest.yaml': rest });
    assert.deepEqual([bot, found.map(({ file }) => file), warnings], [undefined, ['broken.yaml'], []], JSON.stringify(broken));
  }
  const own = check({ 'bot.yaml': `${head()}wrong: 1\n`, 'broken.yaml': 'a: [', 'flows.yaml': flows });
  assert.deepEqual(own.faults.map(({ file, reason }) => `${file} ${reason.slice(0, 11)}`).slice(-1), ['bot.yaml unknown key'], 'what is wrong by itself is told all the same');
});

test('what is doubtful is a warning: unreachable flows, unused responses, unanswered intents, doubled examples', () => {
  const { bot, warnings } = check({ 'bot.yaml': head(`  spare: Spare\nintents:\n  hi: {examples: [hi, a, b, c, d]}\n  ho: {reply: lost, examples: [HI, e, f, g]}\nflows:\n  main: {do: [end]}\n`) });
  assert.ok(bot);
  assert.deepEqual(warnings.map((warning) => warning.reason), [
    '"HI" is an example of hi too', 'intent "ho" has fewer than 5 examples', 'nothing leads to the flow "main"',
    'no flow or reply answers the intent "hi"', 'the response "spare" is not used',
  ]);
});

test('aliases are taken, but their expansion is bounded', () => {
  assert.equal(botOf({ 'bot.yaml': head('intents:\n  hi: {reply: lost, examples: &e [hi, a, b, c, d]}\n  ho: {reply: lost, examples: *e}\n') }).intents[1]?.examples.length, 5);
  const laughs = ['a: &a0 [x, x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 8 }, (_, n) => `b${n}: &a${n + 1} [${Array.from({ length: 10 }, () => `*a${n}`).join(', ')}]`)];
  assert.match(check({ 'bot.yaml': laughs.join('\n') }).faults[0]?.reason ?? '', /more than/);
});

test('nesting that would exhaust the stack is a fault', () => {
  for (const text of ['['.repeat(100_000), '- '.repeat(50_000), `${'{a: '.repeat(50_000)}`, Array.from({ length: 500 }, (_, n) => `${' '.repeat(n)}a:`).join('\n')]) {
    assert.equal(check({ 'bot.yaml': text }).bot, undefined);
  }
});

test('a file that is too large and a link that leads out are refused, a link inside is followed', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'bot.yaml'), head(INTENT));
  writeFileSync(join(folder, 'big.yaml'), `# ${'x'.repeat(300_000)}`);
  symlinkSync('/etc/hostname', join(folder, 'out.yaml'));
  const { faults: found } = await checkBot(folder);
  assert.deepEqual(found.map((fault) => `${fault.file} ${fault.reason}`).sort(), ['big.yaml larger than 256 KiB', 'out.yaml a link that leads out of the folder']);
  const mounted = scratchFolder(t);
  mkdirSync(join(mounted, '..data'));
  writeFileSync(join(mounted, '..data', 'bot.yaml'), head(INTENT));
  symlinkSync('..data/bot.yaml', join(mounted, 'bot.yaml'));
  assert.equal((await loadBot(mounted)).id, 'test');
});

test('loadBot throws CONFAB_BOT_INVALID with every fault; loadBots also for two bots of one id', async (t) => {
  const folder = scratchFolder(t);
  await assert.rejects(loadBot(join(folder, 'none')), (error: ConfabError) => error.code === 'CONFAB_BOT_INVALID');
  await assert.rejects(loadBots(folder), (error: ConfabError) => error.code === 'CONFAB_BOT_INVALID');
  for (const name of ['a', 'b']) { mkdirSync(join(folder, name)); writeFileSync(join(folder, name, 'bot.yaml'), head(INTENT)); }
  await assert.rejects(loadBots(folder), (error: ConfabError) => error.errors?.[0]?.pointer === 'b/bot.yaml:1:1' && error.errors[0].detail.includes('has the id "test" too'));
  writeFileSync(join(folder, 'a', 'bot.yaml'), head('wrong: 1\n'));
  await assert.rejects(loadBots(folder), (error: ConfabError) => error.errors?.length === 2 && error.errors[0]?.pointer === 'a/bot.yaml:1:1');
});

test('whatever happens to the files, there is a bot or there are faults', () => {
  const root = join(bots, 'parcel');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml') && !file.startsWith('tests')).map((file) => ({ file, bytes: readFileSync(join(root, file)) }));
  const random = seededRandom(7);
  const pick = (below: number): number => Math.floor(random.float() * below);
  const snippets = ['{', '}', '[', ']', ': ', '- ', '\n', '"', "'", '&a ', '*a', '!!map ', '|', '>', '\t', '{slot}', '%', '---\n', '...', '~', '\0', '\u{1f600}', '<<: ', '? '];
  let right = 0;
  for (let round = 0; round < 120; round++) {
    const at = pick(files.length);
    const mutated = files.map((one, index) => index === at ? { file: one.file, bytes: mutate(one.bytes, pick, snippets) } : one);
    const { bot, faults: found } = checkFiles(mutated);
    assert.equal(bot === undefined, found.length > 0, `round ${round}`);
    for (const fault of found) assert.ok(fault.line >= 1 && fault.column >= 1 && fault.reason !== '');
    if (bot) right += 1;
  }
  assert.ok(right > 0 && right < 120);
});

function mutate(bytes: Buffer, pick: (below: number) => number, snippets: readonly string[]): Buffer {
  const place = pick(bytes.length);
  const length = 1 + pick(40);
  switch (pick(5)) {
    case 0: return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + length)]);
    case 1: return Buffer.concat([bytes.subarray(0, place), Buffer.from(snippets[pick(snippets.length)] ?? ''), bytes.subarray(place)]);
    case 2: return bytes.subarray(0, place);
    case 3: { const copy = Buffer.from(bytes); copy[place] = pick(256); return copy; }
    default: { const other = pick(bytes.length); return Buffer.concat([bytes.subarray(0, place), bytes.subarray(other, other + length), bytes.subarray(place)]); }
  }
}
