/** The shape of the topology stands whole in topology.txt, the picture in docs/topics.md; `npm run generate` writes both. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../platform/package-root.js';
import { describeTopology } from './describe.js';
import { dot, mermaid } from './graph.js';
import { topology } from './topology.js';

const shape = readFileSync(join(packageRoot(), 'topology/topology.txt'), 'utf8');
const topics = readFileSync(join(packageRoot(), 'docs/topics.md'), 'utf8');

test('the topology prints itself: a change of shape shows here', () => {
  assert.equal(describeTopology(topology, { prefix: '', partitions: 24 }), shape);
});

test('a prefix and a number of partitions show in the text', () => {
  const text = describeTopology(topology, { prefix: 'staging.', partitions: 6 });
  assert.match(text, /prefix staging\./);
  assert.match(text, /as group staging\.confab\.intent/);
  assert.equal(text.match(/partitions 6$/gm)?.length, Object.values(topology.topics).filter(({ partitions }) => partitions === 'conversation').length);
});

test('the picture has every stage, edge and topic in use, for Mermaid and for Graphviz', () => {
  const picture = mermaid(topology);
  assert.ok(topics.includes(`\`\`\`mermaid\n${picture}\`\`\`\n`), 'docs/topics.md has it');
  // What only looks at everything would hide the picture behind its lines.
  const drawn = Object.entries(topology.edges).filter(([, edge]) => 'reads' in edge || 'writes' in edge).map(([name]) => name);
  for (const name of [...Object.keys(topology.stages), ...drawn]) assert.match(picture, new RegExp(`^  \\w+[([]+${name}[)\\]]+$`, 'm'));
  const graph = dot(topology);
  assert.match(graph, /^digraph confab \{\n/);
  assert.match(graph, /"dialogue" -> "dialogue-states\.v1" \[dir=both, style=dashed, label=state\];/);
  assert.equal(graph.match(/->/g)?.length, picture.match(/-->|<-\.->/g)?.length);
});
