import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from '../../platform/errors.js';
import type { DialogueState, IntentResult } from '../../schemas/types.js';
import { SwappableBots, type Bot } from '../bot/index.js';
import { chooseBot } from './choose.js';

const bot = (version: string, onChange: 'finish' | 'migrate' = 'finish'): Bot => ({ id: 'b', version, versions: { onChange, migrations: [] } }) as unknown as Bot;
const [a, b, c, moving] = [bot('a'), bot('b'), bot('c'), bot('m', 'migrate')];
const heard = (...versions: string[]): IntentResult[] => versions.map((version) => ({ bot: 'b', version, model: '', intent: null, confidence: 0, ranking: [], entities: [] }));
const state = (botVersion: string, open: boolean): DialogueState => ({ reflects: '', prev: null, botId: 'b', botVersion, handedOff: false, turns: 1, data: open ? '{"f":[["flow",0,0]]}' : null, history: null });
const live = (current: Bot, canary?: { bot: Bot; share: number }, earlier: Bot[] = []): SwappableBots => { const bots = new SwappableBots([]); bots.roll('b', { current, canary: canary ?? null, earlier }); return bots; };
const choose = (bots: SwappableBots, results: IntentResult[], before?: DialogueState, key = 'default/c'): string => chooseBot(bots, { key, message: { botId: 'b', kind: 'text' }, results }, before).version;

test('a conversation that is under way ends under its own version while that is live, and any other begins with the current one', () => {
  const bots = live(b, undefined, [a]);
  assert.equal(choose(bots, heard('b', 'a')), 'b');
  assert.equal(choose(bots, heard('b', 'a'), state('a', true)), 'a');
  assert.equal(choose(bots, heard('b', 'a'), state('a', false)), 'b');
  assert.equal(choose(live(b), heard('b'), state('a', true)), 'b', 'what is retired is left');
  assert.equal(choose(live(moving, undefined, [a]), heard('m', 'a'), state('a', true)), 'm', 'or at once, where the new version says so');
});

test('a canary meets its share of new conversations, which stay with it', () => {
  const keys = Array.from({ length: 400 }, (_, i) => `default/c-${i}`);
  const bots = live(b, { bot: c, share: 0.25 }, [a]);
  const met = keys.filter((key) => choose(bots, heard('b', 'c', 'a'), undefined, key) === 'c');
  assert.ok(met.length > 60 && met.length < 140, String(met.length));
  for (const key of met) assert.equal(choose(bots, heard('b', 'c', 'a'), state('c', true), key), 'c');
  const [one = ''] = met;
  assert.equal(choose(live(b, undefined, [a]), heard('b', 'a'), state('c', true), one), 'b', 'until it is taken back');
});

test('no turn fails for a result that is missing: another version is taken, first of all that of the conversation', () => {
  const bots = live(b, undefined, [a]);
  assert.equal(choose(bots, heard('a')), 'a', 'the intent stage has not got the new one yet');
  assert.equal(choose(bots, heard('a'), state('a', false)), 'a');
  assert.equal(choose(bots, heard('b'), state('a', true)), 'a', 'what is under way goes on, with what another version heard');
  assert.equal(choose(bots, heard('x')), 'b', 'a replay may meet results of versions that are gone');
  assert.equal(choose(bots, [], state('a', true)), 'a', 'a postback has no results');
});

test('a bot that is being made ready is waited for; one that nobody knows is not', () => {
  const bots = new SwappableBots([]);
  assert.throws(() => choose(bots, []), (error) => isCode(error, 'CONFAB_BOT_UNKNOWN') && !error.retryable);
  bots.awaited = () => true;
  assert.throws(() => choose(bots, []), (error) => isCode(error, 'CONFAB_BOT_NOT_READY') && error.retryable);
});
