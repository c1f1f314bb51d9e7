import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandsBelow, everyCommand, helpOf } from './cli-doc.js';

test('every command that does something has examples of itself in its help', async () => {
  const leaves = commandsBelow(await everyCommand()).filter(({ command }) => command.commands.length === 0);
  assert.ok(leaves.length >= 15, `${leaves.length} commands`);
  for (const { path, command } of leaves) {
    const help = helpOf(command);
    assert.match(help, /\nExamples?:\n/, path.join(' '));
    assert.ok(help.split(/\nExamples?:\n/)[1]?.includes(path[0] === 'demo' ? 'demo' : `confab ${path.join(' ')}`), `${path.join(' ')}: an example of itself`);
    for (const option of command.options) assert.notEqual(option.description === '' && !option.hidden, true, `${path.join(' ')} ${option.flags} says what it does`);
  }
});

test('the reference is the same wherever it is made: nothing of this machine is in it', async () => {
  const all = commandsBelow(await everyCommand()).map(({ command }) => helpOf(command)).join('\n');
  assert.ok(!all.includes(process.cwd()) && !all.includes(process.env.HOME ?? '/nowhere'));
});
