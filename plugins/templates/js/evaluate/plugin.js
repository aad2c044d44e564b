/** Promotes a candidate whose mean squared error on the hold-out is lower than that of the model in production. */

import { evaluator } from './sprag/index.js';

export default evaluator({
  params: {
    margin: { type: 'number', minimum: 0, default: 0, description: "By how much the error must be lower, as a share of production's." },
    at_most: { type: ['number', 'null'], default: null, description: 'The highest error that is accepted at all.' },
  },

  evaluate(session, params, candidate, production, holdout) {
    const error = meanSquaredError(candidate, holdout);
    session.measure('mse', error, { split: 'candidate' });
    if (params.at_most !== null && error > params.at_most) {
      const reason = `mse ${error} must be at most ${params.at_most}`;
      session.find('bound-broken', reason);
      return { outcome: 'blocked', reason };
    }
    if (production === undefined) return { outcome: 'promote', reason: `the first model, since none is in production yet; mse is ${error}` };
    const beside = meanSquaredError(production, holdout);
    session.measure('mse', beside, { split: 'production' });
    const better = error < beside * (1 - params.margin);
    const reason = `mse ${error} is ${better ? '' : 'not '}lower than ${beside} of ${production.version ?? 'production'}`;
    return { outcome: better ? 'promote' : 'keep', reason };
  },
});

/** The mean of the squared errors of a model's first output. */
function meanSquaredError(model, holdout) {
  const { target } = holdout.supervised();
  const predicted = model.predict(holdout);
  const guesses = predicted.numbers([predicted.schema[0].name]);
  let total = 0;
  for (const [truth] of holdout.numbers([target])) {
    const [guess] = guesses.next().value;
    truth.forEach((value, row) => (total += (value - guess[row]) ** 2));
  }
  return total / holdout.rowCount;
}
