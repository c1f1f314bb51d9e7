/**
 * A bot's folder to a Bot. The only part that reads files; the stages get plain data. A folder is untrusted: links that
 * lead out of it, too many or too large files and everything the checks find give faults, never anything but a coded error.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ConfabError } from '../../platform/errors.js';
import { compileBot, type ParsedFile } from './compile.js';
import { Faults, shown } from './faults.js';
import { compileKnowledge, isKnowledge, KNOWLEDGE_FOLDER } from './knowledge.js';
import { Sources } from './sources.js';
import type { Bot, Fault, KnowledgeDefinition } from './types.js';
import { FILE_BYTES, parseTree } from './yaml-tree.js';

const MOST_FILES = 500;
const TOTAL_BYTES = 8 * 1024 * 1024;
const DEPTH = 4;
/** Folders at the top of a bot that are not the bot: its tests do not change its version. */
const BESIDE = new Set(['tests']);

export interface BotCheck {
  /** Undefined when there are faults. */
  readonly bot: Bot | undefined;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  /** Whole only where there are no faults. */
  readonly sources: Sources;
}

/** A file of a bot, by its path inside the folder. */
export interface BotFile { readonly file: string; readonly bytes: Uint8Array }

/** Everything that is wrong or doubtful with a bot; never throws for what stands in the folder. */
export async function checkBot(folder: string): Promise<BotCheck> {
  const faults = new Faults();
  const files = await readBotFiles(folder, faults);
  return faults.errors.length > 0 && files.length === 0 ? { bot: undefined, faults: faults.errors, warnings: [], sources: new Sources() } : checkFiles(files, faults);
}

