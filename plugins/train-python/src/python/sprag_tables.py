"""The tables that the host hands over: for each column files in numpy's own format, which are mapped and not copied."""

import json
import os
import sys

import numpy

MAPPED = None if sys.platform == "wasi" else "r"
"""How files are read: WebAssembly has no memory to map them into."""


class Data:
    """Rows to learn from, with what the project says about their columns."""

    def __init__(self, columns, features, target, rows):
        self.columns = columns
        """Every column as a numpy array, by its name. Nulls are NaN (then an integer column is one of floats), NaT or None."""
        self.features = features
        """The names of the columns that the model may use, in order."""
        self.target = target
        """The name of the column to predict; None where the project names none."""
        self.rows = rows
        """How many rows there are."""
        self.validation = None
        """The rows that the project keeps for validation, as the same; None where it keeps none."""

    @property
    def frame(self):
        """All columns: a pandas data frame."""
        import pandas

        return pandas.DataFrame(self.columns)

    @property
    def X(self):
        """The features: a pandas data frame, or without pandas a two-dimensional array of floats."""
        try:
            import pandas
        except ImportError:
            return self.matrix
        return pandas.DataFrame({name: self.columns[name] for name in self.features})

    @property
    def y(self):
        """The target: a pandas series, or without pandas an array."""
        try:
            import pandas
        except ImportError:
            return self.columns[self.target]
        return pandas.Series(self.columns[self.target], name=self.target)

    @property
    def matrix(self):
        """The features as a two-dimensional array of floats, whether or not pandas is there."""
        if not self.features:
            return numpy.empty((self.rows, 0))
        return numpy.column_stack([numpy.asarray(self.columns[name], dtype=numpy.float64) for name in self.features])

    def __len__(self):
        return self.rows


def read(folder, name):
    """Reads a table."""
    with open(os.path.join(folder, f"{name}.json"), encoding="utf-8") as file:
        about = json.load(file)
    columns = {c["name"]: column(folder, c) for c in about["columns"]}
    return Data(columns, about["features"], about["target"], about["rows"])


def column(folder, about):
    """Reads a column."""

    def load(key):
        return numpy.load(os.path.join(folder, about[key]), mmap_mode=MAPPED, allow_pickle=False)

    valid = load("valid") if about.get("valid") else None
    if about["dtype"] == "text":
        return texts(load("bytes"), load("ends"), valid)
    values = load("values")
    if valid is None:
        return values
    if about["dtype"] == "timestamp":
        return numpy.where(valid, values, numpy.datetime64("NaT"))
    if about["dtype"] == "boolean":
        return numpy.where(valid, values, None)
    return numpy.where(valid, values.astype(numpy.float64), numpy.nan)


def texts(bytes_, ends, valid):
    """Text in Arrow's layout, as an array of objects."""
    whole, start = bytes_.tobytes(), 0
    values = numpy.empty(len(ends), dtype=object)
    for row, end in enumerate(ends.tolist()):
        values[row] = whole[start:end].decode() if valid is None or valid[row] else None
        start = end
    return values
