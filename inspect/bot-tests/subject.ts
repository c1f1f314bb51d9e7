/** What is tested: a bot's folder, and its versions for tests, which are files laid over it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkFiles, Faults, readBotFiles, type Bot, type BotCheck, type BotFile, type Fault } from '../../processors/bot/index.js';
import { VERSIONS_FOLDER } from './read-tests.js';
import { CURRENT } from './types.js';

export interface Subject {
  readonly folder: string;
  /** By name; `current` is the bot as it is. Empty where there are faults. */
  readonly versions: ReadonlyMap<string, Bot>;
  readonly current: BotCheck;
  readonly faults: readonly Fault[];
}

/** Never throws for what stands in the folder. */
export async function readSubject(folder: string): Promise<Subject> {
  const faults = new Faults();
  const files = await readBotFiles(folder, faults);
  const current = checkFiles(files, faults);
  const versions = new Map<string, Bot>();
  const all = [...current.faults];
  if (current.bot) versions.set(CURRENT, current.bot);
  const path = `tests/${VERSIONS_FOLDER}`;
  for (const name of all.length > 0 ? [] : await foldersOf(join(folder, path))) {
    const own = new Faults();
    const laidOver = await readBotFiles(join(folder, path, name), own);
    const check = checkFiles(merged(files, laidOver), own);
    const inside = (file: string): string => (laidOver.some((one) => one.file === file) ? `${path}/${name}/${file}` : file);
    all.push(...check.faults.map((fault) => ({ ...fault, file: inside(fault.file), reason: `${fault.reason} (version "${name}")` })));
    if (name === CURRENT) all.push({ file: `${path}/${name}`, line: 1, column: 1, reason: `"${CURRENT}" is the bot as it is` });
    else if (check.bot && check.bot.id !== current.bot?.id) all.push({ file: `${path}/${name}/bot.yaml`, line: 1, column: 1, reason: 'a version has the id of its bot' });
    else if (check.bot) versions.set(name, check.bot);
  }
  return { folder, versions: all.length > 0 ? new Map() : versions, current, faults: all };
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name).sort();
}

function merged(files: readonly BotFile[], over: readonly BotFile[]): BotFile[] {
  const named = new Set(over.map(({ file }) => file));
  return [...files.filter(({ file }) => !named.has(file)), ...over];
}
