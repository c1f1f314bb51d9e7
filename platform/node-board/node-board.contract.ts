/** Contract suite of the NodeBoard port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ENTRY_MILLIS, type NodeBoard } from './node-board.js';

export interface BoardScene {
  readonly board: NodeBoard;
  /** The same board as another process sees it; undefined where there is but one process. */
  readonly other?: NodeBoard;
  /** The board of another installation. */
  readonly elsewhere: NodeBoard;
}

const NOW = 1_800_000_000_000;

export function nodeBoardContract(name: string, make: (t: TestContext) => Promise<BoardScene> | BoardScene, options: { skip?: string | false } = {}): void {
  const rule = (sentence: string, body: (scene: BoardScene) => Promise<void>): void => {
    test(`${name} node board: ${sentence}`, { skip: options.skip ?? false }, async (t) => { await body(await make(t)); });
  };
  const names = async (board: NodeBoard, now = NOW): Promise<string[]> => (await board.list(now)).map(({ node }) => node);

  rule('what a node says is read as it was said, by name', async ({ board, other = board }) => {
    const status = { roles: ['intent'], note: 'ü "\u0000', deep: { list: [1, null] } };
    await board.post({ node: 'b', at: NOW, status });
    await board.post({ node: 'a', at: NOW, status: {} });
    assert.deepEqual(await other.list(NOW), [{ node: 'a', at: NOW, status: {} }, { node: 'b', at: NOW, status }]);
  });

  rule('a node has one entry, its last', async ({ board, other = board }) => {
    await board.post({ node: 'a', at: NOW - 10, status: { n: 1 } });
    await other.post({ node: 'a', at: NOW, status: { n: 2 } });
    assert.deepEqual(await board.list(NOW), [{ node: 'a', at: NOW, status: { n: 2 } }]);
  });

  rule('what is not renewed disappears by the clock of who reads, and comes back when it is', async ({ board, other = board }) => {
    await board.post({ node: 'a', at: NOW, status: {} });
    await other.post({ node: 'b', at: NOW + 5000, status: {} });
    assert.deepEqual(await names(board, NOW + ENTRY_MILLIS - 1), ['a', 'b']);
    assert.deepEqual(await names(board, NOW + ENTRY_MILLIS), ['b']);
    assert.deepEqual(await names(board, NOW + 100 * ENTRY_MILLIS), []);
    await board.post({ node: 'a', at: NOW + 100 * ENTRY_MILLIS, status: {} });
    assert.deepEqual(await names(other, NOW + 100 * ENTRY_MILLIS), ['a']);
  });

  rule('an entry of a clock that is far ahead does not stay for ever', async ({ board }) => {
    await board.post({ node: 'a', at: NOW + 3_600_000, status: {} });
    await board.post({ node: 'b', at: NOW + 2000, status: {} });
    assert.deepEqual(await names(board), ['b']);
  });

  rule('a node that leaves is gone at once, twice is no fault', async ({ board, other = board }) => {
    await board.post({ node: 'a', at: NOW, status: {} });
    await board.post({ node: 'b', at: NOW, status: {} });
    await board.remove('a');
    await board.remove('a');
    assert.deepEqual(await names(other), ['b']);
  });

  rule('installations do not see each other', async ({ board, elsewhere }) => {
    await board.post({ node: 'a', at: NOW, status: {} });
    await elsewhere.post({ node: 'a', at: NOW, status: { other: true } });
    await elsewhere.remove('b');
    assert.deepEqual(await board.list(NOW), [{ node: 'a', at: NOW, status: {} }]);
    await board.remove('a');
    assert.deepEqual(await elsewhere.list(NOW), [{ node: 'a', at: NOW, status: { other: true } }]);
  });

  rule('many nodes at once are all there', async ({ board, other = board }) => {
    await Promise.all(Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? board : other).post({ node: `n${String(n).padStart(3, '0')}`, at: NOW, status: { n } })));
    assert.deepEqual((await board.list(NOW)).map(({ status }) => (status as { n: number }).n), Array.from({ length: 100 }, (_, n) => n));
  });
}
