import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELP, readOptions, UsageError } from './options.js';
import { KINDS } from './plan.js';

const read = (...args: string[]): ReturnType<typeof readOptions> => readOptions(args, () => 42);

test('without arguments: a minute of everything, with a seed that is drawn', () => {
  const options = read();
  assert.equal(options?.minutes, 1);
  assert.equal(options?.seed, 42);
  assert.deepEqual([...options?.kinds ?? []].sort(), [...KINDS].sort());
});

test('what is given counts', () => {
  const options = read('--minutes', '0.5', '--seed', '7', '--faults', 'kill, net-cut', '--rate', '10', '--processes', '3', '--keep');
  assert.deepEqual({ ...options, kinds: [...options?.kinds ?? []] }, { minutes: 0.5, seed: 7, kinds: ['kill', 'net-cut'], rate: 10, conversations: 300, partitions: 12, processes: 3, keep: true });
  assert.equal(read('--faults', 'none')?.kinds.size, 0);
});

for (const [args, says] of [
  [['--minutes', 'five'], /--minutes is a number from 0.1 to .*"five"/],
  [['--minutes=-1'], /--minutes is a number/],
  [['--seed', '1.5'], /--seed is a whole number/],
  [['--rate', '0'], /--rate is a whole number from 1/],
  [['--processes', '1'], /--processes is a whole number from 2/],
  [['--faults', 'kill,flood'], /no fault "flood"; there are kill, roll/],
  [['--faults', ''], /no fault ""/],
  [['--speed', '2'], /--speed/],
  [['five'], /five/],
] as const) {
  test(`${args.join(' ')} is refused in one line`, () => {
    assert.throws(() => read(...args), (error: unknown) => error instanceof UsageError && says.test(error.message) && !error.message.includes('\n'));
  });
}

test('--help names every kind of fault', () => {
  assert.equal(read('--help'), undefined);
  for (const kind of KINDS) assert.match(HELP, new RegExp(`^  ${kind} +\\S`, 'm'));
});
