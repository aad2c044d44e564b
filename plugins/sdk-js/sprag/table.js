/** Tables: handles to columnar data that the host owns, walked a batch at a time. */

import { BadInput } from './failure.js';

/** The rows of a batch, unless there is a reason for another number: between two, the stage may be asked to stop, and an interpreter takes its time over each. */
export const BATCH_ROWS = 1 << 14;

const NUMERIC = ['float', 'integer', 'boolean'];

/**
 * A run of rows of one column. `values` has an entry for each row, which at a null is 0 or the empty text: a `Float64Array` of floats, a `BigInt64Array` of
 * integers and timestamps, a `Uint8Array` of booleans, an array of strings.
 */
export class Column {
  constructor(dtype, values, validity) {
    this.dtype = dtype;
    this.values = values;
    /** A bitmap, least significant bit first: bit `i` is 1 where row `i` has a value; undefined where no row is null. */
    this.validity = validity;
  }

  /** A column of numbers without nulls. A `Float64Array` is taken as it is. */
  static floats(values) {
    return new Column('float', values instanceof Float64Array ? values : Float64Array.from(values));
  }

  /** A column of whole numbers without nulls. */
  static integers(values) {
    return new Column('integer', BigInt64Array.from(values, BigInt));
  }

  /** A column of truth values without nulls. */
  static booleans(values) {
    return new Column('boolean', Uint8Array.from(values, Number));
  }

  /** A column of text without nulls. */
  static texts(values) {
    return new Column('text', [...values]);
  }

  get length() {
    return this.values.length;
  }

  /** Whether a row holds no value. */
  isNull(row) {
    return this.validity !== undefined && !((this.validity[row >> 3] >> (row & 7)) & 1);
  }

  /** The rows that hold no value. */
  nulls() {
    const found = [];
    if (this.validity !== undefined) for (let row = 0; row < this.length; row += 1) if (this.isNull(row)) found.push(row);
    return found;
  }

  /** The values as numbers, nulls as NaN. Floats without nulls are not copied. `BadInput` of text. */
  numbers() {
    if (!NUMERIC.includes(this.dtype)) throw new BadInput(`expected numbers, found ${this.dtype}`);
    const nulls = this.nulls();
    if (this.dtype === 'float' && nulls.length === 0) return this.values;
    const numbers = Float64Array.from(this.values, Number);
    for (const row of nulls) numbers[row] = NaN;
    return numbers;
  }

  /** The values as finite numbers. `BadInput` at text, a null, a NaN or an infinity, with the column and the row, counted from `offset`. */
  finite(name, offset = 0) {
    const [gap] = this.nulls();
    if (gap !== undefined) throw new BadInput(`expected a number in column \`${name}\`, row ${offset + gap}, found no value`);
    if (!NUMERIC.includes(this.dtype)) throw new BadInput(`expected numbers in column \`${name}\`, found ${this.dtype}`);
    const values = this.numbers();
    // The engine looks for a value far faster than a loop does, since it interprets loops.
    if (![NaN, Infinity, -Infinity].some((odd) => values.includes(odd))) return values;
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    throw new BadInput(`expected a finite number in column \`${name}\`, row ${offset + wrong}, found ${values[wrong]}`);
  }
}

/** A table: named, typed columns of one length. It never changes. The host's and `testing.js`'s are made from it. */
export class Table {
  /** The column of this name. `BadInput`, with the names that there are, where there is none. */
  field(name) {
    const found = this.schema.find((field) => field.name === name);
    if (found) return found;
    throw new BadInput(`expected a column \`${name}\`, found ${this.schema.map((field) => `\`${field.name}\``).join(', ')}`);
  }

  /** Walks columns as finite numbers. `BadInput` at text, a null, a NaN or an infinity, with the column and the row. */
  *numbers(columns, rows = BATCH_ROWS) {
    for (const field of columns.map((name) => this.field(name))) {
      if (!NUMERIC.includes(field.dtype)) throw new BadInput(`expected numbers in column \`${field.name}\`, found ${field.dtype}`);
    }
    let offset = 0;
    for (const batch of this.batches(columns, rows)) {
      yield batch.map((column, at) => column.finite(columns[at], offset));
      offset += batch.length > 0 ? batch[0].length : 0;
    }
  }

  /** The features and the target of a table to learn from. `BadInput` where there is no row, no target or no feature. */
  supervised() {
    const { features, target } = this;
    if (target === undefined) throw new BadInput('expected a target column, found that the project names none');
    if (features.length === 0) throw new BadInput('expected at least one feature column, found none');
    if (this.rowCount === 0) throw new BadInput('expected at least one row, found none');
    return { features, target };
  }
}
