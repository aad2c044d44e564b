/** The other side of the stage kinds: what the world of each exports. It is bundled into the component by `build.mjs`. */

import { BadInput, BadParams, Cancelled, Failure, Internal, Retry, Unsupported, failureOf } from './failure.js';
import { Session } from './session.js';
import { withDefaults } from './stage.js';
import { BATCH_ROWS, Column, Table } from './table.js';

/** The bytes that one call moves. */
const CHUNK = 1 << 20;

const CASES = Object.fromEntries([BadInput, BadParams, Unsupported, Cancelled, Retry, Internal].map((each) => [each.tag, each]));

const VERDICTS = ['pass', 'fail', 'skip'];
const OUTCOMES = ['promote', 'keep', 'blocked'];

/** The session that `console` writes to. */
let current;

/**
 * The exports of a plugin's world. `about` is its account of itself; `create` and `secrets` are the host's functions of those names, where the world has them.
 */
export function guest(stage, about, { create, getSecret } = {}) {
  redirectConsole();
  freezeClock();
  if (stage.kind !== 'notify') {
    globalThis.fetch = (url) => Promise.reject(new Unsupported(`a stage of this kind has no network, and \`${url}\` is asked for`));
  }

  const begin = (raw, work) => {
    const session = new HostSession(raw, create, getSecret);
    current = session;
    Math.random = seeded(session.seed);
    return asFailures(session, () => work(session, withDefaults(stage, JSON.parse(raw.paramsJson()))));
  };

  class Model {
    constructor(scorer) {
      this.scorer = scorer;
    }

    static load(state) {
      return asFailures(undefined, () => {
        const model = new Model(stage.model.load(readAll(state)));
        // These two have no way to fail when the host asks, and a state that `save` did not write may lack what they need.
        try {
          model.fields = [model.scorer.inputs().map(rawField), model.scorer.outputs().map(rawField)];
        } catch (thrown) {
          throw new BadInput(`expected a model's state, found one without what its columns are made of: ${thrown}`);
        }
        return model;
      });
    }

    inputs() {
      return this.fields[0];
    }

    outputs() {
      return this.fields[1];
    }

    predict(rows, inputs) {
      return asFailures(undefined, () => {
        const fields = this.scorer.inputs();
        if (inputs.length !== fields.length) throw new BadInput(`expected ${fields.length} input columns, found ${inputs.length}`);
        const columns = inputs.map((raw) => column(raw));
        columns.forEach((each, at) => {
          if (each.length !== rows) throw new BadInput(`expected ${rows} rows in column \`${fields[at].name}\`, found ${each.length}`);
        });
        return this.scorer.predict(rows, columns).map(rawColumn);
      });
    }
  }

  const { name, version, summary } = about;
  return {
    plugin: { describe: () => ({ name, version, summary, paramsSchema: JSON.stringify(about['params-schema']) }) },
    sanityCheck: {
      run: (session, data) =>
        begin(session, (session, params) => given(VERDICTS, stage.check(session, params, new HostTable(data)))),
    },
    train: {
      run: (session, training, validation, state) =>
        begin(session, (session, params) => {
          const made = stage.train(session, params, new HostTable(training), validation && new HostTable(validation));
          state.setMediaType(made.constructor.mediaType);
          writeAll(state, made.save());
        }),
    },
    score: { Model },
    evaluate: {
      run: (session, candidate, production, holdout) =>
        begin(session, (session, params) => {
          const beside = production && new HostModel(production);
          const { outcome, reason } = stage.evaluate(session, params, new HostModel(candidate), beside, new HostTable(holdout));
          return { outcome: given(OUTCOMES, outcome), reason: String(reason) };
        }),
    },
    notify: { run: (session, event) => begin(session, (session, params) => stage.notify(session, params, JSON.parse(event))) },
  };
}

class HostSession extends Session {
  #raw;
  #create;
  #getSecret;
  // A placeholder stands for its value as long as the handle lives.
  #held = [];

  constructor(raw, create, getSecret) {
    super();
    this.#raw = raw;
    this.#create = create;
    this.#getSecret = getSecret;
  }

  get seed() {
    return this.#raw.seed();
  }

  input(name) {
    const reader = this.#raw.input(name);
    return reader && readAll(reader);
  }

  log(level, message, fields = {}) {
    this.#raw.log(level, message, Object.entries(fields).map(([name, value]) => [name, String(value)]));
  }

  measure(name, value, { split, step } = {}) {
    this.#raw.measure([{ name, value, split, step: step === undefined ? undefined : BigInt(step) }]);
  }

  find(code, message, { severity = 'error', subject } = {}) {
    this.#raw.report({ code, severity, message, subject });
  }

  progress(done, total) {
    this.#raw.progress(BigInt(done), total === undefined ? undefined : BigInt(total));
  }

  shouldStop() {
    return this.#raw.shouldStop();
  }

