/** Ridge regression in closed form: two walks over the data sum up the centred Gram matrix, and one small system gives the weights. */

import { Column, Scorer, dot, less, solve, sum, trainer } from './sprag/index.js';

/** The fitted line, which is the model's state. */
class Line extends Scorer {
  static format = 'line/1';

  inputs() {
    return this.state.features.map((name) => ({ name, dtype: 'float' }));
  }

  predict(rows, inputs) {
    const predictions = new Float64Array(rows).fill(this.state.intercept);
    inputs.forEach((column, at) => {
      const values = column.finite(this.state.features[at]);
      const weight = this.state.weights[at];
      for (let row = 0; row < rows; row += 1) predictions[row] += weight * values[row];
    });
    return [Column.floats(predictions)];
  }
}

export default trainer({
  params: {
    alpha: { type: 'number', minimum: 0, default: 1, description: 'The strength of the penalty on the sum of squared weights.' },
  },
  model: Line,

  train(session, params, training) {
    const { features, target } = training.supervised();
    const columns = [...features, target];
    const means = new Float64Array(columns.length);
    for (const batch of training.numbers(columns)) {
      batch.forEach((values, at) => (means[at] += sum(values) / training.rowCount));
    }
    const gram = columns.map(() => new Float64Array(columns.length));
    let done = 0;
    for (const batch of training.numbers(columns)) {
      const centred = batch.map((values, at) => less(values, means[at]));
      centred.forEach((left, i) => {
        for (let j = 0; j <= i; j += 1) gram[i][j] += dot(left, centred[j]);
      });
      session.advance((done += batch[0].length), training.rowCount);
    }
    const products = gram.pop().slice(0, -1);
    gram.forEach((row, i) => (row[i] += params.alpha));
    const weights = solve(gram, products);
    session.measure('coefficient_norm', Math.sqrt(dot(weights, weights)), { split: 'training' });
    return new Line({ features, weights: [...weights], intercept: means[features.length] - dot(weights, means) });
  },
});
