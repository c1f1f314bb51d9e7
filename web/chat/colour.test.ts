import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colourRules, inkOn, luminance } from './colour.js';

const contrast = (one: number, other: number): number => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
const accents = (hex: string): number[][] => [...colourRules(hex).matchAll(/--accent: rgb\((\d+) (\d+) (\d+)\)/g)].map(([, ...values]) => values.map(Number));

test('whatever colour a site has, words in it can be read by day and by night', () => {
  for (const hex of ['#ffffff', '#000000', '#ffe600', '#7a2e4d', '#1f5f52', '#00aaff', '#808080', '#ff0000']) {
    const [day, night] = accents(hex) as unknown as [[number, number, number], [number, number, number]];
    assert.ok(contrast(luminance(day), luminance([250, 248, 244])) >= 4.5, `${hex} by day`);
    assert.ok(contrast(luminance(night), luminance([30, 34, 33])) >= 4.5, `${hex} by night`);
  }
});

test('ink on a colour is the better one of black and white', () => {
  for (const [colour, ink] of [[[255, 230, 0], '#000000'], [[122, 46, 77], '#ffffff'], [[0, 0, 0], '#ffffff'], [[255, 255, 255], '#000000']] as const) assert.equal(inkOn(colour), ink);
});
