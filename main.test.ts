import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { eventually, scratchFolder } from './platform/testing.js';
import { follow, freePort, outcomes, post, Program } from './composition/testing.js';

test('one process answers over a socket, stops within its drain, and goes on where it was', async (t) => {
  const env = { CONFAB_DATA_DIR: scratchFolder(t) };
  const first = await (await Program.start(t, { env })).ready();
  const stream = await follow(first.url, 'c1');
  await eventually('ready', () => stream.frames.some((frame) => frame.type === 'ready'));
  const { status, body } = await post(first.url, 'c1', 'where is my parcel?');
  assert.equal(status, 202);
  await eventually('answered', () => stream.frames.some((frame) => frame.type === 'reply' && frame.inReplyTo === body.messageId));
  assert.deepEqual(await first.kill('SIGTERM'), { code: 0, signal: null });

  const second = await (await Program.start(t, { env })).ready();
  const resumed = await follow(second.url, 'c1', body.position);
  await eventually('the reply comes again to who asks for it', () => resumed.frames.some((frame) => frame.type === 'reply' && frame.inReplyTo === body.messageId));
  const next = await post(second.url, 'c1', 'what are your opening hours?');
  await eventually('the conversation goes on', () => resumed.frames.some((frame) => frame.inReplyTo === next.body.messageId));
  assert.equal(resumed.frames.filter((frame) => frame.type === 'reply').length, 2);
});

test('kill -9 under traffic: everything accepted is answered exactly once and in order after the restart', async (t) => {
  const env = { CONFAB_DATA_DIR: scratchFolder(t) };
  const accepted = new Map<string, string[]>();
  let program = await (await Program.start(t, { env })).ready();
  for (let round = 0; round < 3; round += 1) {
    const { url } = program;
    let stop = false;
    const writers = Array.from({ length: 8 }, async (_, i) => {
      const conversation = `c${round}-${i}`;
      const mine: string[] = [];
      accepted.set(conversation, mine);
      for (let turn = 0; turn < 1000 && !stop; turn += 1) {
        const answer = await post(url, conversation, `message ${turn}`).catch(() => undefined);
        if (answer?.status === 202) mine.push(answer.body.messageId); else break;
      }
    });
    await eventually('traffic', () => [...accepted.values()].flat().length > (round + 1) * 100);
    await program.kill('SIGKILL');
    stop = true;
    await Promise.all(writers);
    program = await (await Program.start(t, { env })).ready();
  }
  for (const [conversation, messages] of accepted) {
    // The message under way when the process was killed may have been accepted without an answer to the client.
    const found = async (): Promise<string[]> => (await outcomes(program.url, conversation)).filter((id) => messages.includes(id));
    await eventually(`${conversation} is answered`, async () => (await found()).length >= messages.length);
    assert.deepEqual(await found(), messages);
  }
});

test('a second process on the same data directory is refused with what to do', async (t) => {
  const env = { CONFAB_DATA_DIR: scratchFolder(t) };
  await (await Program.start(t, { env })).ready();
  const second = await Program.start(t, { env });
  assert.equal((await second.exited).code, 1);
  assert.match(second.output, /CONFAB_LOG_LOCKED/);
});

for (const [name, env, code] of [
  ['a role without Kafka', {}, 'CONFAB_ROLE_NEEDS_KAFKA'],
  ['a wide bind without keys', { CONFAB_HTTP_HOST: '0.0.0.0' }, 'CONFAB_AUTH_REQUIRED'],
  ['an unknown setting', { CONFAB_HTP_PORT: '1' }, 'CONFAB_CONFIG_UNKNOWN'],
] as const) {
  test(`${name} refuses to start with ${code}`, async (t) => {
    const program = await Program.start(t, { env: { ...env, CONFAB_DATA_DIR: scratchFolder(t) }, args: code === 'CONFAB_ROLE_NEEDS_KAFKA' ? ['start', '--role', 'intent'] : ['start'] });
    assert.equal((await program.exited).code, 1);
    assert.match(program.output, new RegExp(code));
  });
}

test('a port that is taken is said in one line', async (t) => {
  const first = await (await Program.start(t, { env: { CONFAB_DATA_DIR: scratchFolder(t) } })).ready();
  const second = await Program.start(t, { env: { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: new URL(first.url).port } });
  assert.equal((await second.exited).code, 1);
  assert.match(second.output, /CONFAB_PORT_TAKEN/);
});

test('one trace spans ingress, the stages and egress, below the span of the caller', async (t) => {
  interface Span { traceId: string; spanId: string; parentSpanId?: string; name: string }
  const spans: Span[] = [];
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => { collector.listen(port, '127.0.0.1', resolve); });
  t.after(() => { collector.closeAllConnections(); collector.close(); });
  const program = await (await Program.start(t, { env: {
    CONFAB_DATA_DIR: scratchFolder(t), CONFAB_TRACE_SAMPLE: '1', OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  } })).ready();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await fetch(`${program.url}/v1/conversations/c1/messages`, {
    method: 'POST', body: '{"text":"hello"}', headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  });
  const mine = (): Span[] => spans.filter((span) => span.traceId === traceId);
  await eventually('every part has sent its span', () => mine().length >= 5, 30_000);
  const parents = new Map(mine().map((span) => [span.name, mine().find((other) => other.spanId === span.parentSpanId)?.name ?? span.parentSpanId]));
  assert.deepEqual(Object.fromEntries(parents), {
    'confab.ingress accept': 'b7ad6b7169203331', 'confab.intent process': 'confab.ingress accept', 'confab.dialogue process': 'confab.intent process',
    'confab.analytics process': 'confab.dialogue process', 'confab.egress announce': 'confab.dialogue process',
  });
});
