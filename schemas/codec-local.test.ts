import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { isCode } from '../platform/errors.js';
import { packageRoot } from '../platform/package-root.js';
import { scratchFolder } from '../platform/testing.js';
import { canonicalText, compileSchema, fingerprint } from './avro.js';
import { codecContract, exampleMessage } from './codec.contract.js';
import { createLocalCodec } from './codec-local.js';
import { idFiles } from './generate-ids.js';
import { loadSchemas, schemaFolder, schemaIds, type SchemaId } from './schema-set.js';
import type { Message } from './types.js';

codecContract({ make: async () => createLocalCodec() });

/** A copy of the schemas in which a Message has one field more: what the next release could look like. */
function nextRelease(t: { after(run: () => void): void }, change: (schema: { fields: unknown[] }) => void): string {
  const folder = scratchFolder(t);
  cpSync(schemaFolder(), folder, { recursive: true, filter: (path) => path === schemaFolder() || /history|\.(avsc|json)$/.test(path) });
  const file = join(folder, 'messages.v1.avsc');
  const schema = JSON.parse(readFileSync(file, 'utf8')) as { fields: unknown[] };
  change(schema);
  writeFileSync(file, JSON.stringify(schema));
  return folder;
}

function writeIds(folder: string): void {
  for (const [path, text] of Object.entries(idFiles(folder))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

test('an older version of a record is read as the newest one, defaults filled in', (t) => {
  const old = createLocalCodec().of('Message').encode(exampleMessage);
  const folder = nextRelease(t, (schema) => { schema.fields.push({ name: 'mood', type: ['null', 'string'], default: null }); });
  writeIds(folder);
  const next = createLocalCodec({ schemas: loadSchemas(folder) }).of('Message');
  assert.deepStrictEqual(next.decode(old), { ...exampleMessage, mood: null });
  const written = next.encode({ ...exampleMessage, mood: 'glad' } as Message);
  assert.notEqual(written.readUInt32BE(1), old.readUInt32BE(1));
  assert.deepStrictEqual(next.decode(written), { ...exampleMessage, mood: 'glad' });
  for (let length = 5; length < old.length; length += 1) {
    assert.throws(() => next.decode(Buffer.from(old.subarray(0, length))), (error) => isCode(error, 'CONFAB_RECORD_INVALID'));
  }
});

test('a schema that cannot read its older version is refused at the start', (t) => {
  const folder = nextRelease(t, (schema) => { schema.fields.push({ name: 'mood', type: 'string' }); });
  writeIds(folder);
  assert.throws(() => createLocalCodec({ schemas: loadSchemas(folder) }), (error) => isCode(error, 'CONFAB_SCHEMA_INCOMPATIBLE'));
});

test('a schema without an id, and a changed text of the history, are refused', (t) => {
  const folder = nextRelease(t, (schema) => { schema.fields.push({ name: 'mood', type: ['null', 'string'], default: null }); });
  assert.throws(() => loadSchemas(folder), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN') && error.detail.includes('npm run generate'));
  writeIds(folder);
  loadSchemas(folder);
  writeFileSync(join(folder, 'history', '0001-AnalyticsCount.avsc'), '{"type":"record","name":"AnalyticsCount","fields":[]}');
  assert.throws(() => loadSchemas(folder), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN') && error.detail.includes('was changed'));
});

test('a change of docs or marks keeps the id, a change of a field does not', () => {
  const text = readFileSync(join(schemaFolder(), 'timers.v1.avsc'), 'utf8');
  assert.equal(fingerprint(text.replace('A timer that is set', 'Something else').replace('"personal": true,', '')), fingerprint(text));
  assert.equal(fingerprint(canonicalText(text)), fingerprint(text));
  assert.notEqual(fingerprint(text.replace('"timerId"', '"timer"')), fingerprint(text));
});

test('ids.json is numbered from 1 without gaps and names each schema once', () => {
  const ids = schemaIds(schemaFolder());
  assert.deepEqual(ids.map((entry) => entry.id), ids.map((_, index) => index + 1));
  assert.equal(new Set(ids.map((entry) => entry.fingerprint)).size, ids.length);
});

test('ids.json was only ever added to', (t) => {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: packageRoot(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  let commits: string[];
  try { commits = git('log', '--format=%H', '--', 'schemas/ids.json').split('\n').filter(Boolean); } catch { t.diagnostic('no history here'); return; }
  const now = schemaIds(schemaFolder());
  for (const commit of commits) {
    const then = JSON.parse(git('show', `${commit}:schemas/ids.json`)) as SchemaId[];
    assert.deepEqual(now.slice(0, then.length), then, `ids.json at ${commit}`);
  }
});

test('every two versions of a record read each other (FULL_TRANSITIVE)', () => {
  const { versions } = loadSchemas();
  for (const one of versions) {
    for (const other of versions.filter((entry) => entry.record === one.record)) compileSchema(one.text).createResolver(compileSchema(other.text));
  }
});

test('optional fields are null by default, times are timestamp-millis, personal fields can be sealed', () => {
  const check = (node: unknown): void => {
    if (Array.isArray(node)) { node.forEach(check); return; }
    if (typeof node !== 'object' || node === null) return;
    const field = node as { name?: string; type?: unknown; default?: unknown; personal?: boolean };
    if (Array.isArray(field.type)) {
      assert.equal(field.type[0], 'null', field.name);
      assert.equal(field.default, null, field.name);
    }
    if (field.personal) assert.equal(((Array.isArray(field.type) ? field.type : (field.type as { values: unknown[] }).values) as unknown[]).length, 3, field.name);
    Object.values(node).forEach(check);
  };
  for (const { text, record } of loadSchemas().newest.values()) {
    assert.equal(compileSchema(text).name, `confab.v1.${record}`);
    check(JSON.parse(text));
  }
});
