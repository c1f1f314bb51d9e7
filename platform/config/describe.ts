/** Settings as text: those of a process with secrets masked, and the reference in docs/config.md. */
import type { Config } from './rules.js';
import type { Setting } from './setting.js';
import { sectionTitles, settings, type SectionName } from './settings.js';

export interface DescribedSetting {
  readonly name: string;
  /** Masked for secrets; undefined when there is none. */
  readonly value: string | undefined;
  /** True when the environment does not give it. */
  readonly isDefault: boolean;
}

/** Every setting with its value; secrets are masked. */
export function describeConfig(config: Config): DescribedSetting[] {
  return (Object.keys(settings) as SectionName[]).flatMap((section) => Object.entries(settings[section] as Record<string, Setting<unknown>>).map(([key, one]) => {
    const value = (config[section] as Readonly<Record<string, unknown>>)[key];
    return { name: one.name, value: value === undefined ? undefined : one.kind.format(value), isDefault: !config.given.has(one.name) };
  }));
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => `\`${text}\``;

function defaultOf(one: Setting<unknown>): string {
  if (one.defaultText !== undefined) return one.defaultText;
  if (one.default === undefined) return 'none';
  const text = one.kind.format(one.default);
  return text === '' ? 'empty' : code(text);
}

function row(one: Setting<unknown>): string {
  const name = one.secret ? `${code(one.name)}, ${code(`${one.name}_FILE`)}` : code(one.name);
  const form = `${one.kind.form}${one.secret ? '; secret' : ''}`;
  const example = one.example === undefined ? '' : ` Example: ${code(one.example)}.`;
  return `| ${name} | ${cell(form)} | ${cell(defaultOf(one))} | ${cell(`${one.doc}${example}`)} |`;
}

/** The text of docs/config.md. */
export function configReference(): string {
  const sections = (Object.keys(settings) as SectionName[]).map((section) => [
    `## ${sectionTitles[section]}`, '',
    '| setting | form | default | meaning |', '| --- | --- | --- | --- |',
    ...Object.values(settings[section] as Record<string, Setting<unknown>>).map(row), '',
  ].join('\n'));
  return `<!-- Made by \`npm run generate\` from platform/config/settings*.ts: do not edit. -->
# Settings

Settings are environment variables. They are checked together before anything connects; every fault is named at once, and
\`confab config\` shows what a process would use. An empty value counts as not set. A name that begins with \`CONFAB_\` and is not
known is refused with the nearest known one (\`CONFAB_TEST_…\` and \`CONFAB_BENCH_…\` belong to tests and benchmarks).
A secret may come as \`NAME_FILE\`, the path of a file that holds it; secrets are never printed.

${sections.join('\n')}`;
}
