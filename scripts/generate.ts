/** Writes every generated file, or with --check fails when one differs from what would be written. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { idFiles } from '../schemas/generate-ids.js';
import { frames as streamFrames } from '../egress/frames.js';
import { frames as ingestFrames } from '../ingress/frames.js';
import { xrayFrames } from '../inspect/xray-frames.js';
import { headSchema, partSchema, schemaText } from '../processors/bot/editor-schema.js';
import { configReference } from '../platform/config.js';
import { CloseCode } from '../platform/http/close-codes.js';
import { typesText } from '../schemas/generate-types.js';
import { newestSchemas } from '../schemas/schema-set.js';
import { describeTopology } from '../topology/describe.js';
import { topicsDoc } from '../topology/topics-doc.js';
import { topology } from '../topology/topology.js';
import { cliDoc } from './docs/cli-doc.js';
import { errorsDoc } from './docs/errors-doc.js';
import { framesDoc } from './docs/frames-doc.js';
import { httpDoc } from './docs/http-doc.js';
import { metricsDoc } from './docs/metrics-doc.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');

/** Path from the root → its text. One line for each generated file. */
const files: Record<string, () => string | Promise<string>> = {
  'docs/cli.md': cliDoc,
  'docs/config.md': configReference,
  'docs/errors.md': errorsDoc,
  'docs/frames.md': () => framesDoc([
    { title: 'confab.v1: replies', intro: '`GET /v1/stream` and `GET /v1/conversations/{conversationId}/stream`, subprotocol `confab.v1`.', frames: streamFrames },
    { title: 'confab.ingest.v1: messages', intro: '`GET /v1/ingest`, subprotocol `confab.ingest.v1`: many conversations on one socket, answers by `ref`. A socket with too many messages in flight is not read until answers have left, so a client may send without counting.', frames: ingestFrames },
    { title: 'confab.xray.v1: the way of each message', intro: '`GET /v1/admin/conversations/{conversationId}/xray?limit=`, subprotocol `confab.xray.v1`, for a token with the scope `admin`, or without authentication for clients on the same machine; offered where `GET /v1` lists `xray`. First the records of the last messages (`limit`, 20), then `ready`, then each record as it is committed. A client that reads too slowly is closed with 4000; it connects again and gets the last messages anew.', frames: xrayFrames },
  ], CloseCode),
  'docs/metrics.md': () => metricsDoc(root),
  'docs/topics.md': () => topicsDoc(topology, newestSchemas(join(root, 'schemas'))),
  'schemas/bot.schema.json': () => schemaText(headSchema()),
  'schemas/bot-part.schema.json': () => schemaText(partSchema()),
  'topology/topology.txt': () => describeTopology(topology, { prefix: '', partitions: 24 }),
  'schemas/types.ts': () => typesText(join(root, 'schemas')),
  ...Object.fromEntries(Object.entries(idFiles(join(root, 'schemas'))).map(([path, text]) => [`schemas/${path}`, () => text])),
  // Last: the routes need schemas that have ids.
  'docs/http.md': async () => httpDoc(await (await import('../composition/openapi.js')).openApiDocument()),
};

const stale: string[] = [];
for (const [path, text] of Object.entries(files)) {
  const target = join(root, path);
  if (check && path === 'docs/http.md' && stale.includes('schemas/ids.json')) continue;
  const wanted = await text();
  if (existsSync(target) && readFileSync(target, 'utf8') === wanted) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, wanted);
}
if (stale.length > 0) process.stdout.write(`${check ? 'out of date' : 'written'}: ${stale.join(', ')}\n`);
if (check && stale.length > 0) { process.stdout.write('run: npm run generate\n'); process.exitCode = 1; }
