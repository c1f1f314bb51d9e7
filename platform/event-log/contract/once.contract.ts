import assert from 'node:assert/strict';
import { isCode } from '../../errors.js';
import type { OnceAppender } from '../event-log.js';
import { numbers, readAll, rule, text, valuesIn, type Bench, type LogFactory } from './bench.contract.js';

const WITHOUT = 'the log has no `once`: acceptance goes through the claim index';

/** The rules of the optional power `once`. */
export function onceContract(factory: LogFactory): void {
  const once = (name: string, run: (bench: Bench, appender: OnceAppender, topic: string) => Promise<void>): void => {
    rule(factory, `once: ${name}`, async (bench, t) => {
      const log = await bench.open();
      if (!log.once) { t.skip(WITHOUT); return; }
      await run(bench, log.once, await bench.topic(log, 'once'));
    });
  };
  const entry = (topic: string, key: string, value: string, keepMillis = 60_000): Parameters<OnceAppender['appendOnce']>[0][number] =>
    ({ record: text(topic, value), once: { key, keepMillis, note: `note of ${value}` } });

  once('a known key writes nothing and gives the first result', async (bench, appender, topic) => {
    const [first] = await appender.appendOnce([entry(topic, 'k', 'one')]);
    const [second] = await appender.appendOnce([entry(topic, 'k', 'two')]);
    assert.deepEqual(first, { offset: first?.offset, duplicate: false, note: 'note of one' });
    assert.deepEqual(second, { offset: first?.offset, duplicate: true, note: 'note of one' });
  });

  once('the same key within one call and in overlapping calls is written once', async (bench, appender, topic) => {
    const calls = await Promise.all([
      appender.appendOnce([entry(topic, 'k', 'one'), entry(topic, 'k', 'two'), entry(topic, 'other', 'three')]),
      ...numbers(10).map((n) => appender.appendOnce([entry(topic, 'k', `again${n}`)])),
    ]);
    const results = calls.flat().filter((result) => result.note !== 'note of three');
    assert.equal(results.filter((result) => !result.duplicate).length, 1);
    assert.equal(new Set(results.map((result) => result.offset)).size, 1);
  });

  once('a key is free again after keepMillis', async (bench, appender, topic) => {
    await appender.appendOnce([entry(topic, 'k', 'one')]);
    const [again] = await appender.appendOnce([entry(topic, 'k', 'two', 0)]);
    assert.equal(again?.duplicate, false);
  });

  once('a refused record leaves its key free', async (bench, appender, topic) => {
    const tooLarge = { ...entry(topic, 'k', 'x'), record: { ...text(topic, ''), value: Buffer.alloc(3_000_000) } };
    await assert.rejects(appender.appendOnce([tooLarge]), (error) => isCode(error, 'CONFAB_RECORD_TOO_LARGE'));
    assert.equal((await appender.appendOnce([entry(topic, 'k', 'one')]))[0]?.duplicate, false);
  });

  rule(factory, 'once: keys outlive the log being closed', async (bench, t) => {
    const before = await bench.open();
    if (!before.once) { t.skip(WITHOUT); return; }
    const topic = await bench.topic(before, 'again');
    const [first] = await before.once.appendOnce([entry(topic, 'k', 'one')]);
    await before.close();
    const log = await bench.open();
    const [second] = await log.once?.appendOnce([entry(topic, 'k', 'two')]) ?? [];
    assert.deepEqual(second, { offset: first?.offset, duplicate: true, note: 'note of one' });
    assert.deepEqual(valuesIn(await readAll(log, topic)), ['one']);
  });
}
