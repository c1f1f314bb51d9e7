/** `confab topology check | describe | graph | plan | apply`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { applyTopology } from '../topology/apply.js';
import { checkAll } from '../topology/check.js';
import type { Topology } from '../topology/define.js';
import { describeTopology } from '../topology/describe.js';
import { dot, mermaid } from '../topology/graph.js';
import { planText, stepLines } from '../topology/plan-text.js';
import { planTopology, type PlanInputs, type TopologyPlan } from '../topology/plan.js';
import type { TopologySettings } from '../topology/topic-config.js';

export interface TopologyCommandDependencies {
  readonly topology: Topology;
  /** Called when a subcommand needs them, so that `--help` works with a wrong configuration. */
  settings(): TopologySettings;
  /** Opened by `plan` and `apply` only; the command closes it. */
  openLog(): Promise<EventLog>;
  write(text: string): void;
  /** Sets the exit code of the process. Errors are thrown, not reported here. */
  exitCode(code: number): void;
}

interface PlanFlags { allow: string[]; json?: boolean; exitCode?: boolean; out?: string }
interface ApplyFlags { allow: string[]; json?: boolean; plan?: string }

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];
const allowOption = (): Option => new Option('--allow <change>', 'allow one refused change, as the plan names it; may be repeated').argParser(collect).default([], 'none');

const example = (...lines: readonly string[]): string => `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}`).join('\n')}`;

export function topologyCommand(dependencies: TopologyCommandDependencies): Command {
  const { topology } = dependencies;
  const write = (text: string): void => { dependencies.write(text); };
  const command = new Command('topology').description('the declared topics and stages: check, show, compare with the log, apply');
  command.command('check').description('check the declaration and its schemas; needs no log').option('--json', 'print JSON').addHelpText('after', example('confab topology check')).action((flags: { json?: boolean }) => {
    const result = checkAll(topology);
    write(flags.json ? `${JSON.stringify(result)}\n` : `${result.topics} topics, ${result.stages} stages, ${result.edges} edges, ${result.schemaVersions} schema versions: ok\n`);
  });
  command.command('describe').description('print every topic, stage and edge').addHelpText('after', example('CONFAB_PARTITIONS=48 confab topology describe')).action(() => { write(describeTopology(topology, dependencies.settings())); });
  command.command('graph').description('print the picture').addOption(new Option('--format <format>', 'how').choices(['mermaid', 'dot']).default('mermaid'))
    .addHelpText('after', example('confab topology graph > topology.mmd', 'confab topology graph --format dot | dot -Tsvg > topology.svg'))
    .action((flags: { format: 'mermaid' | 'dot' }) => { write(flags.format === 'dot' ? dot(topology) : mermaid(topology)); });
  command.command('plan').description('print what apply would change on the log').addOption(allowOption())
    .option('--json', 'print JSON').option('--exit-code', 'exit with 2 when there is something to change').option('--out <file>', 'write the plan to a file for apply --plan')
    .addHelpText('after', `${example('confab topology plan', 'confab topology plan --exit-code --out plan.json', 'confab topology plan --allow add-partitions:messages.v1')}\n\nExit codes: 0 done, 1 failed, 2 with --exit-code when something would change, 64 wrong command line.`)
    .action((flags: PlanFlags) => plan(dependencies, flags));
  command.command('apply').description('create and change what the plan says').addOption(allowOption())
    .option('--json', 'print JSON').option('--plan <file>', 'apply this plan, made by plan --out, and no other')
    .addHelpText('after', example('confab topology apply', 'confab topology apply --plan plan.json'))
    .action((flags: ApplyFlags) => apply(dependencies, flags));
  return command;
}

async function withInputs<R>(dependencies: TopologyCommandDependencies, allow: readonly string[], run: (inputs: PlanInputs) => Promise<R>): Promise<R> {
  const { topology } = dependencies;
  checkAll(topology);
  const settings = dependencies.settings();
  const log = await dependencies.openLog();
  try {
    return await run({ topology, settings, admin: log.admin, allow, ...(log.acls === undefined ? {} : { acls: log.acls }) });
  } finally {
    await log.close();
  }
}

async function plan(dependencies: TopologyCommandDependencies, flags: PlanFlags): Promise<void> {
  const made = await withInputs(dependencies, flags.allow, planTopology);
  const file = { ...made, allow: flags.allow };
  if (flags.out !== undefined) writePlan(flags.out, file);
  dependencies.write(flags.json ? `${JSON.stringify(file)}\n` : planText(made));
  if (flags.exitCode && made.steps.length + made.refused.length > 0) dependencies.exitCode(2);
}

async function apply(dependencies: TopologyCommandDependencies, flags: ApplyFlags): Promise<void> {
  const given = flags.plan === undefined ? undefined : readPlan(flags.plan);
  await withInputs(dependencies, given?.allow ?? flags.allow, async (inputs) => {
    const chosen = given ?? await planTopology(inputs);
    // What a file holds beyond the form of a plan is only compared, never shown.
    if (!flags.json && given === undefined && chosen.refused.length > 0) dependencies.write(planText(chosen));
    const { done } = await applyTopology(chosen, inputs, (step) => { if (!flags.json) dependencies.write(`${stepLines(step).join('\n')}\n`); });
    dependencies.write(flags.json ? `${JSON.stringify({ done })}\n` : `\n${done.length} done, ${chosen.unchanged} were as declared\n`);
  });
}

function writePlan(path: string, plan: TopologyPlan & { allow: string[] }): void {
  try {
    writeFileSync(path, `${JSON.stringify(plan, null, 2)}\n`);
  } catch (cause) {
    throw new ConfabError('CONFAB_USAGE', { detail: `--out: "${path}" cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}).`, cause });
  }
}

function readPlan(file: string): TopologyPlan & { allow: string[] } {
  let found: Partial<TopologyPlan & { allow: string[] }> | null;
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) as Partial<TopologyPlan & { allow: string[] }> | null;
  } catch (cause) {
    throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `${file} cannot be read as a plan.`, cause });
  }
  const texts = (list: unknown): boolean => Array.isArray(list) && list.every((one) => typeof one === 'string');
  const refusals = (list: unknown): boolean => Array.isArray(list) && list.every((one: Partial<TopologyPlan['refused'][number]> | null) => texts([one?.topic, one?.change, one?.allow ?? '']));
  if (found?.version !== 1 || !Array.isArray(found.steps) || !refusals(found.refused) || !texts(found.allow)) {
    throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `${file} is not a plan of version 1.` });
  }
  return found as TopologyPlan & { allow: string[] };
}