/** The files that make a bot; what may not be read becomes a fault. */
export async function readBotFiles(folder: string, faults: Faults): Promise<BotFile[]> {
  const files: BotFile[] = [];
  try {
    await collect(folder, '', 0, files, faults);
  } catch (error) {
    faults.error({ file: '.', line: 1, column: 1 }, `the folder cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
  }
  return files;
}

/** The same for files that are in hand. */
export function checkFiles(files: readonly BotFile[], faults = new Faults()): BotCheck {
  const parsed: ParsedFile[] = [];
  const sources = new Sources();
  const sorted = [...files].sort((a, b) => a.file < b.file ? -1 : 1);
  const knowledge: KnowledgeDefinition[] = [];
  checkSizes(sorted, faults);
  for (const { file, bytes } of sorted) {
    if (!isFileName(file)) { faults.error({ file: shown(JSON.stringify(file)), line: 1, column: 1 }, 'the path of a file inside the bot is letters, digits and ".", "_", "-" or blanks, in folders separated by "/"'); continue; }
    const text = decode(file, bytes, faults);
    if (isKnowledge(file)) {
      const found = text === undefined ? undefined : compileKnowledge(file, text, faults);
      if (found) knowledge.push(found);
      continue;
    }
    const tree = text === undefined ? undefined : parseTree(file, text, faults);
    if (tree) parsed.push({ file, tree });
  }
  const head = parsed.find((one) => one.file === 'bot.yaml');
  if (!head && !sorted.some((one) => one.file === 'bot.yaml')) faults.error({ file: 'bot.yaml', line: 1, column: 1 }, 'the folder has no bot.yaml');
  const compiled = head && compileBot(head, parsed.filter((one) => one !== head), versionOf(sorted), faults, sources);
  const bot = compiled && { ...compiled, knowledge };
  return { bot: faults.errors.length === 0 ? bot : undefined, faults: faults.errors, warnings: faults.warnings, sources };
}

/** Files that come packed were not counted while they were read from a folder. */
function checkSizes(files: readonly BotFile[], faults: Faults): void {
  const place = { file: '.', line: 1, column: 1 };
  if (files.length > MOST_FILES) faults.error(place, `more than ${MOST_FILES} files`);
  if (files.reduce((sum, one) => sum + one.bytes.length, 0) > TOTAL_BYTES) faults.error(place, `the bot is larger than ${TOTAL_BYTES / 1024 / 1024} MiB`);
  files.forEach(({ file }, at) => { if (files[at - 1]?.file === file) faults.error({ ...place, file: shown(file) }, 'the file stands twice'); });
}

/** @throws CONFAB_BOT_INVALID with an entry for each fault, `pointer` = `file:line:column` */
export async function loadBot(folder: string): Promise<Bot> {
  const { bot, faults } = await checkBot(folder);
  if (bot) return bot;
  throw invalid(faults);
}

/**
 * All bots of a folder, by id.
 * @throws CONFAB_BOT_INVALID with the faults of all of them; a folder without bots is one
 */
export async function loadBots(folder: string): Promise<Bot[]> {
  let names: string[];
  try {
    names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name).sort();
  } catch (cause) {
    throw new ConfabError('CONFAB_BOT_INVALID', { detail: `The folder of bots cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}.`, cause });
  }
  const checks = await Promise.all(names.map(async (name) => ({ name, check: await checkBot(join(folder, name)) })));
  const faults = checks.flatMap(({ name, check }) => check.faults.map((fault) => ({ ...fault, file: `${name}/${fault.file}` })));
  const bots = checks.flatMap(({ check }) => check.bot ?? []);
  checks.forEach(({ name, check }, index) => {
    const first = checks.findIndex((other) => other.check.bot !== undefined && other.check.bot.id === check.bot?.id);
    if (check.bot && first < index) faults.push({ file: `${name}/bot.yaml`, line: 1, column: 1, reason: `${checks[first]?.name ?? ''} has the id "${check.bot.id}" too` });
  });
  if (faults.length > 0) throw invalid(faults);
  if (bots.length === 0) throw new ConfabError('CONFAB_BOT_INVALID', { detail: 'The folder of bots holds no bot.' });
  return bots;
}

function invalid(faults: readonly Fault[]): ConfabError {
  const first = faults[0];
  const where = first ? `${first.file}:${first.line}:${first.column}: ${first.reason}` : '';
  return new ConfabError('CONFAB_BOT_INVALID', {
    detail: faults.length > 1 ? `${where} (and ${faults.length - 1} more)` : where,
    errors: faults.map((fault) => ({ pointer: `${fault.file}:${fault.line}:${fault.column}`, detail: fault.reason })),
  });
}

async function collect(root: string, path: string, depth: number, into: BotFile[], faults: Faults): Promise<void> {
  for (const entry of await readdir(join(root, path), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const file = path === '' ? entry.name : `${path}/${entry.name}`;
    const place = { file, line: 1, column: 1 };
    const wanted = file.startsWith(`${KNOWLEDGE_FOLDER}/`) ? isKnowledge(file) : /\.ya?ml$/.test(entry.name);
    if (entry.isDirectory()) {
      if (depth === 0 && BESIDE.has(entry.name)) continue;
      if (depth >= DEPTH) faults.error(place, `folders more than ${DEPTH} deep`);
      else await collect(root, file, depth + 1, into, faults);
      continue;
    }
    if (!wanted) continue;
    // A mounted ConfigMap consists of links, so they are followed, but never out of the folder.
    if (entry.isSymbolicLink() && !await inside(root, file)) { faults.error(place, 'a link that leads out of the folder'); continue; }
    if (!isFileName(file)) { faults.error(place, 'the name of a file is letters, digits and ".", "_", "-" or blanks'); continue; }
    if (into.length >= MOST_FILES) { faults.error(place, `more than ${MOST_FILES} files`); return; }
    const bytes = await readBounded(join(root, file));
    if (typeof bytes === 'string') { faults.error(place, bytes); continue; }
    if (into.reduce((sum, one) => sum + one.bytes.length, bytes.length) > TOTAL_BYTES) { faults.error(place, `the bot is larger than ${TOTAL_BYTES / 1024 / 1024} MiB`); return; }
    into.push({ file, bytes });
  }
}

/** The file's bytes, or why they are not read. Of what another process puts in its place meanwhile no more is read either. */
async function readBounded(path: string): Promise<Uint8Array | string> {
  // Without O_NONBLOCK a pipe would be waited for.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown');
  if (typeof handle === 'string') return `cannot be read: ${handle}`;
  try {
    const found = await handle.stat();
    if (!found.isFile()) return 'no ordinary file';
    if (found.size > FILE_BYTES) return `larger than ${FILE_BYTES / 1024} KiB`;
    const bytes = Buffer.alloc(FILE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) read = (await handle.read(bytes, length, bytes.length - length, length)).bytesRead;
    return length > FILE_BYTES ? `larger than ${FILE_BYTES / 1024} KiB` : Uint8Array.from(bytes.subarray(0, length));
  } finally {
    await handle.close();
  }
}

async function inside(root: string, file: string): Promise<boolean> {
  try {
    return (await realpath(join(root, file))).startsWith(`${await realpath(root)}${sep}`);
  } catch {
    return false;
  }
}

function decode(file: string, bytes: Uint8Array, faults: Faults): string | undefined {
  if (bytes.length > FILE_BYTES) { faults.error({ file, line: 1, column: 1 }, `larger than ${FILE_BYTES / 1024} KiB`); return undefined; }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    faults.error({ file, line: 1, column: 1 }, 'the file is not UTF-8');
    return undefined;
  }
}

const NAME = /^[\p{L}\p{N}_-][\p{L}\p{M}\p{N}._ -]{0,99}$/u;

/** A path that stays inside and shows what it is: files also come packed, from the log. */
function isFileName(file: string): boolean {
  const parts = file.split('/');
  return parts.length <= DEPTH + 1 && parts.every((part) => NAME.test(part));
}

/** Hash of names and contents: the same folder has the same version everywhere. */
function versionOf(files: readonly BotFile[]): string {
  const hash = createHash('sha256');
  for (const { file, bytes } of files) hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex').slice(0, 16);
}
