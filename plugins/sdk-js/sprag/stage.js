/** The stage kinds: a function for each, and the base of what a trainer makes. */

import { BadInput } from './failure.js';

/** Makes a `sanity-check`: `check(session, params, data)` judges all rows before the split and gives `pass`, `fail` or `skip`. Findings say why. */
export const sanityCheck = (definition) => stage('sanity-check', 'check', definition);

/** Makes a `train` plugin: `train(session, params, training, validation)` gives a model of the class `model`, which extends `Scorer`. */
export function trainer(definition) {
  if (!(definition.model?.prototype instanceof Scorer)) throw new TypeError('expected `model` to be a class that extends `Scorer`');
  return stage('train', 'train', definition);
}

/** Makes an `evaluate` plugin: `evaluate(session, params, candidate, production, holdout)` gives `{ outcome, reason }`. */
export const evaluator = (definition) => stage('evaluate', 'evaluate', definition);

/** Makes a `notify` plugin: `notify(session, params, event)`. To send the same event twice does no harm. */
export const notifier = (definition) => stage('notify', 'notify', definition);

/** A model that a trainer made, which scores with it too. Its state is what its constructor takes: an object of what JSON can hold. */
export class Scorer {
  /** The format of the state (RFC 6838). */
  static mediaType = 'application/json';

  constructor(state) {
    /** What the model learned. */
    this.state = state;
  }

  /** The columns that `predict` gives, in order. The first is the prediction. */
  outputs() {
    return [{ name: 'prediction', dtype: 'float' }];
  }

  /** The model's state: inert bytes that the host stores and never runs. */
  save() {
    return new TextEncoder().encode(JSON.stringify({ format: this.constructor.format, ...this.state }));
  }

  /** Reads a model's state, and refuses with `BadInput` what `save` did not write. */
  static load(bytes) {
    let found;
    try {
      found = JSON.parse(new TextDecoder().decode(bytes));
    } catch (error) {
      throw new BadInput(`expected a model's state, found no JSON: ${error.message}`);
    }
    const { format, ...state } = found ?? {};
    if (format !== this.format) throw new BadInput(`expected a model's state of the format \`${this.format}\`, found other JSON`);
    return new this(state);
  }
}

/** The JSON Schema (2020-12) of a plugin's parameters. Each is a schema of its own; one without a `default` is required. */
export function paramsSchema(stage) {
  const properties = stage.params ?? {};
  const required = Object.keys(properties).filter((name) => !('default' in properties[name]));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length > 0 ? { required } : {}),
  };
}

/** The parameters with the defaults of those that are not given. The host has held them against the schema already. */
export function withDefaults(stage, given) {
  const defaults = Object.entries(stage.params ?? {}).filter(([, schema]) => 'default' in schema);
  return { ...Object.fromEntries(defaults.map(([name, schema]) => [name, structuredClone(schema.default)])), ...given };
}

function stage(kind, method, definition) {
  if (typeof definition[method] !== 'function') throw new TypeError(`expected a function \`${method}\` in a plugin of the kind \`${kind}\``);
  return { kind, ...definition };
}
