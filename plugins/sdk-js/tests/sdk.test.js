// Run with `node --test` in the folder above.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BadInput, Column, Retry, Scorer, Unsupported, sanityCheck, solve, trainer } from '../sprag/index.js';
import { failureOf } from '../sprag/failure.js';
import { guest } from '../sprag/guest.js';
import { paramsSchema } from '../sprag/stage.js';
import { FakeSession, Frame } from '../sprag/testing.js';

class Constant extends Scorer {
  static format = 'constant/1';

  inputs() {
    return [];
  }

  predict(rows) {
    return [Column.floats(new Float64Array(rows).fill(this.state.value))];
  }
}

test('numbers refuse what is none', () => {
  const check = (values, words) => assert.throws(() => [...new Frame({ x: values }).numbers(['x'], 1)], new BadInput(words));
  check([1, null], 'expected a number in column `x`, row 1, found no value');
  check([1, Infinity], 'expected a finite number in column `x`, row 1, found Infinity');
  check(['a', 'b'], 'expected numbers in column `x`, found text');
  assert.throws(() => new Frame({ x: [1], y: [2] }).field('z'), new BadInput('expected a column `z`, found `x`, `y`'));
});

test('batches keep nulls where they are', () => {
  const frame = new Frame({ x: Array.from({ length: 20 }, (_, row) => (row % 3 === 0 ? null : row)) });
  const nulls = [...frame.batches(['x'], 7)].flatMap(([column], batch) => column.nulls().map((row) => batch * 7 + row));
  assert.deepEqual(nulls, [0, 3, 6, 9, 12, 15, 18]);
});

test("a model's state is read back and nothing else", () => {
  assert.deepEqual(Constant.load(new Constant({ value: 0.1 }).save()).state, { value: 0.1 });
  const encode = (text) => new TextEncoder().encode(text);
  for (const wrong of ['', 'null', '{"slope":1}', '{"format":"constant/1"']) assert.throws(() => Constant.load(encode(wrong)), BadInput);
});

test('the schema of parameters requires those without a default', () => {
  const stage = sanityCheck({ params: { a: { type: 'number', default: 1 }, b: { type: 'string' } }, check: () => 'pass' });
  assert.deepEqual(paramsSchema(stage).required, ['b']);
  assert.throws(() => sanityCheck({}), TypeError);
  assert.throws(() => trainer({ train() {} }), TypeError);
});

test('what is thrown becomes a failure that says where', () => {
  try {
    undefined.x;
  } catch (error) {
    assert.match(failureOf(error).message, /^TypeError: .*sdk\.test\.js:\d+/);
  }
  assert.ok(failureOf(new Retry('later')) instanceof Retry);
});

test('a session without a right says so', () => {
  assert.throws(() => Object.getPrototypeOf(FakeSession.prototype).placeholder('hook'), Unsupported);
});

test('a system by hand', () => {
  assert.deepEqual([...solve([Float64Array.of(4, NaN), Float64Array.of(2, 5)], [8, 8])], [1.5, 1]);
  assert.throws(() => solve([Float64Array.of(1, 1), Float64Array.of(1, 1)], [1, 1]), BadInput);
});

test('a state without what its columns are made of is refused', () => {
  class Line extends Scorer {
    static format = 'line/1';
    inputs() {
      return this.state.features.map((name) => ({ name }));
    }
    predict() {
      return [];
    }
  }
  const kept = [
    [console, { ...console }],
    [Math, { random: Math.random }],
    [Date, { now: Date.now }],
    [performance, { now: performance.now }],
    [globalThis, { fetch }],
  ];
  const reader = (state) => {
    const bytes = new TextEncoder().encode(JSON.stringify(state));
    return { len: () => BigInt(bytes.length), read: (at) => bytes.subarray(Number(at)) };
  };
  try {
    const stage = trainer({ model: Line, train() {} });
    const { Model } = guest(stage, { name: 'p', version: '1.0.0', summary: '', 'params-schema': {} }).score;
    assert.deepEqual(Model.load(reader({ format: 'line/1', features: ['a'] })).inputs(), [{ name: 'a', dtype: 'float', nullable: false }]);
    for (const state of [{ format: 'line/1', featurez: ['a'] }, { format: 'line/1', features: [1] }]) {
      assert.throws(
        () => Model.load(reader(state)),
        (thrown) => thrown.tag === 'bad-input' && /columns are made of/.test(thrown.val),
      );
    }
  } finally {
    for (const [object, members] of kept) Object.assign(object, members);
  }
});

test("the guest speaks the contract's types", () => {
  const logs = [];
  let stops = false;
  const raw = {
    shouldStop: () => stops,
    seed: () => 7n,
    paramsJson: () => '{"b":2}',
    log: (level, message) => logs.push([level, message]),
    measure() {},
  };
  const stage = sanityCheck({
    params: { a: { type: 'number', default: 1 } },
    check(session, params, data) {
      const [[column]] = [...data.batches(['name'])];
      if (column.values[1] !== 'é') throw new Error(`expected é, found ${column.values[1]}`);
      return params.a + params.b === 3 && Math.random() < 1 ? 'pass' : 'fail';
    },
  });
  const text = { values: { tag: 'texts', val: { bytes: new TextEncoder().encode('aé'), ends: Uint32Array.of(1, 3) } } };
  const batches = [[text]];
  const table = {
    schema: () => [{ name: 'name', dtype: 'text', nullable: false }],
    rowCount: () => 2n,
    target() {},
    features: () => [],
    digest: () => '',
    scan: () => ({ next: () => batches.shift() }),
  };
  const kept = [
    [console, { ...console }],
    [Math, { random: Math.random }],
    [Date, { now: Date.now }],
    [performance, { now: performance.now }],
    [globalThis, { fetch }],
  ];
  try {
    const made = guest(stage, { name: 'p', version: '1.0.0', summary: '', 'params-schema': {} });
    assert.equal(made.sanityCheck.run(raw, table), 'pass');
    assert.throws(
      () => made.sanityCheck.run(raw, table),
      (thrown) => thrown.tag === 'internal' && /TypeError/.test(thrown.val),
    );
    assert.equal(logs[0][0], 'error');
    // Who walks a table is stopped between two batches.
    stops = true;
    batches.push([text]);
    assert.throws(() => made.sanityCheck.run(raw, table), { tag: 'cancelled' });
    assert.deepEqual(made.plugin.describe(), { name: 'p', version: '1.0.0', summary: '', paramsSchema: '{}' });
  } finally {
    for (const [object, members] of kept) Object.assign(object, members);
  }
});
