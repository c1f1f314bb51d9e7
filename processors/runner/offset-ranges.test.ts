import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../platform/random.js';
import { OffsetRanges } from './offset-ranges.js';

test('ranges hold what a plain set holds, however they are added to and taken from', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 60; round += 1) {
    const ranges = new OffsetRanges();
    const plain = new Set<number>();
    let offset = 0;
    let tail = -1;
    for (let step = 0; step < 60; step += 1) {
      if (random.float() < 0.8) {
        // Some offsets between are nobody's: after a break the next one begins a range of its own.
        if (random.float() < 0.3) { offset += 1 + Math.floor(random.float() * 3); tail = -1; }
        ranges.append(offset, tail);
        plain.add(offset);
        tail = offset + 1;
        offset += 1;
      } else {
        const from = Math.floor(random.float() * (offset + 1));
        const to = from + Math.floor(random.float() * 20);
        const keep = [...plain].filter((each) => each >= from && each < to && random.float() < 0.5).sort((a, b) => a - b);
        for (const each of [...plain]) if (each >= from && each < to && !keep.includes(each)) plain.delete(each);
        ranges.retain(from, to, keep);
      }
      const sorted = [...plain].sort((a, b) => a - b);
      assert.deepEqual(ranges.all.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)), sorted);
      assert.equal(ranges.first, sorted[0]);
      for (let each = 0; each <= offset; each += 1) assert.equal(ranges.has(each), plain.has(each));
    }
  }
});
