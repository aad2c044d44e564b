import assert from 'node:assert/strict';
import { test } from 'node:test';

import plugin from './plugin.js';
import { BadInput, Cancelled } from './sprag/index.js';
import { FakeSession, Frame, paramsOf, score } from './sprag/testing.js';

const SIX = new Frame({ x: [1, 2, 3, 4, 5, 6], y: [10, 9, 8, 8, 6, 5] }, { target: 'y' });

test('six points by hand', () => {
  // The sum of squares of x about its mean is 17.5, that of x and y is -17.0: the slope is -17 / (17.5 + 1.2).
  const line = plugin.train(new FakeSession(), paramsOf(plugin, { alpha: 1.2 }), SIX);
  assert.ok(Math.abs(line.state.weights[0] - -17 / 18.7) < 1e-14);
  assert.ok(Math.abs(score(line, SIX)[0][0] - 9.93939393939394) < 1e-12);
});

test('a null is refused', () => {
  const data = new Frame({ x: [1, null], y: [1, 2] }, { target: 'y' });
  assert.throws(() => plugin.train(new FakeSession(), paramsOf(plugin), data), new BadInput('expected a number in column `x`, row 1, found no value'));
});

test('it stops when the host asks', () => {
  assert.throws(() => plugin.train(new FakeSession({ stopAfter: 1 }), paramsOf(plugin), SIX), Cancelled);
});
