/**
 * CPU profiles of the processes of a run (`--profile FOLDER`): V8's sampling profiler in each of them, and what its files say
 * about the measured time, by component. Shares are of the samples in which the main thread did something.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../platform/package-root.js';
import { rounded } from './benchmark.js';

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }[];
  /** Microseconds, monotonic. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Microseconds, on the clock of profiles. */
export interface Span { readonly from: number; readonly to: number }

export interface ProfileSummary {
  /** Percent by component, largest first. */
  readonly components: Readonly<Record<string, number>>;
  /** Percent by function, the largest ones. */
  readonly functions: Readonly<Record<string, number>>;
}

const MOST_FUNCTIONS = 25;

let folder: string | undefined;
let count = 0;

/** From now on every Node process of a benchmark leaves a profile there. */
export function profileInto(path: string): void {
  folder = resolve(path);
  mkdirSync(folder, { recursive: true });
}

/** Where the profile of a process that is started now will be; undefined without `--profile`. */
export function newProfile(name: string): string | undefined {
  return folder === undefined ? undefined : join(folder, `${name}-${count += 1}.cpuprofile`);
}

/** Arguments for Node that make a process write it when it ends. */
export function profileArguments(file: string | undefined): string[] {
  return file === undefined ? [] : ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${dirname(file)}`, `--cpu-prof-name=${basename(file)}`];
}

export const profileClock = (): number => Number(process.hrtime.bigint() / 1000n);

/** What processes that have ended did in the measured time, by their names; undefined without `--profile`. */
export function profileSummaries(processes: readonly { readonly name: string; readonly profile: string | undefined }[], span: Span): Record<string, ProfileSummary> | undefined {
  if (folder === undefined) return undefined;
  return Object.fromEntries(processes.flatMap(({ name, profile }) => (
    profile !== undefined && existsSync(profile) ? [[name, summarise(JSON.parse(readFileSync(profile, 'utf8')) as Profile, span)]] : [])));
}

export function summarise(profile: Profile, span: Span): ProfileSummary {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const components = new Map<string, number>();
  const functions = new Map<string, number>();
  let at = profile.startTime;
  let busy = 0;
  profile.samples.forEach((sample, index) => {
    at += profile.timeDeltas[index] ?? 0;
    const frame = nodes.get(sample);
    if (frame === undefined || at < span.from || at > span.to || frame.functionName === '(idle)') return;
    const micros = profile.timeDeltas[index + 1] ?? 0;
    const component = componentOf(frame);
    const name = frame.url === '' && frame.functionName.startsWith('(') ? frame.functionName : `${frame.functionName === '' ? 'anonymous' : frame.functionName} (${component})`;
    busy += micros;
    components.set(component, (components.get(component) ?? 0) + micros);
    functions.set(name, (functions.get(name) ?? 0) + micros);
  });
  const percent = (found: ReadonlyMap<string, number>, most: number): Record<string, number> => Object.fromEntries([...found].sort(([, a], [, b]) => b - a).slice(0, most)
    .map(([name, micros]) => [name, rounded(micros * 100 / Math.max(1, busy), 1)]));
  return { components: percent(components, Infinity), functions: percent(functions, MOST_FUNCTIONS) };
}

const DIST = join(realpathSync(packageRoot()), 'dist');

/** Where a function belongs: a folder of ours, a package, Node itself, or what the engine does by itself. */
export function componentOf({ url, functionName, lineNumber }: { readonly url: string; readonly functionName: string; readonly lineNumber: number }): string {
  if (url === '' && functionName.startsWith('(')) return functionName.slice(1, -1);
  // Functions made from text (avsc, ajv) have lines; those of the engine and of Node's core have none.
  if (url === '') return lineNumber < 0 ? 'native' : 'generated code';
  if (url.startsWith('node:')) return 'node';
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  const library = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1];
  if (library !== undefined) return library;
  const ours = path.startsWith(`${DIST}/`) ? path.slice(DIST.length + 1) : path;
  const parts = ours.split('/');
  return parts.length === 1 ? ours : parts.slice(0, Math.min(3, parts.length - 1)).join('/');
}
