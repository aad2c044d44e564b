/**
 * Writes a lifecycle stage of sprag in JavaScript.
 *
 * A plugin is a module `plugin.js` whose default export is made by one of `sanityCheck`, `trainer`, `evaluator` and `notifier`. `node sprag/build.mjs` makes the
 * component. `sprag/testing.js` has tables, a session and models for native tests. The types of all of it are in `index.d.ts`.
 *
 * @module
 */

export { BadInput, BadParams, Cancelled, Failure, Internal, Retry, Unsupported } from './failure.js';
export { dot, less, solve, sum } from './linear.js';
export { Scorer, evaluator, notifier, sanityCheck, trainer } from './stage.js';
export { BATCH_ROWS, Column, Table } from './table.js';
export { Session } from './session.js';
