/** A host for native tests: tables in memory, a session that remembers, models. It is no part of a component. */

import { BadParams } from './failure.js';
import { Session } from './session.js';
import { withDefaults } from './stage.js';
import { BATCH_ROWS, Column, Table } from './table.js';

/** Named columns of one length, in memory. Numbers make floats, bigints integers, and null is a null. */
export class Frame extends Table {
  #columns;

  constructor(columns, { target, features } = {}) {
    super();
    this.#columns = new Map(Object.entries(columns).map(([name, values]) => [name, values instanceof Column ? values : made(values)]));
    if (new Set([...this.#columns.values()].map((column) => column.length)).size > 1) throw new TypeError('expected columns of one length');
    this.schema = [...this.#columns].map(([name, column]) => ({ name, dtype: column.dtype, nullable: column.nulls().length > 0 }));
    this.rowCount = this.#columns.size > 0 ? [...this.#columns.values()][0].length : 0;
    this.target = target;
    this.features = features ?? [...this.#columns.keys()].filter((name) => name !== target);
    this.digest = `sha256:${'0'.repeat(64)}`;
  }

  *batches(columns, rows = BATCH_ROWS) {
    const held = columns.map((name) => this.#columns.get(this.field(name).name));
    for (let start = 0; start < this.rowCount; start += rows) yield held.map((column) => slice(column, start, start + rows));
  }
}

/** A session that remembers what it was told. `inputs` are the files of the stage. */
export class FakeSession extends Session {
  seed = 0n;
  logs = [];
  /** By name and split: `mse/training`, or the name alone. */
  metrics = {};
  findings = [];
  artifacts = {};
  #steps = 0;

  constructor({ inputs = {}, secrets = [], stopAfter = Infinity } = {}) {
    super();
    Object.assign(this, { inputs, secrets, stopAfter });
  }

  input(name) {
    return this.inputs[name];
  }

  log(level, message, fields = {}) {
    this.logs.push({ level, message, fields });
  }

  measure(name, value, { split } = {}) {
    this.metrics[split ? `${name}/${split}` : name] = value;
  }

  find(code, message, { severity = 'error', subject } = {}) {
    this.findings.push({ code, severity, message, subject });
  }

  progress() {
    this.#steps += 1;
  }

  shouldStop() {
    return this.#steps >= this.stopAfter;
  }

  writeArtifact(name, mediaType, data) {
    this.artifacts[name] = data;
  }

  placeholder(secret) {
    if (!this.secrets.includes(secret)) throw new BadParams(`the stage is not granted the secret \`${secret}\``);
    return `placeholder-of-${secret}`;
  }
}

/** A model of predictions that are known: `values` gives those of the column `prediction` for a table. */
export class FakeModel {
  constructor(values, version) {
    Object.assign(this, { values, version, digest: `sha256:${'0'.repeat(64)}` });
  }

  predict(data) {
    return new Frame({ prediction: this.values(data) });
  }
}

/** What a model predicts after its state was written and read back, as the host does: the values of each output column. */
export function score(scorer, data) {
  const loaded = scorer.constructor.load(scorer.save());
  const found = loaded.outputs().map(() => []);
  for (const batch of data.batches(loaded.inputs().map((field) => field.name))) {
    loaded.predict(batch[0].length, batch).forEach((column, at) => found[at].push(...column.values));
  }
  return found;
}

/** Parameters as the host would hand them over. */
export const paramsOf = (stage, given = {}) => withDefaults(stage, given);

function made(values) {
  const held = values.filter((value) => value !== null);
  const is = (type) => held.length > 0 && held.every((value) => typeof value === type);
  let column = Column.floats;
  let empty = 0;
  if (is('boolean')) [column, empty] = [Column.booleans, false];
  if (is('bigint')) [column, empty] = [Column.integers, 0n];
  if (is('string')) [column, empty] = [Column.texts, ''];
  const found = column(values.map((value) => value ?? empty));
  if (held.length < values.length) found.validity = bitmap(values.map((value) => value !== null));
  return found;
}

function bitmap(bits) {
  const bytes = new Uint8Array((bits.length + 7) >> 3);
  bits.forEach((bit, row) => (bytes[row >> 3] |= Number(bit) << (row & 7)));
  return bytes;
}

function slice(column, start, end) {
  const values = column.values.slice(start, end);
  const bits = column.validity && Array.from(values, (_, row) => !column.isNull(start + row));
  return new Column(column.dtype, values, bits && bitmap(bits));
}
