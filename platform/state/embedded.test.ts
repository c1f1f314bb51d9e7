import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from '../testing.js';
import { EmbeddedStateStore } from './embedded.js';
import { stateStoreContract } from './state-store.contract.js';

const entry = (key: string, round: number) => ({ key, reflects: `p${round.toString().padStart(9, '0')}`, value: Buffer.from(`round ${round}`) });

/** Run by the test of a killed process, in a child: writes rounds for ever and tells of each. */
async function writeForEver(path: string): Promise<void> {
  const store = new EmbeddedStateStore({ path });
  await store.reset('view', 0, 'e');
  for (let round = 1; ; round += 1) {
    await store.write('view', 0, Array.from({ length: 50 }, (_, i) => entry(`k${i}`, round)), { epoch: 'e', offset: round }, 0);
    process.send?.(round);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

if (process.argv[2] === 'write-for-ever') {
  await writeForEver(process.argv[3] ?? '');
} else {
  stateStoreContract('embedded', (t) => ({ store: new EmbeddedStateStore({ path: join(scratchFolder(t), 'state') }) }), { lossless: true });

  test('embedded state store: values and watermark are there again after a close', async (t) => {
    const path = join(scratchFolder(t), 'state');
    const first = new EmbeddedStateStore({ path, boot: 'one' });
    await first.reset('view', 3, 'e');
    await first.write('view', 3, [entry('a', 1)], { epoch: 'e', offset: 7 }, 0);
    await first.close();
    const second = new EmbeddedStateStore({ path, boot: 'two' });
    assert.deepEqual(await second.read('view', 3, ['a']), { entries: [entry('a', 1)], watermark: { epoch: 'e', offset: 7 } });
    await second.close();
  });

  test('embedded state store: what a machine that went down left behind is not trusted', async (t) => {
    const path = join(scratchFolder(t), 'state');
    const first = new EmbeddedStateStore({ path, boot: 'one' });
    await first.reset('view', 0, 'e');
    // Not closed: only the process is gone, then the machine.
    const same = new EmbeddedStateStore({ path, boot: 'one' });
    assert.deepEqual((await same.read('view', 0, [])).watermark, { epoch: 'e', offset: 0 });
    await first.close();
    await same.close();
    const third = new EmbeddedStateStore({ path, boot: 'one' });
    await third.reset('view', 0, 'e');
    const other = new EmbeddedStateStore({ path, boot: 'two' });
    assert.equal((await other.read('view', 0, [])).watermark, undefined);
    await other.close();
    await third.close();
  });

  test('embedded state store: a killed process leaves values and watermark of one write', async (t) => {
    const path = join(scratchFolder(t), 'state');
    const child = fork(fileURLToPath(import.meta.url), ['write-for-ever', path], { execArgv: process.execArgv });
    let told = 0;
    child.on('message', (round) => { told = Number(round); if (told === 40) child.kill('SIGKILL'); });
    await once(child, 'exit');
    const store = new EmbeddedStateStore({ path });
    const read = await store.read('view', 0, Array.from({ length: 50 }, (_, i) => `k${i}`));
    const round = read.watermark?.offset ?? 0;
    assert.ok(round >= 40 && round >= told, `watermark ${round}, told ${told}`);
    assert.ok(read.entries.every((found) => found?.value?.toString() === `round ${round}`));
    await store.close();
  });

  test('embedded state store: it grows beyond its first map', async (t) => {
    const store = new EmbeddedStateStore({ path: join(scratchFolder(t), 'state') });
    await store.reset('view', 0, 'e');
    const value = Buffer.alloc(60_000, 1);
    for (let round = 1; round <= 15; round += 1) {
      assert.ok(await store.write('view', 0, Array.from({ length: 100 }, (_, i) => ({ key: `k${round}-${i}`, reflects: 'p', value })), { epoch: 'e', offset: round }, 0));
    }
    assert.deepEqual((await store.read('view', 0, ['k1-0', 'k15-99'])).entries.map((found) => found?.value?.length), [60_000, 60_000]);
    await store.close();
  });
}
