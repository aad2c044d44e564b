"""Writes a lifecycle stage of sprag in Python.

A plugin is a module `plugin.py` with one function under one of the decorators `sanity_check`, `trainer`, `evaluator` and `notifier`. Its parameters are a
dataclass, whose JSON Schema becomes the plugin's. `python -m sprag.build` makes the component.

    import sprag

    @sprag.params
    class Params:
        rows: int = sprag.param(1, minimum=1, description="How many rows there must be.")

    @sprag.sanity_check
    def check(session: sprag.Session, params: Params, data: sprag.Table) -> sprag.Verdict:
        return sprag.Verdict.PASS if data.row_count >= params.rows else sprag.Verdict.FAIL

The package uses the standard library alone. Outside of a component it is ordinary Python: `sprag.testing` has tables, a session and models for native tests.
"""

from .failure import BadInput, BadParams, Cancelled, Failure, Internal, Retry, Unsupported
from .http import Request, Response
from .linear import dot, solve
from .parameters import param, params
from .session import Session
from .stage import Decision, Model, Outcome, Scorer, Verdict, evaluator, notifier, sanity_check, trainer
from .table import BATCH_ROWS, Column, Dtype, Field, Table

__all__ = [
    "BATCH_ROWS", "BadInput", "BadParams", "Cancelled", "Column", "Decision", "Dtype", "Failure", "Field", "Internal", "Model", "Outcome", "Request",
    "Response", "Retry", "Scorer", "Session", "Table", "Unsupported", "Verdict", "dot", "evaluator", "notifier", "param", "params", "sanity_check",
    "solve", "trainer",
]
