/**
 * A folder of labelled texts: `train.tsv` and `test.tsv`, optional `val.tsv` and `oos_*.tsv`; a line is `text<TAB>label`, UTF-8.
 * The labels `oos`, `None` and `NO_NODES_DETECTED`, and every text of an `oos_*` file, are out of scope: null here.
 */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfabError, type FieldError } from '../../platform/errors.js';

export interface LabelledText { readonly text: string; readonly label: string | null }

export interface Dataset {
  readonly train: readonly LabelledText[];
  readonly validation: readonly LabelledText[];
  readonly test: readonly LabelledText[];
  /** Texts of test files that are out of scope, by where they come from. */
  readonly outOfScope: ReadonlyMap<string, readonly string[]>;
  readonly files: readonly string[];
}

const OUT_OF_SCOPE = new Set(['oos', 'None', 'NO_NODES_DETECTED']);
const FILE_BYTES = 64 * 1024 * 1024;
const MOST_LINES = 1_000_000;
const MOST_CHARACTERS = 8192;
const LABEL_CHARACTERS = 200;
const MOST_FAULTS = 20;

/** @throws CONFAB_DATASET_INVALID with an entry `file:line` for each fault */
export async function readDataset(folder: string): Promise<Dataset> {
  const faults: FieldError[] = [];
  const names = (await readdir(folder).catch((error: NodeJS.ErrnoException) => { throw invalid([{ pointer: '.', detail: `the folder cannot be read: ${error.code ?? 'unknown'}` }]); })).sort();
  for (const needed of ['train.tsv', 'test.tsv']) if (!names.includes(needed)) faults.push({ pointer: needed, detail: 'the file is missing' });
  if (faults.length > 0) throw invalid(faults);
  const files = names.filter((name) => /^(?:train|val|test|oos_[A-Za-z0-9_-]+)\.tsv$/.test(name));
  const read = new Map<string, readonly LabelledText[]>();
  for (const name of files) read.set(name, await readFileOf(folder, name, faults));
  if (faults.length > 0) throw invalid(faults);
  const of = (name: string): readonly LabelledText[] => read.get(name) ?? [];
  const outside = (split: (name: string) => boolean): LabelledText[] => files.filter((name) => name.startsWith('oos_') && split(name)).flatMap((name) => of(name).map(({ text }) => ({ text, label: null })));
  const isTrain = (name: string): boolean => name.includes('train');
  const isValidation = (name: string): boolean => !isTrain(name) && /val|dev/.test(name);
  const test = of('test.tsv');
  const outOfScope = new Map([['test.tsv', test.filter(({ label }) => label === null).map(({ text }) => text)], ...files.filter((name) => name.startsWith('oos_') && !isTrain(name) && !isValidation(name)).map((name) => [name, of(name).map(({ text }) => text)] as const)]);
  const dataset: Dataset = {
    // A text of nothing teaches nothing; in a test it is a message like others.
    train: [...of('train.tsv'), ...outside(isTrain)].filter(({ text }) => text !== ''), validation: [...of('val.tsv'), ...outside(isValidation)], test: test.filter(({ label }) => label !== null),
    outOfScope: new Map([...outOfScope].filter(([, texts]) => texts.length > 0)), files,
  };
  if (!dataset.train.some(({ label }) => label !== null)) throw invalid([{ pointer: 'train.tsv', detail: 'no text belongs to an intent' }]);
  if (dataset.test.length === 0) throw invalid([{ pointer: 'test.tsv', detail: 'no text belongs to an intent' }]);
  return dataset;
}

async function readFileOf(folder: string, name: string, faults: FieldError[]): Promise<LabelledText[]> {
  const fault = (line: number, detail: string): void => { if (faults.length <= MOST_FAULTS) faults.push({ pointer: line === 0 ? name : `${name}:${line}`, detail }); };
  const texts: LabelledText[] = [];
  const whole = await readWhole(folder, name, fault);
  if (whole === undefined) return texts;
  const lines = whole.replace(/^\ufeff/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > MOST_LINES) { fault(0, `more than ${MOST_LINES} lines`); return texts; }
  if (lines.length === 0) fault(0, 'the file is empty');
  lines.forEach((line, at) => {
    const one = parseLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (typeof one === 'string') fault(at + 1, one); else texts.push(one);
  });
  return texts;
}

async function readWhole(folder: string, name: string, fault: (line: number, detail: string) => void): Promise<string | undefined> {
  try {
    const found = await lstat(join(folder, name));
    if (!found.isFile()) { fault(0, 'only plain files are read'); return undefined; }
    if (found.size > FILE_BYTES) { fault(0, `larger than ${FILE_BYTES / 1024 / 1024} MiB`); return undefined; }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(join(folder, name)));
  } catch (error) {
    fault(0, error instanceof TypeError ? 'the file is not UTF-8' : `the file cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
    return undefined;
  }
}

/** The text and its label, or what is wrong with the line. */
function parseLine(line: string): LabelledText | string {
  const tab = line.indexOf('\t');
  if (tab < 0) return line.trim() === '' ? 'the line is empty' : 'there is no tab between text and label';
  const [text, label] = [line.slice(0, tab).trim(), line.slice(tab + 1).trim()];
  if (label.includes('\t')) return 'there is more than one tab';
  if (label === '') return 'there is no label behind the tab';
  if (text.length > MOST_CHARACTERS) return `the text is longer than ${MOST_CHARACTERS} characters`;
  if (label.length > LABEL_CHARACTERS) return `the label is longer than ${LABEL_CHARACTERS} characters`;
  return { text, label: OUT_OF_SCOPE.has(label) ? null : label };
}

function invalid(faults: readonly FieldError[]): ConfabError {
  const [first] = faults;
  const shown = faults.slice(0, MOST_FAULTS);
  return new ConfabError('CONFAB_DATASET_INVALID', {
    detail: first === undefined ? '' : `${first.pointer}: ${first.detail}${faults.length > 1 ? ` (and ${faults.length > MOST_FAULTS ? 'many' : faults.length - 1} more)` : ''}`,
    errors: shown.map(({ pointer, detail }) => ({ pointer, detail: `${pointer}: ${detail}` })),
  });
}
