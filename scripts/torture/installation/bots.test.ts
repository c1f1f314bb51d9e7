import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../../platform/testing.js';
import { checkBot } from '../../../processors/bot/index.js';
import { CLERK, layBots } from './bots.js';

test('the clerk that calls the server of the run is sound, tries again, and calls nobody else', async (t) => {
  const folder = join(scratchFolder(t), 'bots');
  layBots(folder, 'http://127.0.0.1:4711');
  const { bot, faults } = await checkBot(join(folder, CLERK));
  assert.deepEqual(faults, []);
  assert.deepEqual([...new Set(bot?.actions.map(({ origin }) => origin))], ['http://127.0.0.1:4711']);
  assert.ok(bot?.actions.every(({ retry }) => retry.attempts > 0));
  assert.ok((await checkBot(join(folder, 'parcel'))).bot, 'those of the package are there too');
  assert.match(readFileSync(join(folder, CLERK, 'bot.yaml'), 'utf8'), /^ {2}will: I will\.$/m, 'the line to which a version adds its label');
});
