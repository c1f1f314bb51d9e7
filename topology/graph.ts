/** The topology as a picture: Mermaid for docs, DOT for Graphviz. Dead letters are drawn once for all stages. */
import type { Topology } from './define.js';

interface Line { readonly from: string; readonly to: string; readonly state: boolean }

/** Topics that nobody reads or writes are left out. */
function linesOf(topology: Topology): Line[] {
  const lines: Line[] = [];
  for (const [name, edge] of Object.entries(topology.edges)) {
    for (const topic of edge.writes ?? []) lines.push({ from: name, to: topic, state: false });
    for (const topic of edge.reads ?? []) lines.push({ from: topic, to: name, state: false });
  }
  for (const [name, stage] of Object.entries(topology.stages)) {
    for (const topic of stage.reads) lines.push({ from: topic, to: name, state: false });
    for (const topic of stage.writes) if (topic !== stage.state) lines.push({ from: name, to: topic, state: false });
    if (stage.state !== undefined) lines.push({ from: name, to: stage.state, state: true });
    lines.push({ from: name, to: topology.deadLetters, state: false });
  }
  return lines;
}

const id = (name: string): string => name.replace(/[^A-Za-z0-9]/g, '_');

export function mermaid(topology: Topology): string {
  const lines = linesOf(topology);
  const drawn = new Set(lines.flatMap(({ from, to }) => [from, to]));
  return `${[
    'flowchart LR',
    ...Object.keys(topology.edges).filter((name) => drawn.has(name)).map((name) => `  ${id(name)}([${name}])`),
    ...Object.keys(topology.topics).filter((name) => drawn.has(name)).map((name) => `  ${id(name)}[(${name})]`),
    ...Object.keys(topology.stages).map((name) => `  ${id(name)}[${name}]`),
    ...lines.map(({ from, to, state }) => state ? `  ${id(from)} <-.->|state| ${id(to)}` : `  ${id(from)} --> ${id(to)}`),
  ].join('\n')}\n`;
}

export function dot(topology: Topology): string {
  const lines = linesOf(topology);
  const drawn = new Set(lines.flatMap(({ from, to }) => [from, to]));
  const node = (name: string, shape: string): string => `  "${name}" [shape=${shape}];`;
  return `${[
    'digraph confab {', '  rankdir=LR;',
    ...Object.keys(topology.edges).filter((name) => drawn.has(name)).map((name) => node(name, 'oval')),
    ...Object.keys(topology.topics).filter((name) => drawn.has(name)).map((name) => node(name, 'cylinder')),
    ...Object.keys(topology.stages).map((name) => node(name, 'box')),
    ...lines.map(({ from, to, state }) => `  "${from}" -> "${to}"${state ? ' [dir=both, style=dashed, label=state]' : ''};`),
    '}',
  ].join('\n')}\n`;
}
