/** Files of tests to tests: every fault of every file is found before the first test runs. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Faults, type Fault } from '../../processors/bot/index.js';
import { asList, asMap, asText, asTexts, Fields } from '../../processors/bot/fields.js';
import { FILE_BYTES, parseTree, type Tree } from '../../processors/bot/yaml-tree.js';
import { readState, type Reading } from './read-expectations.js';
import { DEFAULT_GIVEN, readGiven, type GivenChange } from './read-given.js';
import { readTurn } from './read-turn.js';
import type { Known } from './known.js';
import type { BotTest } from './types.js';

export interface TestFiles {
  readonly tests: readonly BotTest[];
  /** Paths inside the bot's folder. */
  readonly files: readonly string[];
  readonly faults: readonly Fault[];
}

const MOST_FILES = 500;
const MOST_TESTS = 10_000;
const DEPTH = 3;
/** Inside `tests/`: versions of the bot, no tests. */
export const VERSIONS_FOLDER = 'versions';

/** All tests of a bot's folder, in the order of the files' names. Never throws for what stands in the folder. */
export async function readTests(folder: string, known: Known): Promise<TestFiles> {
  const faults = new Faults();
  const files: string[] = [];
  await collect(folder, 'tests', 0, files, faults);
  const tests: BotTest[] = [];
  for (const file of files.sort()) {
    const text = await readText(folder, file, faults);
    const tree = text === undefined ? undefined : parseTree(file, text, faults);
    if (tree) tests.push(...readFileOf(tree, { faults, known }));
    if (tests.length > MOST_TESTS) { faults.error({ file, line: 1, column: 1 }, `more than ${MOST_TESTS} tests`); break; }
  }
  return { tests, files, faults: [...faults.errors].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line)) };
}

async function collect(folder: string, path: string, depth: number, into: string[], faults: Faults): Promise<void> {
  const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const file = `${path}/${entry.name}`;
    const place = { file, line: 1, column: 1 };
    if (entry.name.startsWith('.') || (depth === 0 && entry.name === VERSIONS_FOLDER)) continue;
    if (entry.isDirectory()) {
      if (depth >= DEPTH) faults.error(place, `folders more than ${DEPTH} deep`);
      else await collect(folder, file, depth + 1, into, faults);
      continue;
    }
    if (!/\.ya?ml$/.test(entry.name)) continue;
    if (!entry.isFile()) { faults.error(place, 'only plain files are read'); continue; }
    if (into.length >= MOST_FILES) { faults.error(place, `more than ${MOST_FILES} files`); return; }
    into.push(file);
  }
}

async function readText(folder: string, file: string, faults: Faults): Promise<string | undefined> {
  const place = { file, line: 1, column: 1 };
  try {
    if ((await lstat(join(folder, file))).size > FILE_BYTES) { faults.error(place, `larger than ${FILE_BYTES / 1024} KiB`); return undefined; }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(join(folder, file)));
  } catch (error) {
    faults.error(place, error instanceof TypeError ? 'the file is not UTF-8' : `the file cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
    return undefined;
  }
}

/** What a file says for all of its tests. */
interface Shared { readonly given: GivenChange; readonly tags: readonly string[] }

/** The tests of one file. */
export function readFileOf(tree: Tree, reading: Reading): BotTest[] {
  const { faults } = reading;
  const map = asMap(tree, 'the file', faults);
  if (!map) return [];
  const fields = new Fields(map, 'the file', faults);
  const given = fields.take('given');
  const shared: Shared = { given: given ? readGiven(given, reading) : {}, tags: readTags(fields, reading) };
  const list = fields.need('tests');
  const items = (list && asList(list, 'tests', faults))?.items ?? [];
  fields.close();
  if (list && items.length === 0) faults.error(list.place, 'there are no tests');
  const names = new Set<string>();
  return items.flatMap((item) => {
    const test = readTest(item, shared, reading);
    if (test && names.has(test.name)) faults.error(test.place, `the name "${test.name}" stands in this file already`);
    if (test) names.add(test.name);
    return test ?? [];
  });
}

const readTags = (fields: Fields, { faults }: Reading): string[] => fields.read<string[]>('tags', [], (tree) => asTexts(tree, 'a tag', faults, 60).map(({ text }) => text));

function readTest(tree: Tree, shared: Shared, reading: Reading): BotTest | undefined {
  const { faults } = reading;
  const map = asMap(tree, 'a test', faults);
  if (!map) return undefined;
  const fields = new Fields(map, 'a test', faults);
  const nameTree = fields.need('name');
  const name = nameTree && asText(nameTree, 'name', faults, 300);
  const tags = [...shared.tags, ...readTags(fields, reading)];
  const skipTree = fields.take('skip');
  const givenTree = fields.take('given');
  const own = givenTree ? readGiven(givenTree, reading) : {};
  const dialogue = fields.need('dialogue');
  const turns = ((dialogue && asList(dialogue, 'dialogue', faults))?.items ?? []).flatMap((item) => readTurn(item, reading) ?? []);
  if (dialogue?.kind === 'list' && dialogue.items.length === 0) faults.error(dialogue.place, 'the dialogue has no turns');
  const end = readEnd(fields, reading);
  fields.close();
  return name === undefined ? undefined : {
    name, place: map.place, tags, turns, end, skip: (skipTree && asText(skipTree, 'skip', faults, 300)) ?? null,
    given: { ...DEFAULT_GIVEN, ...shared.given, ...own, actions: new Map([...shared.given.actions ?? [], ...own.actions ?? []]) },
  };
}

function readEnd(fields: Fields, reading: Reading): BotTest['end'] {
  const tree = fields.take('end');
  const map = tree && asMap(tree, 'end', reading.faults);
  if (!map) return {};
  const state = new Fields(map, 'end', reading.faults);
  const end = readState(state, reading);
  state.close();
  return end;
}
