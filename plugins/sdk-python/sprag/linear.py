"""The little linear algebra that a closed form needs, at the speed that plain Python has. A table of many columns wants more than that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

from .failure import BadInput


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    """The sum of products. In a component it is rounded once (`math.sumprod` of Python 3.12), before that once for each term."""
    return math.sumprod(left, right) if hasattr(math, "sumprod") else sum(map(mul, left, right))


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solves `matrix x = right` by Cholesky's factor. The matrix is symmetric and positive definite, else `BadInput`; of it the lower triangle is read."""
    factor: list[list[float]] = []
    for i, row in enumerate(matrix):
        made: list[float] = []
        for j in range(i):
            made.append((row[j] - dot(made, factor[j][:j])) / factor[j][j])
        rest = row[i] - dot(made, made)
        # What is left of a column that depends on those before it is rounding.
        if not rest > abs(row[i]) * len(matrix) * 4e-16:
            raise BadInput(f"expected columns that do not depend on one another, found that number {i} does: a penalty above 0 tells them apart")
        factor.append([*made, math.sqrt(rest)])
    half: list[float] = []
    for value, row in zip(right, factor):
        half.append((value - dot(row[:-1], half)) / row[-1])
    found = [0.0] * len(half)
    for i in reversed(range(len(half))):
        found[i] = (half[i] - sum(factor[k][i] * found[k] for k in range(i + 1, len(half)))) / factor[i][i]
    return found
