/**
 * Random histories of faults against one rule: an application that shows the first page and then the events has seen exactly
 * the conversation, each thing once, outcomes in order, each message before its outcome; and every send ended as it says.
 * A failure names its seed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem, settle, setUp, World } from './testing.js';
import type { Accepted, Conversation, HistoryEvent } from './types.js';

const CASES = 300;
const STEPS = 40;

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

class Page {
  readonly shown: HistoryEvent[] = [];
  constructor(readonly conversation: Conversation, withHistory: boolean) {
    for (const event of ['message', 'reply', 'outcome'] as const) conversation.on(event, (value) => { this.shown.push(value); });
    if (withHistory) void this.begin();
  }

  private async begin(): Promise<void> {
    for (;;) {
      try {
        const { events } = await this.conversation.history({ limit: 500 });
        this.shown.unshift(...[...events].reverse());
        return;
      } catch { /* as a page with a button "again" */ }
    }
  }
}

const line = (event: HistoryEvent): string => `${event.position} ${event.type}`;

async function walk(seed: number, t: Parameters<typeof setUp>[0]): Promise<void> {
  const random = seeded(seed);
  const chance = (part: number): boolean => random() < part;
  const world = new World();
  const early = chance(0.5);
  if (early) for (let i = 0; i < 3; i += 1) world.reply(world.write('c', `past ${i}`));
  world.answers = chance(0.5);
  const clients = [setUp(t, {}, world).client, setUp(t, {}, world).client];
  const withHistory = chance(0.7) || early;
  const pages = clients.map((client) => new Page(client.conversation('c'), withHistory));
  // Without a first page it is from now on: "now" is when the stream stands.
  if (!withHistory) await settle();
  const sends: Promise<Accepted>[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const page = pages[chance(0.5) ? 0 : 1] as Page;
    const dice = random();
    if (dice < 0.3) sends.push(page.conversation.send({ text: `s${seed}-${step}` }));
    else if (dice < 0.4) for (const socket of world.sockets) { if (chance(0.5)) socket.end(chance(0.5) ? 1006 : 1012); }
    else if (dice < 0.48) world.faults.push({ answer: chance(0.5) ? 'cut' : problem(503, 'CONFAB_OUTCOME_UNKNOWN', true, chance(0.5) ? 1 : undefined), accepted: chance(0.5) });
    else if (dice < 0.53) world.readFaults.push(chance(0.5) ? 'cut' : problem(503, 'CONFAB_LOG_UNAVAILABLE', true, 1));
    else if (dice < 0.58) {
      // Requests alone that fail for long are another story: then an outcome comes without the message of another device.
      world.reachable = !world.reachable;
      if (!world.reachable) for (const socket of world.sockets) socket.end(1006);
    }
    else if (dice < 0.66) world.write('c', `else ${step}`);
    else if (dice < 0.8) world.answer('c', chance(0.5) ? 1 : Infinity);
    else if (dice < 0.86) await settle();
    else await world.clock.advance(Math.floor(random() * 30_000));
  }
  world.reachable = true;
  for (let i = 0; i < 3; i += 1) { await world.clock.advance(300_000); world.answer('c'); }
  world.readFaults.length = world.faults.length = 0;
  await world.clock.advance(300_000);

  const accepted = await Promise.all(sends);
  const log = world.log('c');
  for (const { messageId, position } of accepted) assert.equal(log.filter((event) => event.type === 'message' && event.messageId === messageId && event.position === position).length, 1, 'an accepted message is in the conversation');
  assert.equal(new Set(accepted.map(({ messageId }) => messageId)).size, sends.length, 'each send is a message of its own');
  for (const { shown } of pages) {
    assert.deepEqual(shown.map(line).sort(), log.map(line).sort());
    const outcomes = shown.filter(({ type }) => type !== 'message').map(({ position }) => position);
    assert.deepEqual(outcomes, [...outcomes].sort());
    for (const event of shown) if (event.type === 'reply') assert.ok(shown.findIndex((other) => other.type === 'message' && other.messageId === event.inReplyTo) < shown.indexOf(event));
  }
  for (const client of clients) client.close();
}

test(`${CASES} random histories: whole, once, in order`, async (t) => {
  for (let seed = 1; seed <= CASES; seed += 1) {
    try {
      await walk(seed, t);
    } catch (error) {
      (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
      throw error;
    }
  }
});
