import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import { seededRandom } from '../../platform/random.js';
import { readDialogues } from './dialogues.js';
import { FakeServer, type Faults } from './fake-server.js';
import { isClean, resultJson, resultText, type ReplayResult } from './report.js';
import { conversationIdOf, Replay, type ReplayOptions } from './run.js';

const dialogues = Array.from({ length: 6 }, (_, index) => ({ name: `talk ${index}`, turns: ['one', 'two', 'three', 'four'] }));

async function start(t: TestContext, faults: Faults = {}): Promise<FakeServer> {
  const server = new FakeServer(faults);
  await server.listen();
  t.after(() => server.kill());
  return server;
}

function replayOptions(url: string, more: Partial<ReplayOptions> = {}): ReplayOptions {
  return {
    dialogues, url, token: undefined, runId: 'run', concurrency: 3, rate: undefined, pipeline: false, clock: systemClock, random: seededRandom(3),
    signal: new AbortController().signal, answerMillis: 200, listenMillis: 30, patience: 5000, ...more,
  };
}

async function replay(t: TestContext, faults: Faults = {}, more: Partial<ReplayOptions> = {}): Promise<ReplayResult> {
  return new Replay(replayOptions((await start(t, faults)).url, more)).run();
}

const figures = ({ accepted, answered, lost, duplicated, outOfOrder }: ReplayResult): number[] => [accepted, answered, lost, duplicated, outOfOrder];

test('a sound server: everything is answered once, in order', async (t) => {
  const result = await replay(t);
  assert.deepEqual(figures(result), [24, 24, 0, 0, 0]);
  assert.ok(isClean(result));
  assert.deepEqual(Object.keys(JSON.parse(resultJson(result)) as object), ['accepted', 'answered', 'lost', 'duplicated', 'outOfOrder', 'p50Millis', 'p95Millis', 'p99Millis']);
  assert.ok((result.p50Millis ?? 0) > 0 && (result.p99Millis ?? 0) >= (result.p50Millis ?? 0));
});

test('the same without waiting for answers', async (t) => {
  assert.deepEqual(figures(await replay(t, {}, { pipeline: true })), [24, 24, 0, 0, 0]);
});

test('a message without an outcome is lost', async (t) => {
  const result = await replay(t, { lose: (n) => n === 5 || n === 11 });
  assert.deepEqual(figures(result), [24, 22, 2, 0, 0]);
  assert.ok(!isClean(result));
});

test('an outcome that only the events have is not lost, and is told', async (t) => {
  const result = await replay(t, { hide: (n) => n === 5 });
  assert.deepEqual([result.lost, result.missedBySocket], [0, 1]);
  assert.match(resultText(result), /1 not brought by the stream/);
});

test('two outcomes of one message, and one frame twice, are duplicates', async (t) => {
  assert.deepEqual(figures(await replay(t, { double: (n) => n === 4 })), [24, 24, 0, 1, 0]);
  assert.deepEqual(figures(await replay(t, { repeat: (n) => n === 4 || n === 9 })), [24, 24, 0, 2, 0]);
});

test('a message that was written twice under one key is a duplicate', async (t) => {
  const result = await replay(t, { forgetful: true, cutAnswer: (n) => n === 7 });
  assert.deepEqual([result.accepted, result.lost, result.duplicated], [24, 0, 1]);
});

test('outcomes in another order than their messages are out of order', async (t) => {
  const result = await replay(t, { swap: (n) => n === 1 }, { pipeline: true, concurrency: 1 });
  assert.deepEqual(figures(result), [24, 24, 0, 0, 1]);
});

test('an answer that is cut and a refusal for now are repeated with the same key', async (t) => {
  const result = await replay(t, { cutAnswer: (n) => n % 6 === 1, refuseOnce: (n) => n % 6 === 3 });
  assert.deepEqual(figures(result), [24, 24, 0, 0, 0]);
  assert.ok(result.retries >= 8, String(result.retries));
});

test('streams that are cut are opened again and go on where they were', async (t) => {
  const result = await replay(t, { cutStreams: (n) => n % 7 === 2 });
  assert.deepEqual(figures(result), [24, 24, 0, 0, 0]);
  assert.ok(result.reconnects > 0);
});

test('a server that is killed in the middle and started again loses nothing', async (t) => {
  const server = await start(t);
  let killed = false;
  const result = await new Replay(replayOptions(server.url, {
    onProgress: ({ accepted }) => {
      if (killed || accepted < 10) return;
      killed = true;
      void server.kill().then((port) => server.listen(port));
    },
  })).run();
  assert.ok(killed);
  assert.deepEqual(figures(result), [24, 24, 0, 0, 0]);
});

test('a message that is refused for good ends its conversation, and the run is not clean', async (t) => {
  const result = await replay(t, { reject: (n) => n === 3 });
  assert.equal(result.refusals, 1);
  assert.ok(result.accepted < 24 && !isClean(result));
  assert.match(resultText(result), /CONFAB_BODY_INVALID/);
  assert.ok(!resultText(result).includes('\u001b'));
});

test('a stream that is closed for good ends the run with its code', async (t) => {
  await assert.rejects(replay(t, { closeWith: 4100 }), (error) => isCode(error, 'CONFAB_TOKEN_INVALID'));
});

test('a server that is not there ends the run', async (t) => {
  const server = await start(t);
  const { url } = server;
  await server.kill();
  await assert.rejects(new Replay(replayOptions(url, { patience: 100 })).run(), (error) => isCode(error, 'CONFAB_SERVER_UNREACHABLE'));
  await server.listen();
});

test('an interrupted run reports what was done', async (t) => {
  const stop = new AbortController();
  const result = await replay(t, {}, { rate: 50, signal: stop.signal, onProgress: ({ answered }) => { if (answered === 5) stop.abort(); } });
  // Outcomes may overtake the answers to their POSTs, of which three are under way.
  assert.ok(result.interrupted && result.accepted >= 2 && result.accepted < 24 && !isClean(result), JSON.stringify(result));
});

test('the rate is kept', async (t) => {
  const result = await replay(t, {}, { rate: 100, dialogues: dialogues.slice(0, 3) });
  assert.ok(result.millis >= 110, String(result.millis));
});

test('conversation ids fit the protocol and stay apart', () => {
  assert.equal(conversationIdOf('r', 3, 'a b/ü'), 'replay-r-3-a_b__');
  assert.ok(conversationIdOf('0'.repeat(26), 999_999, 'x'.repeat(300)).length <= 128);
});

test('dialogues are read line by line; a fault names its line', async () => {
  const lines = async function* (...all: string[]): AsyncIterable<string> { yield* all; };
  const line = (conversation: string, turn: number, speaker: string, text: string): string => JSON.stringify({ conversation, turn, speaker, text });
  const read = await readDialogues(lines(line('a', 2, 'USER', 'later'), line('a', 0, 'user', 'first'), line('a', 1, 'system', 'x'), '', line('b', 0, 'user', ' ')));
  assert.deepEqual(read, { dialogues: [{ name: 'a', turns: ['first', 'later'] }], messages: 2, blank: 1 });
  for (const [bad, why] of [['{', /Line 1 is not JSON/], ['[]', /Line 1 is not a JSON object/], ['{"conversation":"a"}', /Line 1 has no text "speaker"/]] as const) {
    await assert.rejects(readDialogues(lines(bad)), (error) => isCode(error, 'CONFAB_INPUT_INVALID') && why.test(error.message));
  }
  await assert.rejects(readDialogues(lines(line('a', 0, 'system', 'x'))), (error) => isCode(error, 'CONFAB_INPUT_INVALID'));
});
