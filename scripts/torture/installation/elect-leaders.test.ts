import assert from 'node:assert/strict';
import { test } from 'node:test';
import { electLeadersError, electLeadersRequest } from './elect-leaders.js';

test('the request names election, topics, partitions and time limit, after its length', () => {
  const request = electLeadersRequest(new Map([['t', [3, 5]]]));
  assert.equal(request.readInt32BE(0), request.length - 4);
  assert.equal(request.readInt16BE(4), 43, 'ElectLeaders');
  assert.equal(request.readInt16BE(6), 1, 'version');
  const body = request.subarray(4 + 2 + 2 + 4 + 2 + 'confab-torture'.length);
  assert.equal(body.toString('hex'), ['00', '00000001', '0001', Buffer.from('t').toString('hex'), '00000002', '00000003', '00000005', '00002710'].join(''));
});

test('of the answer the code of the whole is read', () => {
  // Length, correlation id, throttle time, error code, results.
  assert.equal(electLeadersError(Buffer.from('0000000e00000001000000000029000000000000', 'hex')), 41);
});
