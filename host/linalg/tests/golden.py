"""Writes golden/*.json: what NumPy and SciPy make of matrices that are made here by a rule which the tests in Rust repeat.

Run with numpy and scipy installed: python host/linalg/tests/golden.py
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.linalg

HERE = pathlib.Path(__file__).parent / "golden"


def noise(rows, columns, seed):
    """Numbers from -1 to 1 by Knuth's linear congruential generator, column after column."""
    state, values = seed, np.empty(rows * columns)
    for at in range(rows * columns):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values[at] = (state >> 11) / 2.0**52 - 1.0
    return values.reshape((rows, columns), order="F")


def hilbert(rows, columns):
    return 1.0 / (np.arange(rows)[:, None] + np.arange(columns)[None, :] + 1.0)


def dependent(rows):
    """Six columns of rank 4: the last two are sums of others, exactly."""
    whole = np.round(noise(rows, 4, 5) * 1024.0) / 1024.0
    return np.column_stack([whole, whole[:, 0] + whole[:, 1], whole[:, 2] - whole[:, 3]])


def constant(rows):
    matrix = noise(rows, 4, 6)
    matrix[:, 2] = 0.1
    return matrix


MATRICES = {
    "random-40x7": noise(40, 7, 1),
    "random-5000x13": noise(5000, 13, 2),
    "wide-4x9": noise(4, 9, 3),
    "hilbert-60x9": hilbert(60, 9),
    "hilbert-9x9": hilbert(9, 9),
    "dependent-50x6": dependent(50),
    "dependent-3000x6": dependent(3000),
    "constant-30x4": constant(30),
    "scaled-30x3": noise(30, 3, 7) * np.array([1e-9, 1.0, 1e9]),
    "one-row-1x4": noise(1, 4, 8),
    "one-column-25x1": noise(25, 1, 9),
    "zero-10x3": np.zeros((10, 3)),
}


def flat(matrix):
    return np.asarray(matrix).flatten(order="F").tolist()


def golden(x):
    rows, columns = x.shape
    y = noise(rows, 2, 99)
    weights = np.abs(noise(rows, 1, 98)[:, 0])
    centred = x - x.mean(axis=0)
    gram = x.T @ x
    solution, _, rank, _ = scipy.linalg.lstsq(x, y, cond=np.finfo(float).eps * max(rows, columns), lapack_driver="gelsd")
    ridge = gram + 0.5 * np.eye(columns)
    r = np.linalg.qr(x)[1]
    r *= np.where(np.diag(r) < 0, -1.0, 1.0)[:, None]
    return {
        "mean": flat(x.mean(axis=0)),
        "variance": flat(x.var(axis=0)),
        "min": flat(x.min(axis=0)),
        "max": flat(x.max(axis=0)),
        "gram": flat(gram),
        "centred_gram": flat(centred.T @ centred),
        "weighted_gram": flat((x * weights[:, None]).T @ x),
        "cross": flat(x.T @ y),
        "product": flat(x[:8] @ noise(columns, 3, 97)),
        "ridge_cholesky": flat(scipy.linalg.cholesky(ridge, lower=True)),
        "ridge_solution": flat(scipy.linalg.solve(ridge, x.T @ y, assume_a="pos")),
        "triangle": flat(r),
        "rank": int(rank),
        "least_squares": flat(solution),
        "residuals": flat(((y - x @ solution) ** 2).sum(axis=0)),
        "eigenvalues": scipy.linalg.eigh(gram, eigvals_only=True).tolist(),
    }


def main():
    HERE.mkdir(exist_ok=True)
    for name, x in MATRICES.items():
        lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in golden(x).items()]
        (HERE / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"numpy {np.__version__}, scipy {scipy.__version__}: {len(MATRICES)} files")


main()
