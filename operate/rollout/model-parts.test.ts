import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from '../../platform/errors.js';
import { seededRandom } from '../../platform/random.js';
import { packModels, unpackModels } from './model-parts.js';
import { MOST_PACKED } from './pack.js';
import { MODEL_STATUS, partKey, RolloutTable } from './rollout-table.js';

const random = seededRandom(3);
const small = { id: 'ab12', bytes: Buffer.from('a small model') };
/** Noise cannot be packed: it needs several parts. */
const large = { id: 'cd34', bytes: Buffer.from(random.bytes(2_500_000)) };
const refused = (error: unknown): boolean => isCode(error, 'CONFAB_BOT_PACK_INVALID');

test('models come back from their parts as they were, in whatever order the parts come, and each part fits into a record', () => {
  const parts = packModels([large, small]);
  assert.equal(parts.length, 3);
  assert.ok(parts.every(({ length }) => length <= MOST_PACKED));
  const back = unpackModels([...parts].reverse());
  assert.deepEqual(back.map(({ id, bytes }) => [id, Buffer.from(bytes).equals(id === small.id ? small.bytes : large.bytes)]), [['ab12', true], ['cd34', true]]);
  assert.deepEqual([packModels([]), unpackModels([])], [[], []]);
});

test('models that are larger than what is sent at all are not sent', () => {
  assert.deepEqual(packModels([{ id: 'ef', bytes: Buffer.alloc(33 * 1024 * 1024) }]), []);
  assert.deepEqual(packModels([{ id: 'ef', bytes: Buffer.from(random.bytes(15_000_000)) }]), []);
});

test('parts that are missing, doubled, damaged, or of two wholes are refused', () => {
  const parts = packModels([large]);
  const [one, two, three] = parts as [Buffer, Buffer, Buffer];
  const others = packModels([{ ...large, id: 'xx' }]) as [Buffer, Buffer, Buffer];
  const damaged = Buffer.from(two);
  damaged[5000] = (damaged[5000] ?? 0) ^ 1;
  for (const wrong of [[one, two], [one, two, two], [one, damaged, three], [one, two, others[2]], [one, two, three, three], [Buffer.from('nothing')], [Buffer.alloc(0)]]) assert.throws(() => unpackModels(wrong), refused);
});

test('a table keeps parts until they are used, knows their keys everywhere, and forgets those that are taken away', () => {
  const [version, parts] = ['0'.repeat(16), packModels([large])];
  for (const keeps of [true, false]) {
    const table = new RolloutTable(keeps);
    for (const [index, files] of parts.entries()) assert.equal(table.apply(partKey('b', version, index), { botId: 'b', version: `${version}+${index}`, status: MODEL_STATUS, share: 0, files, deployedAt: null, deployedBy: null }, index), undefined, 'a part changes nothing of what is live');
    assert.deepEqual([table.plan('b'), table.versions('b'), table.botIds()], [undefined, [], []]);
    assert.equal(table.models('b', version).length, keeps ? 3 : 0);
    table.dropModels('b', version);
    assert.deepEqual([table.models('b', version).length, table.partKeys('b').length, table.partKeys('b', version).length, table.partKeys('c').length], [0, 3, 3, 0]);
    table.apply(partKey('b', version, 1), null, 9);
    assert.deepEqual(table.partKeys('b'), [partKey('b', version, 0), partKey('b', version, 2)]);
  }
});
