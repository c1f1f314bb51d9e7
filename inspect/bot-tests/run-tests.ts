/** Runs the tests of one bot, one after the other: each with a log, a clock and a conversation of its own. */
import type { Bot, Fault, Place } from '../../processors/bot/index.js';
import { fileModelCache } from '../../processors/model-cache.js';
import { responsesOf } from './bubbles.js';
import { compareState, compareTurn, type Difference } from './compare.js';
import { CannotPlay, TestConversation, type Observed } from './conversation.js';
import { Coverage, type CoveredStep } from './coverage.js';
import { Known } from './known.js';
import { readTests } from './read-tests.js';
import { TestStages } from './stages.js';
import type { Subject } from './subject.js';
import { CURRENT, type BotTest } from './types.js';

export interface TestFailure {
  /** The turn, from 1; one more than there are for the end. */
  readonly turn: number;
  readonly place: Place;
  /** `user: hello`; `end`. */
  readonly says: string;
  readonly differences: readonly Difference[];
  /** Why the turn could not be played. */
  readonly fault: string | null;
  /** What had been said up to there, as lines `> user` and `< bot`. */
  readonly transcript: readonly string[];
}

export interface TestOutcome {
  readonly test: BotTest;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly failures: readonly TestFailure[];
  readonly turns: number;
}

export interface TestRun {
  readonly faults: readonly Fault[];
  readonly files: readonly string[];
  readonly outcomes: readonly TestOutcome[];
  readonly coverage: readonly CoveredStep[];
}

export interface RunOptions {
  /** Where trained models are kept. */
  readonly modelsFolder: string;
  /** Tests of which name, file or a tag holds this text. */
  readonly only?: string;
  readonly onOutcome?: (outcome: TestOutcome) => void;
}

/** Nothing is run where a file has a fault. */
export async function runTests(subject: Subject, options: RunOptions): Promise<TestRun> {
  const current = subject.versions.get(CURRENT);
  if (current === undefined) return { faults: subject.faults, files: [], outcomes: [], coverage: [] };
  const { tests, files, faults } = await readTests(subject.folder, new Known(subject.versions));
  if (faults.length > 0) return { faults, files, outcomes: [], coverage: [] };
  const coverage = new Coverage(current, subject.current.sources);
  const stages = new TestStages(subject.versions, fileModelCache(options.modelsFolder), coverage);
  const wanted = tests.filter((test) => options.only === undefined || isNamed(test, options.only));
  const outcomes: TestOutcome[] = [];
  for (const test of wanted) {
    const outcome: TestOutcome = test.skip === null ? await runTest(test, stages, [...subject.versions.values()]) : { test, status: 'skipped', failures: [], turns: 0 };
    outcomes.push(outcome);
    options.onOutcome?.(outcome);
  }
  return { faults: [], files, outcomes, coverage: coverage.steps() };
}

function isNamed({ name, tags, place }: BotTest, text: string): boolean {
  return [name, place.file, ...tags].some((one) => one.toLowerCase().includes(text.toLowerCase()));
}

async function runTest(test: BotTest, stages: TestStages, bots: readonly Bot[]): Promise<TestOutcome> {
  const ways = { responses: responsesOf(bots), versionName: (version: string) => stages.nameOf(version) };
  const conversation = await TestConversation.open(stages, test.given);
  const failures: TestFailure[] = [];
  const transcript: string[] = [];
  let turns = 0;
  let observed: Observed | undefined;
  try {
    for (const { place, input, says, expects } of test.turns) {
      turns += 1;
      transcript.push(`> ${says}`);
      observed = await conversation.play(input);
      transcript.push(...observed.answers.flatMap(linesOf));
      const differences = compareTurn(expects, observed, ways);
      if (differences.length > 0) failures.push({ turn: turns, place, says, differences, fault: null, transcript: [...transcript] });
    }
    const differences = observed === undefined ? [] : compareState(test.end, observed, ways);
    if (differences.length > 0) failures.push({ turn: turns + 1, place: test.place, says: 'end', differences, fault: null, transcript });
  } catch (error) {
    if (!(error instanceof CannotPlay)) throw error;
    const turn = test.turns[turns - 1];
    failures.push({ turn: turns, place: turn?.place ?? test.place, says: turn?.says ?? '', differences: [], fault: error.message, transcript });
  } finally {
    await conversation.close();
  }
  return { test, status: failures.length > 0 ? 'failed' : 'passed', failures, turns };
}

function linesOf({ outcome, reply, fault }: Observed['answers'][number]): string[] {
  const said = reply?.parts.map(({ text }) => `< ${typeof text === 'string' ? text : ''}`) ?? [];
  return said.length > 0 ? said : [`< (${outcome}${fault === null ? '' : `: ${fault}`})`];
}
