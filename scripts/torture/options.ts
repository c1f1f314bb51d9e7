/** The command line of the torture. */
import { parseArgs } from 'node:util';
import { ABOUT, KINDS } from './plan.js';

export interface TortureOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly kinds: ReadonlySet<string>;
  readonly rate: number;
  readonly conversations: number;
  readonly partitions: number;
  readonly processes: number;
  readonly keep: boolean;
}

/** Told in one line, without a stack. */
export class UsageError extends Error {}

export const HELP = `npm run torture -- [--minutes M] [--seed S] [--faults KIND,…] [--rate R] [--conversations N] [--partitions P] [--processes N] [--keep]

Starts an installation of its own (three Kafka brokers, Redis, several processes of each role, proxies between them), sends
traffic, hurts it for M minutes, waits until all is answered, and judges by \`confab audit\` and by what the traffic was promised.
The last line is JSON. Exit codes: 0 nothing lost, duplicated or reordered and all answered, 1 not so, 64 wrong command line.

  --minutes M         minutes of faults, from 0.1 (1)
  --seed S            draws faults and traffic; printed, so that a run can be repeated (random)
  --faults KIND,…     only these kinds; "none" for none (all)
  --rate R            messages a second, whether or not they are answered (60)
  --conversations N   (300)
  --partitions P      of the topics (12)
  --processes N       of each role, from 2 (2)
  --keep              keep data and logs of a good run too

Kinds of faults:
${KINDS.map((kind) => `  ${kind.padEnd(14)} ${ABOUT[kind]}`).join('\n')}`;

type NumberName = 'minutes' | 'seed' | 'rate' | 'conversations' | 'partitions' | 'processes';

/** @throws UsageError; gives undefined for --help */
export function readOptions(args: readonly string[], anySeed: () => number): TortureOptions | undefined {
  const { values } = parse(args);
  if (values.help) return undefined;
  const number = (name: NumberName, fallback: number, [least, most]: readonly [number, number], whole = true): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > most || (whole && !Number.isInteger(value))) throw new UsageError(`--${name} is a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not "${text}"`);
    return value;
  };
  return {
    minutes: number('minutes', 1, [0.1, 10_000], false), seed: number('seed', anySeed(), [0, 2 ** 31 - 1]), kinds: kindsOf(values.faults),
    rate: number('rate', 60, [1, 100_000]), conversations: number('conversations', 300, [1, 9_000]), partitions: number('partitions', 12, [1, 500]),
    processes: number('processes', 2, [2, 20]), keep: values.keep,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: {
      minutes: { type: 'string' }, seed: { type: 'string' }, faults: { type: 'string' }, rate: { type: 'string' }, conversations: { type: 'string' },
      partitions: { type: 'string' }, processes: { type: 'string' }, keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    } });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function kindsOf(list: string | undefined): ReadonlySet<string> {
  if (list === undefined) return new Set(KINDS);
  if (list === 'none') return new Set();
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(KINDS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no fault "${unknown}"; there are ${KINDS.join(', ')}`);
  return new Set(names);
}
