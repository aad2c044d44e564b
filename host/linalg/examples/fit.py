"""Measures a ridge fit in memory against scikit-learn and NumPy, turn by turn, with one number of threads.

Build first, then run with numpy, scipy and scikit-learn installed:
    cargo build --release -p sprag-linalg-host --example fit
    OPENBLAS_NUM_THREADS=2 python host/linalg/examples/fit.py PATH-OF-THE-EXAMPLE 1000000 100
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.linalg
from sklearn.linear_model import Ridge

ROUNDS = int(os.environ.get("ROUNDS", "7"))


def floor(x, y):
    """The arithmetic alone, as NumPy does it at best: no check, no copy; the means are taken out of the sums."""
    rows, (mean, centre) = len(x), (x.mean(axis=0), y.mean())
    gram = x.T @ x - rows * np.outer(mean, mean)
    gram[np.diag_indices_from(gram)] += 1.0
    weights = scipy.linalg.cho_solve(scipy.linalg.cho_factor(gram), x.T @ y - rows * mean * centre)
    return centre - weights @ mean, weights


def scikit(x, y, copy):
    model = Ridge(alpha=1.0, solver="cholesky", fit_intercept=True, copy_X=copy).fit(x, y)
    return model.intercept_, model.coef_


def main():
    program, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    threads = os.environ.get("OPENBLAS_NUM_THREADS", str(os.cpu_count()))
    random = np.random.default_rng(7)
    x = random.standard_normal((rows, columns))
    y = x @ random.standard_normal(columns) + random.standard_normal(rows) + 3.0
    with tempfile.NamedTemporaryFile() as file:
        for column in [*x.T, y]:
            np.ascontiguousarray(column).tofile(file)
        file.flush()
        command = [program, file.name, str(rows), str(columns + 1), threads]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()

    def ours():
        child.stdin.write("\n")
        child.stdin.flush()
        seconds, values = child.stdout.readline().split(" ", 1)
        values = np.array(eval(values))  # a list of numbers that the example wrote
        return float(seconds), (values[0], values[1:])

    def timed(function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        return time.perf_counter() - start, result

    ways = {
        "sprag": ours,
        "scikit-learn": lambda: timed(scikit, x, y, True),
        "NumPy Gram and Cholesky": lambda: timed(floor, x, y),
    }
    taken, expected = {name: [] for name in ways}, None
    for _ in range(ROUNDS):
        for name, way in ways.items():
            seconds, (intercept, weights) = way()
            taken[name].append(seconds)
            expected = weights if expected is None else expected
            assert np.allclose(weights, expected, rtol=1e-9, atol=1e-12), name
    child.stdin.close()
    for name, seconds in taken.items():
        least, middle = min(seconds), statistics.median(seconds)
        print(f"{rows} x {columns}, {threads} threads, {name}: least {least:.3f} s, median {middle:.3f} s")


main()
