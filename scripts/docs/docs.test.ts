import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '../../platform/errors.js';
import { metricNameFaults } from '../../platform/observability/metrics.js';
import { packageRoot } from '../../platform/package-root.js';
import { foundMetrics } from './metrics-doc.js';

const root = packageRoot();
const FOLDERS = ['platform', 'processors', 'ingress', 'egress', 'schemas', 'topology', 'inspect', 'operate', 'cli', 'composition'];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && !entry.name.includes('.test.') ? [path] : [];
  });
}

test('docs/errors.md has every code of the catalogue and no other', () => {
  const documented = [...read('docs/errors.md').matchAll(/<a id="(CONFAB_[A-Z_]+)">/g)].map(([, code]) => code);
  assert.deepEqual(documented, Object.keys(catalogue));
});

test('every code of the public contract is in the catalogue, with its status', () => {
  const contract: Record<number, string> = {
    400: 'JSON_INVALID BODY_INVALID CONVERSATION_ID_INVALID IDEMPOTENCY_KEY_INVALID POSITION_INVALID QUERY_INVALID FRAME_MALFORMED FRAME_INVALID',
    401: 'TOKEN_MISSING TOKEN_INVALID TOKEN_EXPIRED', 403: 'SCOPE_MISSING CONVERSATION_FORBIDDEN USER_MISMATCH ORIGIN_FORBIDDEN HOST_FORBIDDEN',
    404: 'ROUTE_UNKNOWN', 405: 'METHOD_NOT_ALLOWED', 408: 'REQUEST_TIMEOUT', 409: 'IDEMPOTENCY_KEY_REUSED', 413: 'BODY_TOO_LARGE FRAME_TOO_LARGE', 414: 'URI_TOO_LONG',
    415: 'CONTENT_TYPE_UNSUPPORTED', 426: 'SUBPROTOCOL_REQUIRED', 431: 'HEADERS_TOO_LARGE', 429: 'RATE_LIMITED SUBSCRIPTION_LIMIT', 500: 'INTERNAL',
    503: 'LOG_UNAVAILABLE OVERLOADED DRAINING OUTCOME_UNKNOWN INDEX_REBUILDING VIEW_BEHIND',
  };
  for (const [status, codes] of Object.entries(contract)) for (const code of codes.split(' ')) {
    assert.equal((catalogue as Record<string, { status: number }>)[`CONFAB_${code}`]?.status, Number(status), code);
  }
});

test('every entry says what happened and what to do', () => {
  for (const [code, { title, help }] of Object.entries(catalogue)) {
    assert.match(title, /^[A-Z][^.]*$/, code);
    assert.match(help, /[^ ]$/, code);
    assert.ok(!title.includes('\n') && !help.includes('\n'), code);
  }
});

test('every code that the source throws is in the catalogue', () => {
  const files = FOLDERS.flatMap(sources);
  for (const file of files) for (const [, code = ''] of read(file).matchAll(/ConfabError\('(CONFAB_[A-Z_]+)'/g)) assert.ok(code in catalogue, `${code} in ${file}`);
});

test('docs/metrics.md has every metric that the source names, each with labels and a sentence', () => {
  const found = foundMetrics(root);
  for (const file of FOLDERS.flatMap(sources)) for (const [, name] of read(file).matchAll(/['`](confab_[a-z0-9_]+)['`]/g)) {
    assert.ok(found.some((metric) => metric.name === name), `${name} in ${file}: make it as new Counter({ name: '…', help: '…', … })`);
  }
  for (const { name, type, help } of found) assert.deepEqual(metricNameFaults({ name, type: type as 'counter', help }), [], name);
});

test('the indexes of docs/ and docs/adr/ name every page, and a decision by its number and title', () => {
  const index = read('docs/README.md');
  for (const name of readdirSync(join(root, 'docs'))) if (name.endsWith('.md') && name !== 'README.md') assert.ok(index.includes(`](${name})`), name);
  const wanted = readdirSync(join(root, 'docs/adr')).filter((name) => name !== 'README.md').map((name) => {
    const [title = ''] = read(`docs/adr/${name}`).split('\n');
    assert.ok(title.startsWith(`# ${name.slice(0, 4)}. `), `${name}: ${title}`);
    return `- [${title.slice(2)}](${name})`;
  });
  assert.deepEqual(read('docs/adr/README.md').split('\n').filter((line) => line.startsWith('- ')), wanted);
});
