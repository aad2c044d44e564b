import assert from 'node:assert/strict';
import { test } from 'node:test';

import plugin from './plugin.js';
import { FakeModel, FakeSession, Frame, paramsOf } from './sprag/testing.js';

const HOLDOUT = new Frame({ x: [1, 2], y: [1, 3] }, { target: 'y' });
const EXACT = new FakeModel(() => [1, 3]);
const WRONG = new FakeModel(() => [1, 2], 'line@1');

function decide(candidate, production, params) {
  const session = new FakeSession();
  return { session, ...plugin.evaluate(session, paramsOf(plugin, params), candidate, production, HOLDOUT) };
}

test('a lower error is promoted', () => {
  const { outcome, session } = decide(EXACT, WRONG);
  assert.equal(outcome, 'promote');
  assert.deepEqual(session.metrics, { 'mse/candidate': 0, 'mse/production': 0.5 });
});

test('the first model is promoted', () => assert.equal(decide(WRONG).outcome, 'promote'));

test('equal is not better', () => {
  const { outcome, reason } = decide(WRONG, WRONG);
  assert.deepEqual([outcome, reason], ['keep', 'mse 0.5 is not lower than 0.5 of line@1']);
});

test('a high error blocks', () => assert.equal(decide(WRONG, undefined, { at_most: 0.4 }).outcome, 'blocked'));