  writeArtifact(name, mediaType, data) {
    if (!this.#create) super.writeArtifact(name);
    writeAll(host(() => this.#create(name, mediaType)), data);
  }

  placeholder(secret) {
    if (!this.#getSecret) super.placeholder(secret);
    const handle = host(() => this.#getSecret(secret));
    this.#held.push(handle);
    return handle.placeholder();
  }
}

class HostTable extends Table {
  constructor(raw) {
    super();
    this.raw = raw;
    this.schema = raw.schema();
    this.rowCount = Number(raw.rowCount());
    this.target = raw.target();
    this.features = raw.features();
    this.digest = raw.digest();
  }

  *batches(columns, rows = BATCH_ROWS) {
    const dtypes = columns.map((name) => this.field(name).dtype);
    const cursor = host(() => this.raw.scan(columns, rows));
    for (let batch = host(() => cursor.next()); batch !== undefined; batch = host(() => cursor.next())) {
      // Who walks a table need not think of it, unless a batch takes long.
      if (current?.shouldStop()) throw new Cancelled();
      yield batch.map((raw, at) => column(raw, dtypes[at]));
    }
  }
}

class HostModel {
  #raw;

  constructor(raw) {
    this.#raw = raw;
    this.digest = raw.digest();
    this.version = raw.version();
  }

  predict(data) {
    return new HostTable(host(() => this.#raw.predict(data.raw)));
  }
}

/** What a stage gave, if it is one of the words that there are. */
function given(words, found) {
  if (found instanceof Promise) return found.then((found) => given(words, found));
  if (!words.includes(found)) throw new TypeError(`expected ${words.map((word) => `\`${word}\``).join(', ')}, found \`${found}\``);
  return found;
}

/** Turns what is thrown, now or by a promise, into the contract's failure; what is no `Failure` goes to the log too, with its stack. */
function asFailures(session, work) {
  const refuse = (thrown) => {
    const failure = failureOf(thrown);
    if (session && failure !== thrown) session.log('error', thrown?.stack ? `${thrown}\n${thrown.stack}`.trim() : failure.message);
    const { tag } = failure.constructor;
    throw tag === 'cancelled' ? { tag } : { tag, val: failure.message };
  };
  try {
    const given = work();
    return given instanceof Promise ? given.catch(refuse) : given;
  } catch (thrown) {
    return refuse(thrown);
  }
}

/** Turns an error of the host's into a `Failure`. */
function host(work) {
  try {
    return work();
  } catch (thrown) {
    const { tag, val } = thrown?.payload ?? thrown ?? {};
    if (thrown instanceof Failure || typeof tag !== 'string') throw thrown;
    if (tag in CASES) throw new CASES[tag](val);
    if (tag === 'no-such-column') throw new BadInput(`the table has no column \`${val}\``);
    if (tag === 'wrong-type') throw new BadInput(val);
    if (tag === 'denied' || tag === 'missing') throw new BadParams(val);
    if (tag === 'io') throw new Retry(val);
    throw new Internal(val === undefined ? tag : `${tag}: ${val}`);
  }
}

function readAll(reader) {
  const data = new Uint8Array(Number(reader.len()));
  for (let at = 0; at < data.length; ) {
    const chunk = host(() => reader.read(BigInt(at), CHUNK));
    if (chunk.length === 0) throw new Retry(`expected ${data.length} bytes, found ${at}`);
    data.set(chunk, at);
    at += chunk.length;
  }
  return data;
}

function writeAll(writer, data) {
  for (let at = 0; at < data.length; at += CHUNK) host(() => writer.write(data.subarray(at, at + CHUNK)));
}

function rawField({ name, dtype = 'float', nullable = false }) {
  if (typeof name !== 'string') throw new TypeError(`expected a column's name, found \`${name}\``);
  return { name, dtype, nullable };
}

const DTYPES = { floats: 'float', integers: 'integer', booleans: 'boolean', texts: 'text' };

function column({ values: { tag, val }, validity }, dtype = DTYPES[tag]) {
  if (tag !== 'texts') return new Column(dtype, val, validity);
  const decoder = new TextDecoder();
  const texts = Array.from(val.ends, (end, at) => decoder.decode(val.bytes.subarray(at === 0 ? 0 : val.ends[at - 1], end)));
  return new Column(dtype, texts, validity);
}

function rawColumn({ dtype, values, validity }) {
  if (dtype === 'float') return { values: { tag: 'floats', val: values }, validity };
  if (dtype === 'boolean') return { values: { tag: 'booleans', val: values }, validity };
  if (dtype !== 'text') return { values: { tag: 'integers', val: values }, validity };
  const encoded = values.map((value) => new TextEncoder().encode(value));
  const ends = new Uint32Array(encoded.length);
  let end = 0;
  encoded.forEach((each, at) => (ends[at] = end += each.length));
  const bytes = new Uint8Array(end);
  encoded.forEach((each, at) => bytes.set(each, at === 0 ? 0 : ends[at - 1]));
  return { values: { tag: 'texts', val: { bytes, ends } }, validity };
}

/** What goes to the console is a line of the log: a component has no standard streams. */
function redirectConsole() {
  const levels = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...words) =>
      current?.log(level, words.map((word) => (typeof word === 'string' ? word : (JSON.stringify(word) ?? String(word)))).join(' '));
  }
}

/** A clock that starts with 2000 and moves a microsecond each time it is looked at, as sprag's own is. `new Date()` stands still. */
function freezeClock() {
  let microseconds = 0;
  const milliseconds = () => (microseconds += 1) / 1000;
  Date.now = () => Math.floor(946684800000 + milliseconds());
  performance.now = milliseconds;
}

/** Random numbers of a seed, in [0, 1): SplitMix64 (Steele, Lea and Flood, 2014), of which the upper 53 bits count. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  };
}
