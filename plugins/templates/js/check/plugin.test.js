import assert from 'node:assert/strict';
import { test } from 'node:test';

import plugin from './plugin.js';
import { FakeSession, Frame, paramsOf } from './sprag/testing.js';

test('whole data passes', () => {
  const session = new FakeSession();
  assert.equal(plugin.check(session, paramsOf(plugin, { rows: 2 }), new Frame({ x: [1, 2] })), 'pass');
  assert.deepEqual([session.metrics, session.findings], [{ 'rows/data': 2 }, []]);
});

test('few rows and nulls are found', () => {
  const session = new FakeSession();
  const data = new Frame({ x: [1, null], name: ['a', 'b'] });
  assert.equal(plugin.check(session, paramsOf(plugin, { rows: 3, null_share: 0.25 }), data), 'fail');
  assert.deepEqual(session.findings.map(({ code, subject }) => [code, subject]), [['too-few-rows', undefined], ['null-values', 'x']]);
});
