/** The little linear algebra that a closed form needs, at the speed that an interpreter has. A table of many columns wants more than that. */

import { BadInput } from './failure.js';

/** The sum of products of the first `length` entries. */
export function dot(left, right, length = left.length) {
  let sum = 0;
  for (let i = 0; i < length; i += 1) sum += left[i] * right[i];
  return sum;
}

/** The sum of the values. */
export function sum(values) {
  let total = 0;
  for (let i = 0; i < values.length; i += 1) total += values[i];
  return total;
}

/** The values, each less the same number. */
export function less(values, number) {
  const found = new Float64Array(values.length);
  for (let i = 0; i < values.length; i += 1) found[i] = values[i] - number;
  return found;
}

/** Solves `matrix x = right` by Cholesky's factor. The matrix is symmetric and positive definite, else `BadInput`; of it the lower triangle is read. */
export function solve(matrix, right) {
  const size = right.length;
  const factor = matrix.map((row, i) => {
    const made = new Float64Array(size);
    made.set(row.slice(0, i + 1));
    return made;
  });
  for (let i = 0; i < size; i += 1) {
    const row = factor[i];
    for (let j = 0; j < i; j += 1) row[j] = (row[j] - dot(row, factor[j], j)) / factor[j][j];
    const rest = row[i] - dot(row, row, i);
    // What is left of a column that depends on those before it is rounding.
    if (!(rest > Math.abs(row[i]) * size * 4e-16)) {
      throw new BadInput(`expected columns that do not depend on one another, found that number ${i} does: a penalty above 0 tells them apart`);
    }
    row[i] = Math.sqrt(rest);
  }
  const found = new Float64Array(size);
  for (let i = 0; i < size; i += 1) found[i] = (right[i] - dot(factor[i], found, i)) / factor[i][i];
  for (let i = size - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < size; k += 1) found[i] -= factor[k][i] * found[k];
    found[i] /= factor[i][i];
  }
  return found;
}
