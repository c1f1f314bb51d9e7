/** Answers of a schema registry: a server that says anything. */
import fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../platform/clock.js';
import { silentLogger } from '../platform/observability/logger.js';
import { createRegistryCodec } from '../schemas/codec-registry.js';
import { loadSchemas } from '../schemas/schema-set.js';
import { nastyJson, nastyText } from './bytes.js';
import { coded, fuzz } from './harness.js';

interface Said { readonly status: number; readonly type: string; readonly body: string }

let said: readonly Said[] = [];
let asked = 0;
let server: Server;

async function listen(): Promise<void> {
  asked = 0;
  server = createServer((request, response) => {
    request.resume();
    const answer = said[asked % said.length];
    asked += 1;
    response.writeHead(answer?.status ?? 404, { 'content-type': answer?.type ?? 'text/plain', connection: 'close' }).end(answer?.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

const schemas = loadSchemas();
const [newest] = [...schemas.newest.values()];
const schemaText = fc.oneof(fc.constantFrom(newest?.text ?? '', '"string"', '"null"', '{}', '[]', '{"type":"record","name":"Message","fields":[]}', '{"type":"record","name":"X","fields":[{"name":"x","type":"X"}]}', '{"type":"array"}', '{"type":"fixed","name":"F","size":-1}', '{"type":"record","name":"__proto__","fields":[{"name":"__proto__","type":"int"}]}', 'nonsense'), nastyJson.map((value) => JSON.stringify(value) ?? ''), nastyText);
const body = fc.oneof(
  fc.record({ id: fc.oneof(fc.nat(50), nastyJson), schema: fc.oneof(schemaText, nastyJson), subject: nastyText, version: nastyJson, schemaType: fc.oneof(fc.constantFrom('AVRO', 'JSON', 'PROTOBUF'), nastyJson), references: nastyJson }, { requiredKeys: [] }),
  fc.record({ compatibilityLevel: fc.oneof(fc.constantFrom('FULL_TRANSITIVE', 'NONE', 'backward'), nastyJson) }, { requiredKeys: [] }),
  fc.record({ error_code: fc.constantFrom<unknown>(40401, 40403, 409, 'x'), message: nastyText }), nastyJson,
).map((value) => JSON.stringify(value) ?? '');
const answer: fc.Arbitrary<Said> = fc.record({
  status: fc.constantFrom(200, 200, 200, 200, 201, 204, 400, 401, 403, 404, 404, 409, 422),
  type: fc.constantFrom('application/json', 'application/vnd.schemaregistry.v1+json', 'application/json', 'text/html', ''), body: fc.oneof({ weight: 6, arbitrary: body }, { weight: 1, arbitrary: nastyText }),
});
const CODES = ['CONFAB_REGISTRY_UNAVAILABLE', 'CONFAB_SCHEMA_INCOMPATIBLE', 'CONFAB_SCHEMA_UNKNOWN', 'CONFAB_RECORD_INVALID'];

fuzz('whatever the registry answers, a codec is made and learns, or it is refused with a code', fc.tuple(fc.array(answer, { minLength: 1, maxLength: 4 }), fc.nat(1000)), {
  runs: 250, weight: ([answers]) => answers.length, limit: 20_000, before: listen, after: async () => { server.close(); await once(server, 'close'); },
}, async ([answers, id]) => {
  said = answers;
  const codec = createRegistryCodec({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, prefix: '', clock: systemClock, logger: silentLogger, timeoutMillis: 2_000 });
  try { await codec.prepare(); } catch (error) { coded(error, ...CODES); }
  const bytes = Buffer.alloc(9);
  bytes.writeUInt32BE(id, 1);
  const message = codec.of('Message');
  try { await message.learn(bytes); } catch (error) { coded(error, ...CODES); }
  try { message.decode(bytes); } catch (error) { coded(error, ...CODES); }
});
