/** Checks that a table has enough rows and few enough nulls in each column. */

import { sanityCheck } from './sprag/index.js';

export default sanityCheck({
  params: {
    rows: { type: 'integer', minimum: 0, default: 1, description: 'The fewest rows.' },
    null_share: { type: 'number', minimum: 0, maximum: 1, default: 0, description: 'The highest share of rows without a value in a column.' },
  },

  check(session, params, data) {
    const rows = data.rowCount;
    let verdict = 'pass';
    session.measure('rows', rows, { split: 'data' });
    if (rows < params.rows) {
      session.find('too-few-rows', `expected at least ${params.rows} rows, found ${rows}`);
      verdict = 'fail';
    }
    // A column that holds no null need not be read.
    const nullable = data.schema.filter((field) => field.nullable).map((field) => field.name);
    const nulls = nullable.map(() => 0);
    let done = 0;
    for (const batch of nullable.length > 0 ? data.batches(nullable) : []) {
      batch.forEach((column, at) => (nulls[at] += column.nulls().length));
      session.advance((done += batch[0].length), rows);
    }
    nullable.forEach((subject, at) => {
      if (nulls[at] <= params.null_share * rows) return;
      session.find('null-values', `expected at most ${params.null_share * rows} rows without a value, found ${nulls[at]}`, { subject });
      verdict = 'fail';
    });
    return verdict;
  },
});
