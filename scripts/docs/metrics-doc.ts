/** Makes docs/metrics.md from the places in the source where metrics are made. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** A name followed by its help: in `new Counter({ name, help })` and in helpers that take (name, help, labels). */
const MADE = /(?:new (Counter|Gauge|Histogram)\(\{\s*name:\s*)?'(confab_[a-z0-9_]+)',\s*(?:help:\s*)?'((?:[^'\\]|\\.)+)'/g;
const FOLDERS = ['platform', 'processors', 'ingress', 'egress', 'schemas', 'topology', 'composition'];

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return sources(join(folder, entry.name));
    return entry.name.endsWith('.ts') && !/\.(test|contract)\.ts$/.test(entry.name) ? [join(folder, entry.name)] : [];
  });
}

/** Labels stand behind the help, before the next metric. */
function labelsAfter(rest: string): string[] {
  const own = rest.slice(0, 300).split(/'confab_|\n\s*\n/, 1)[0] ?? '';
  const list = /labelNames:\s*\[([^\]]*)\]/.exec(own)?.[1] ?? /^,\s*\[([^\]]*)\]/.exec(own)?.[1] ?? '';
  return [...list.matchAll(/'([a-z_]+)'/g)].map(([, name = '']) => name);
}

/** Every metric that the source makes, by name. */
export function foundMetrics(root: string): FoundMetric[] {
  const found = new Map<string, FoundMetric>();
  for (const file of FOLDERS.flatMap((folder) => sources(join(root, folder)))) {
    const text = readFileSync(file, 'utf8');
    for (const match of text.matchAll(MADE)) {
      const [whole, made, name = '', help = ''] = match;
      const labels = labelsAfter(text.slice(match.index + whole.length));
      const type = made?.toLowerCase() ?? (name.endsWith('_total') ? 'counter' : 'gauge');
      const stage = name.startsWith('confab_stage_') && !labels.includes('stage') ? ['stage'] : [];
      found.set(name, { name, type, help: help.replaceAll("\\'", "'"), labels: [...stage, ...labels] });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The whole text of docs/metrics.md. */
export function metricsDoc(root: string): string {
  const row = ({ name, type, help, labels }: FoundMetric): string => `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
  return `<!-- Made by \`npm run generate\` from where the metrics are made: do not edit. -->
# Metrics

\`GET /metrics\` of every process, for Prometheus: open on loopback and on \`CONFAB_ADMIN_PORT\`, elsewhere with the scope
\`metrics:read\`. Times are seconds, sizes bytes. The metrics of Node (\`process_…\`, \`nodejs_…\`) come with them.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
${foundMetrics(root).map(row).join('\n')}
`;
}
