import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressRule } from './address-rule.js';

// The same cases in every run: a commit is judged by what it changed.
fc.configureGlobal({ seed: 20_261_123 });

const PRIVATE = [
  '0.0.0.0', '0.1.2.3', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.0.9', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1', '192.0.0.8', '192.0.2.1', '198.18.0.1',
  '198.51.100.7', '203.0.113.9', '224.0.0.1', '240.0.0.1', '255.255.255.255',
  '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '100::1', '2001:db8::1', '3fff::1', '5f00::1',
  // What embeds another: mapped, compatible, translated, 6to4, Teredo.
  '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:a9fe:a9fe', '::127.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::8.8.8.8', '2002:7f00:1::', '2001:0:7f00:1::',
  // No addresses at all: names and the short forms that some libraries take.
  'localhost', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '', '1.2.3.4.5', ':::',
];
const PUBLIC = ['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'];

test('what is not public is refused, in every form of an address', () => {
  const rule = addressRule();
  for (const address of PRIVATE) assert.equal(rule.allows(address), false, address);
  for (const address of PUBLIC) assert.equal(rule.allows(address), true, address);
});

test('the operator may allow ranges, in every form of their addresses and no further', () => {
  const rule = addressRule(['127.0.0.1', '10.2.0.0/16', 'fd00:1::/32']);
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.2.9.9', '64:ff9b::10.2.0.1', 'fd00:1::5', '8.8.8.8']) assert.equal(rule.allows(address), true, address);
  for (const address of ['127.0.0.2', '10.3.0.1', '::1', 'fd00:2::5', '169.254.169.254']) assert.equal(rule.allows(address), false, address);
});

test('an address and its mapped and translated forms are judged alike', () => {
  const rule = addressRule();
  fc.assert(fc.property(fc.ipV4(), (address) => {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    for (const form of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `0:0:0:0:0:ffff:${hex}`]) assert.equal(rule.allows(form), rule.allows(address), form);
  }));
});
