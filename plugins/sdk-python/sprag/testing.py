"""A host for native tests: tables in memory, a session that remembers, models. It is no part of a component."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .failure import BadParams
from .http import Request, Response
from .session import Session
from .stage import Model, Scorer
from .table import BATCH_ROWS, Column, Dtype, Field, Table


class Frame(Table):
    """Named columns of one length, in memory. Types follow from the values: floats, whole numbers, truth values, text, and None for a null."""

    def __init__(self, columns: dict[str, Sequence[Any] | Column], target: str | None = None, features: list[str] | None = None) -> None:
        self._columns = {name: values if isinstance(values, Column) else _column(values) for name, values in columns.items()}
        if len({len(column) for column in self._columns.values()}) > 1:
            raise ValueError("expected columns of one length")
        self._target, self._features = target, features

    @classmethod
    def from_csv(cls, text: str, target: str | None = None) -> Frame:
        """Reads comma-separated values with a header: a column whose every value is empty or a number holds floats, any other holds text."""
        header, *rows = csv.reader(io.StringIO(text))
        return cls({name: _parsed([row[at] for row in rows]) for at, name in enumerate(header)}, target)

    @property
    def schema(self) -> list[Field]:
        return [Field(name, column.dtype, bool(column.nulls())) for name, column in self._columns.items()]

    @property
    def row_count(self) -> int:
        return max(map(len, self._columns.values()), default=0)

    @property
    def target(self) -> str | None:
        return self._target

    @property
    def features(self) -> list[str]:
        return self._features or [name for name in self._columns if name != self._target]

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(repr(self._columns).encode()).hexdigest()

    def batches(self, columns: Sequence[str], rows: int = BATCH_ROWS) -> Iterator[list[Column]]:
        held = [self._columns[self.field(name).name] for name in columns]
        for start in range(0, self.row_count, rows):
            yield [_slice(column, start, start + rows) for column in held]


@dataclass
class FakeSession(Session):
    """A session that remembers what it was told. `inputs` are the files of the stage, `answer` is the network."""

    seed: int = 0
    params_json: str = "{}"
    inputs: dict[str, bytes] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    answer: Callable[[Request], Response] = lambda request: Response(200)
    stop_after: int | None = None
    """After how many calls of `progress` the stage should stop."""
    logs: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    """By name and split: `mse/training`, or the name alone."""
    findings: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    """Code, severity, message and subject."""
    artifacts: dict[str, bytes] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)
    steps: int = 0

    def input(self, name: str) -> bytes | None:
        return self.inputs.get(name)

    def log(self, level: str, message: str, **fields: object) -> None:
        self.logs.append((level, message, fields))

    def measure(self, name: str, value: float, *, split: str | None = None, step: int | None = None) -> None:
        self.metrics[f"{name}/{split}" if split else name] = value

    def find(self, code: str, message: str, *, severity: str = "error", subject: str | None = None) -> None:
        self.findings.append((code, severity, message, subject))

    def progress(self, done: int, total: int | None = None) -> None:
        self.steps += 1

    def should_stop(self) -> bool:
        return self.stop_after is not None and self.steps >= self.stop_after

    def write_artifact(self, name: str, media_type: str, data: bytes) -> None:
        self.artifacts[name] = data

    def placeholder(self, secret: str) -> str:
        if secret not in self.secrets:
            raise BadParams(f"the stage is not granted the secret `{secret}`")
        return f"placeholder-of-{secret}"

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self.answer(request)


@dataclass
class FakeModel(Model):
    """A model of predictions that are known: a function from a table to the values of the column `prediction`."""

    values: Callable[[Table], Sequence[float]]
    version: str | None = None
    digest: str = "sha256:" + "0" * 64

    def predict(self, data: Table) -> Table:
        return Frame({"prediction": self.values(data)})


def score(scorer: Scorer, data: Table) -> list[Sequence[Any]]:
    """What a model predicts after its state was written and read back, as the host does: the values of each output column."""
    loaded = type(scorer).load(scorer.save())
    found: list[list[Any]] = [[] for _ in loaded.outputs()]
    for batch in data.batches([field.name for field in loaded.inputs()]):
        for values, column in zip(found, loaded.predict(len(batch[0]), batch)):
            values.extend(column.values)
    return found


def params_of(cls: type, **values: Any) -> Any:
    """Parameters as the host would hand them over."""
    from .parameters import read

    return read(cls, json.loads(json.dumps(values)))


def _column(values: Sequence[Any]) -> Column:
    held = [value for value in values if value is not None]
    if held and all(isinstance(value, bool) for value in held):
        dtype, empty = Dtype.BOOLEAN, False
    elif held and all(isinstance(value, int) for value in held):
        dtype, empty = Dtype.INTEGER, 0
    elif all(isinstance(value, (int, float)) for value in held):
        dtype, empty = Dtype.FLOAT, 0.0
    else:
        dtype, empty = Dtype.TEXT, ""
    filled = [empty if value is None else value for value in values]
    if dtype is Dtype.FLOAT:
        filled = [float(value) for value in filled]
    return Column(dtype, filled, None if len(held) == len(values) else _bitmap([value is not None for value in values]))


def _parsed(cells: list[str]) -> Column:
    try:
        return _column([float(cell) if cell else None for cell in cells])
    except ValueError:
        return _column([cell or None for cell in cells])


def _bitmap(bits: Sequence[bool]) -> bytes:
    made = bytearray((len(bits) + 7) // 8)
    for row, bit in enumerate(bits):
        made[row // 8] |= bit << row % 8
    return bytes(made)


def _slice(column: Column, start: int, end: int) -> Column:
    validity = None
    if column.validity is not None:
        validity = _bitmap([not column.is_null(row) for row in range(start, min(end, len(column)))])
    return Column(column.dtype, column.values[start:end], validity)
