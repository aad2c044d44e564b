/** What a stage asks of, and tells to, the run that it belongs to. The host's and `testing.js`'s sessions are made from it. */

import { Cancelled, Unsupported } from './failure.js';

/** One attempt at one stage. */
export class Session {
  /** Writes an `info` line. */
  info(message, fields) {
    this.log('info', message, fields);
  }

  /** Writes a `warn` line. */
  warn(message, fields) {
    this.log('warn', message, fields);
  }

  /** Says how far the work is, and throws `Cancelled` when the stage should stop. */
  advance(done, total) {
    this.progress(done, total);
    if (this.shouldStop()) throw new Cancelled();
  }

  /** Leaves a file with the run. Stages that send to the network have no such right. */
  writeArtifact(name) {
    throw new Unsupported(`a stage of this kind leaves no files, and \`${name}\` is one`);
  }

  /** The text that stands for a secret's value in a request, where the host puts the value in. `notify` has it. */
  placeholder(secret) {
    throw new Unsupported(`a stage of this kind has no secrets, and \`${secret}\` is asked for`);
  }
}
