/** Why a stage could not do its work. That a check fails or that a model is not better is not a failure. */

/** Thrown to end a stage. Throw one of the classes below, which say whose fault it is. */
export class Failure extends Error {
  /** The case of the contract's `failure`. */
  static tag = 'internal';
}

/** The data cannot be worked on: says what was expected and what was found. */
export class BadInput extends Failure {
  static tag = 'bad-input';
}

/** The parameters contradict each other or the data. */
export class BadParams extends Failure {
  static tag = 'bad-params';
}

/** The plugin does not do what was asked. */
export class Unsupported extends Failure {
  static tag = 'unsupported';
}

/** The plugin stopped because the host asked for it. */
export class Cancelled extends Failure {
  static tag = 'cancelled';
}

/** Something that may work when tried again. */
export class Retry extends Failure {
  static tag = 'retry';
}

/** A fault in the plugin. */
export class Internal extends Failure {
  static tag = 'internal';
}

/** What was thrown, as a failure: a `Failure` is itself, and anything else is `Internal`, with its message and where it was thrown. */
export function failureOf(thrown) {
  if (thrown instanceof Failure) return thrown;
  if (!(thrown instanceof Error)) return new Internal(`thrown: ${typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown)}`);
  const frame = (thrown.stack ?? '').split('\n').find((line) => /:\d+:\d+/.test(line));
  return new Internal(`${thrown.name}: ${thrown.message}${frame ? ` (${frame.trim().replace(/^at /, '')})` : ''}`);
}
