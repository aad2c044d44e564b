"""Ridge regression in closed form: two walks over the data sum up the centred Gram matrix, and one small system gives the weights."""

from dataclasses import dataclass

import sprag


@sprag.params
class Params:
    """The parameters of ridge regression."""

    alpha: float = sprag.param(1.0, minimum=0, description="The strength of the penalty on the sum of squared weights.")


@dataclass
class Line(sprag.Scorer):
    """The fitted line, which is the model's state."""

    features: list[str]
    weights: list[float]
    intercept: float

    def inputs(self) -> list[sprag.Field]:
        return [sprag.Field(name) for name in self.features]

    def predict(self, rows: int, inputs: list[sprag.Column]) -> list[sprag.Column]:
        columns = [column.finite(name) for name, column in zip(self.features, inputs)]
        return [sprag.Column.floats(self.intercept + sprag.dot(self.weights, row) for row in zip(*columns))]


@sprag.trainer
def train(session: sprag.Session, params: Params, training: sprag.Table, validation: sprag.Table | None) -> Line:
    features, target = training.supervised()
    columns, rows, done = [*features, target], training.row_count, 0
    means = [0.0] * len(columns)
    for batch in training.numbers(columns):
        means = [mean + sum(values) / rows for mean, values in zip(means, batch)]
    gram = [[0.0] * len(columns) for _ in columns]
    for batch in training.numbers(columns):
        centred = [[value - mean for value in values] for values, mean in zip(batch, means)]
        for i, left in enumerate(centred):
            for j, right in enumerate(centred[: i + 1]):
                gram[i][j] += sprag.dot(left, right)
        done += len(batch[0])
        session.advance(done, rows)
    *matrix, (*products, _) = gram
    for i, row in enumerate(matrix):
        row[i] += params.alpha
    weights = sprag.solve(matrix, products)
    session.measure("coefficient_norm", sprag.dot(weights, weights) ** 0.5, split="training")
    return Line(features, weights, means[-1] - sprag.dot(weights, means[:-1]))
