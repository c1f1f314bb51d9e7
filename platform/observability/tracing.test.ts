import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { packageRoot } from '../package-root.js';
import { seededRandom } from '../random.js';
import { createTracer, noTracer, parseOtlpHeaders, parseTraceparent, samplingTracer, traceHeaders, traceparentOf, type SpanRecord, type TracerOptions } from './tracing.js';

interface OtlpSpan { traceId: string; spanId: string; parentSpanId?: string; name: string; kind: number; startTimeUnixNano: string; endTimeUnixNano: string; attributes: { key: string; value: Record<string, unknown> }[]; status: { code: number } }
interface OtlpRequest { resourceSpans: { resource: { attributes: { key: string; value: { stringValue?: string } }[] }; scopeSpans: { spans: OtlpSpan[] }[] }[] }

/** A small OTLP/HTTP receiver. */
async function receiver(t: TestContext, status = 200) {
  const requests: { path: string | undefined; headers: IncomingHttpHeaders; body: OtlpRequest }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ path: request.url, headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) as OtlpRequest });
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
}

const options = (url: string, more: Partial<TracerOptions> = {}): TracerOptions => ({
  ratio: 1, serviceName: 'confab-test', role: 'intent', version: '1.2.3', random: seededRandom(7), target: { url, headers: { 'x-key': 'k' } }, ...more,
});

test('one trace spans ingress, intent, dialogue and egress at an OTLP receiver', async (t) => {
  const { requests, url } = await receiver(t);
  const tracer = await createTracer(options(url));
  const ingress = tracer.sample() ?? assert.fail('not sampled');
  tracer.record({ name: 'confab.ingress accept', kind: 'producer', context: ingress, start: 1000.25, end: 1003, attributes: { 'confab.position': 'p' } });
  let headers = traceHeaders(ingress);
  for (const role of ['intent', 'dialogue', 'egress']) {
    const above = tracer.extract(headers) ?? assert.fail('not extracted');
    const own = tracer.child(above);
    tracer.record({ name: `confab.${role}`, kind: 'consumer', context: own, start: 1004, end: 1005, attributes: {}, ...(role === 'egress' ? { error: 'CONFAB_CLOSED' } : {}) });
    headers = traceHeaders(own);
  }
  await tracer.close();

  const [request] = requests;
  assert.equal(request?.path, '/v1/traces');
  assert.equal(request?.headers['x-key'], 'k');
  assert.equal(request?.body.resourceSpans[0]?.resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue, 'confab-test');
  const spans = requests.flatMap(({ body }) => body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
  assert.deepEqual(spans.map(({ name }) => name), ['confab.ingress accept', 'confab.intent', 'confab.dialogue', 'confab.egress']);
  assert.deepEqual(new Set(spans.map(({ traceId }) => traceId)), new Set([ingress.traceId]));
  assert.deepEqual(spans.map(({ parentSpanId }) => parentSpanId), [undefined, ...spans.slice(0, 3).map(({ spanId }) => spanId)]);
  assert.equal(spans[0]?.startTimeUnixNano, '1000250000');
  assert.equal(spans[3]?.status.code, 2);
});

test('a collector that refuses is told of and never stops the program', async (t) => {
  const { url } = await receiver(t, 400);
  const errors: Error[] = [];
  const tracer = await createTracer(options(url, { onError: (error) => { errors.push(error); } }));
  const context = tracer.sample() ?? assert.fail('not sampled');
  tracer.record({ name: 'x', kind: 'internal', context, start: 1, end: 2, attributes: {} });
  await tracer.close();
  assert.equal(errors.length, 1);
});

test('sampling follows the ratio, and a caller cannot force it', () => {
  const taken: SpanRecord[] = [];
  const tracer = (ratio: number) => samplingTracer({ ratio, random: seededRandom(1), sink: { take: (span) => { taken.push(span); }, close: () => Promise.resolve() } });
  const header = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  assert.equal(tracer(0).sample(header), undefined);
  const tenth = tracer(0.1);
  const count = Array.from({ length: 10_000 }, () => tenth.sample()).filter(Boolean).length;
  assert.ok(count > 850 && count < 1150, String(count));
  const joined = tracer(1).sample(header);
  assert.deepEqual([joined?.traceId, joined?.parentSpanId], ['a'.repeat(32), 'b'.repeat(16)]);
  assert.deepEqual(parseTraceparent(traceparentOf(joined ?? assert.fail())), { traceId: 'a'.repeat(32), spanId: joined?.spanId, sampled: true });
});

test('a header that is malformed or not sampled gives no context', () => {
  const tracer = samplingTracer({ ratio: 1, random: seededRandom(1), sink: { take: () => undefined, close: () => Promise.resolve() } });
  for (const traceparent of ['', 'x', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`, `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`]) {
    assert.equal(tracer.extract({ traceparent }), undefined, traceparent);
  }
  assert.equal(tracer.extract(undefined), undefined);
  assert.equal(noTracer.extract({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }), undefined);
});

test('without a target nothing is traced and no SDK is loaded', async () => {
  assert.equal(await createTracer({ ...options(''), target: undefined }), noTracer);
  const script = `import { createRequire } from 'node:module'; await import(${JSON.stringify(join(packageRoot(), 'platform/observability/tracing.ts'))});
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('@opentelemetry')); process.stdout.write(String(loaded.length));`;
  assert.equal(execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: packageRoot() }).toString(), '0');
});

test('headers of the exporter are percent-encoded pairs', () => {
  assert.deepEqual(parseOtlpHeaders('Authorization=Basic%20x, a=b=c,bad,=x,c=%zz'), { Authorization: 'Basic x', a: 'b=c' });
  assert.deepEqual(parseOtlpHeaders(undefined), {});
});
