"""Promotes a candidate whose mean squared error on the hold-out is lower than that of the model in production."""

import sprag
from sprag import Decision, Outcome


@sprag.params
class Params:
    """The rule."""

    margin: float = sprag.param(0.0, minimum=0, description="By how much the error must be lower, as a share of production's.")
    at_most: float | None = sprag.param(None, description="The highest error that is accepted at all.")


@sprag.evaluator
def evaluate(
    session: sprag.Session, params: Params, candidate: sprag.Model, production: sprag.Model | None, holdout: sprag.Table
) -> Decision:
    error = mean_squared_error(candidate, holdout)
    session.measure("mse", error, split="candidate")
    if params.at_most is not None and error > params.at_most:
        reason = f"mse {error:.6g} must be at most {params.at_most:.6g}"
        session.find("bound-broken", reason)
        return Decision(Outcome.BLOCKED, reason)
    if production is None:
        return Decision(Outcome.PROMOTE, f"the first model, since none is in production yet; mse is {error:.6g}")
    beside = mean_squared_error(production, holdout)
    session.measure("mse", beside, split="production")
    against = f"{beside:.6g} of {production.version or 'production'}"
    if error < beside * (1 - params.margin):
        return Decision(Outcome.PROMOTE, f"mse {error:.6g} is lower than {against}")
    return Decision(Outcome.KEEP, f"mse {error:.6g} is not lower than {against}")


def mean_squared_error(model: sprag.Model, holdout: sprag.Table) -> float:
    """The mean of the squared errors of a model's first output."""
    _, target = holdout.supervised()
    predicted = model.predict(holdout)
    total = 0.0
    for (truth,), (guess,) in zip(holdout.numbers([target]), predicted.numbers([predicted.schema[0].name])):
        errors = [a - b for a, b in zip(truth, guess)]
        total += sprag.dot(errors, errors)
    return total / holdout.row_count
