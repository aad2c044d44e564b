"""The other side of the decorators: what the world of a stage kind exports, over the bindings that componentize-py makes.

It is imported inside a component alone, and everything that it needs is imported here: a component has no file system to import from later.
"""

from __future__ import annotations

import json
import random
import sys
import traceback
import types as python_types
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from componentize_py_types import Err
from wit_world.exports.plugin import PluginInfo
from wit_world.imports import context, types

from . import failure as failures
from . import parameters, sandbox, stage
from .failure import Failure, Internal, failure_of
from .http import Request, Response
from .session import Session
from .table import BATCH_ROWS, Column, Dtype, Field, Table

try:
    from wit_world.imports import tables
except ImportError:  # The worlds of the kinds without data.
    tables = None
try:
    from wit_world.imports import artifacts
except ImportError:
    artifacts = None
try:
    from wit_world.imports import secrets
except ImportError:
    secrets = None
try:
    from . import network
except ImportError:
    network = None

CHUNK = 1 << 20
"""The bytes that one call moves."""


def export(module: python_types.ModuleType, about: dict[str, Any]) -> dict[str, type]:
    """The classes that componentize-py looks for, by name: those of every kind, of which the world takes its own."""
    found = stage.stage_of(module)
    kind = found.params

    def begin(raw: Any, work: Callable[[Session, Any], Any]) -> Any:
        session = HostSession(raw)
        _output.session = session
        random.seed(session.seed)
        with _as_failures(session):
            return work(session, parameters.read(kind, json.loads(session.params_json)))

    class Plugin:
        def describe(self) -> Any:
            return PluginInfo(about["name"], about["version"], about["summary"], json.dumps(about["params-schema"]))

    class SanityCheck:
        def run(self, session: Any, data: Any) -> Any:
            def work(session: Session, given: Any) -> Any:
                return types.Verdict[_expect(stage.Verdict, found.run(session, given, HostTable(data))).name]

            return begin(session, work)

    class Train:
        def run(self, session: Any, training: Any, validation: Any, state: Any) -> None:
            def work(session: Session, given: Any) -> None:
                beside = None if validation is None else HostTable(validation)
                made = _expect(stage.Scorer, found.run(session, given, HostTable(training), beside))
                state.set_media_type(made.media_type)
                _write(state, made.save())

            begin(session, work)

    class Evaluate:
        def run(self, session: Any, candidate: Any, production: Any, holdout: Any) -> Any:
            def work(session: Session, given: Any) -> Any:
                beside = None if production is None else HostModel(production)
                decision = _expect(stage.Decision, found.run(session, given, HostModel(candidate), beside, HostTable(holdout)))
                return types.Decision(types.Outcome[decision.outcome.name], decision.reason)

            return begin(session, work)

    class Notify:
        def run(self, session: Any, event_json: str) -> None:
            begin(session, lambda session, given: found.run(session, given, json.loads(event_json)))

    class Model:
        """The exported resource `score.model`."""

        def __init__(self, scorer: Any) -> None:
            self.scorer = scorer

        @classmethod
        def load(cls, state: Any) -> Model:
            with _as_failures():
                model = cls(found.scorer.load(_read(state)))
                # These two have no way to fail when the host asks, and a state that `save` did not write may lack what they need.
                try:
                    model.fields = [[_raw_field(field) for field in fields] for fields in (model.scorer.inputs(), model.scorer.outputs())]
                except Exception as error:
                    raise failures.BadInput(f"expected a model's state, found one without what its columns are made of: {error}") from error
                return model

        def inputs(self) -> list[Any]:
            return self.fields[0]

        def outputs(self) -> list[Any]:
            return self.fields[1]

        def predict(self, rows: int, inputs: list[Any]) -> list[Any]:
            with _as_failures():
                fields = self.scorer.inputs()
                if len(inputs) != len(fields):
                    raise failures.BadInput(f"expected {len(fields)} input columns, found {len(inputs)}")
                columns = [_column(raw) for raw in inputs]
                for field, column in zip(fields, columns):
                    if len(column) != rows:
                        raise failures.BadInput(f"expected {rows} rows in column `{field.name}`, found {len(column)}")
                return [_raw_column(column) for column in self.scorer.predict(rows, columns)]

    sandbox.close()
    return {kind.__name__: kind for kind in (Plugin, SanityCheck, Train, Evaluate, Notify, Model)}


class HostSession(Session):
    """The host's session."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def seed(self) -> int:
        return self._raw.seed()

    @property
    def params_json(self) -> str:
        return self._raw.params_json()

    def input(self, name: str) -> bytes | None:
        reader = self._raw.input(name)
        return None if reader is None else _read(reader)

    def log(self, level: str, message: str, **fields: object) -> None:
        self._raw.log(context.Level[level.upper()], message, [(name, str(value)) for name, value in fields.items()])

    def measure(self, name: str, value: float, *, split: str | None = None, step: int | None = None) -> None:
        self._raw.measure([context.Measurement(name, float(value), step, split)])

    def find(self, code: str, message: str, *, severity: str = "error", subject: str | None = None) -> None:
        self._raw.report(context.Finding(code, context.Severity[severity.upper()], message, subject))

    def progress(self, done: int, total: int | None = None) -> None:
        self._raw.progress(done, total)

    def should_stop(self) -> bool:
        return self._raw.should_stop()

    def write_artifact(self, name: str, media_type: str, data: bytes) -> None:
        if artifacts is None:
            raise failures.Unsupported(f"a stage of this kind leaves no files, and `{name}` is one")
        with _host(), artifacts.create(name, media_type) as writer:
            _write(writer, data)

    def placeholder(self, secret: str) -> str:
        if secrets is None:
            return super().placeholder(secret)
        with _host():
            handle = secrets.get(secret)
        # A placeholder stands for its value as long as the handle lives.
        self._held = [*getattr(self, "_held", []), handle]
        return handle.placeholder()

    def send(self, request: Request) -> Response:
        return super().send(request) if network is None else network.send(request)


class HostTable(Table):
    """A table of the host's."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self._schema = [Field(field.name, Dtype[field.dtype.name], field.nullable) for field in raw.schema()]

    @property
    def schema(self) -> list[Field]:
        return self._schema

    @property
    def row_count(self) -> int:
        return self.raw.row_count()

    @property
    def target(self) -> str | None:
        return self.raw.target()

    @property
    def features(self) -> list[str]:
        return self.raw.features()

    @property
    def digest(self) -> str:
        return self.raw.digest()

    def batches(self, columns: Sequence[str], rows: int = BATCH_ROWS) -> Iterator[list[Column]]:
        dtypes = [self.field(name).dtype for name in columns]
        with _host():
            cursor = self.raw.scan(list(columns), rows)
        with cursor:
            while True:
                with _host():
                    batch = cursor.next_raw()
                if batch is None:
                    return
                # Who walks a table need not think of it, unless a batch takes long.
                if _output.session is not None and _output.session.should_stop():
                    raise failures.Cancelled
                yield [_of_bytes(raw, dtype) for raw, dtype in zip(batch, dtypes)]


class HostModel(stage.Model):
    """A model of the host's."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def digest(self) -> str:
        return self._raw.digest()

    @property
    def version(self) -> str | None:
        return self._raw.version()

    def predict(self, data: Table) -> Table:
        with _host():
            return HostTable(self._raw.predict(data.raw))


class Output:
    """What is printed, as lines of the log. A component has no standard streams."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.session: Session | None = None
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if self.session is not None:
                self.session.info(line)
        return len(text)

    def flush(self) -> None:
        pass


_output = Output()


@contextmanager
def _as_failures(session: Session | None = None) -> Iterator[None]:
    """Turns an exception into the contract's failure; one that is no `Failure` goes to the log too, with its traceback."""
    sandbox.begin()
    sys.stdout = sys.stderr = _output
    try:
        yield
    except BaseException as error:
        found = failure_of(error)
        if session is not None and found is not error:
            session.log("error", "".join(traceback.format_exception(type(error), error, _own(error.__traceback__))).strip())
        name = type(found).__name__ if type(found) is not Failure else "Internal"
        case = getattr(types, f"Failure_{name}")
        raise Err(case() if name == "Cancelled" else case(str(found))) from None


def _own(frames: python_types.TracebackType | None) -> python_types.TracebackType | None:
    """The frames from the plugin's first on."""
    first = frames
    while first is not None and "/sprag/" in first.tb_frame.f_code.co_filename:
        first = first.tb_next
    return first or frames


def _expect(kind: type, found: Any) -> Any:
    if not isinstance(found, kind):
        raise TypeError(f"expected the stage to return a `{kind.__name__}`, found `{found!r}`")
    return found


@contextmanager
def _host() -> Iterator[None]:
    """Turns an error of the host's into a `Failure`."""
    try:
        yield
    except Err as error:
        kind, _, case = type(error.value).__name__.partition("_")
        message = str(getattr(error.value, "value", "")) or case
        by_case = {
            "NoSuchColumn": failures.BadInput(f"the table has no column `{message}`"),
            "Io": failures.Retry(message),
            "Denied": failures.BadParams(message),
            "Missing": failures.BadParams(message),
            "WrongType": failures.BadInput(message),
        }
        if kind == "Failure":
            raise (failures.Cancelled() if case == "Cancelled" else getattr(failures, case)(message)) from None
        raise by_case.get(case, Internal(f"{kind} {case}: {message}")) from None


def _read(reader: Any) -> bytes:
    data = bytearray()
    with _host():
        while chunk := reader.read(len(data), CHUNK):
            data += chunk
    return bytes(data)


def _write(writer: Any, data: bytes) -> None:
    with _host():
        for start in range(0, len(data), CHUNK):
            writer.write(data[start : start + CHUNK])


def _raw_field(field: Field) -> Any:
    if not isinstance(field.name, str):
        raise TypeError(f"expected a column's name, found {field.name!r}")
    return tables.Field(field.name, tables.Dtype[field.dtype.name], field.nullable)


def _of_bytes(raw: Any, dtype: Dtype) -> Column:
    """A column that came as bytes: numbers stay packed, and none is an object before it is looked at."""
    if dtype is Dtype.TEXT:
        return Column(dtype, _texts(raw.bytes, raw.ends), raw.validity)
    if dtype is Dtype.BOOLEAN:
        return Column(dtype, raw.bytes, raw.validity)
    values = array("d" if dtype is Dtype.FLOAT else "q")
    values.frombytes(raw.bytes)
    return Column(dtype, values, raw.validity)


def _texts(data: bytes, ends: Sequence[int]) -> list[str]:
    return [data[start:end].decode() for start, end in zip([0, *ends], ends)]


def _column(raw: Any, dtype: Dtype | None = None) -> Column:
    values = raw.values
    if isinstance(values, tables.Values_Floats):
        return Column(Dtype.FLOAT, values.value, raw.validity)
    if isinstance(values, tables.Values_Integers):
        return Column(dtype or Dtype.INTEGER, values.value, raw.validity)
    if isinstance(values, tables.Values_Booleans):
        return Column(Dtype.BOOLEAN, values.value, raw.validity)
    return Column(Dtype.TEXT, _texts(values.value.bytes, values.value.ends), raw.validity)


def _raw_column(column: Column) -> Any:
    if column.dtype is Dtype.TEXT:
        encoded, ends, end = [value.encode() for value in column.values], [], 0
        for value in encoded:
            ends.append(end := end + len(value))
        values = tables.Values_Texts(tables.TextValues(b"".join(encoded), ends))
    elif column.dtype is Dtype.BOOLEAN:
        values = tables.Values_Booleans(bytes(column.values))
    elif column.dtype is Dtype.FLOAT:
        values = tables.Values_Floats(column.values if isinstance(column.values, list) else list(column.values))
    else:
        values = tables.Values_Integers(list(column.values))
    return tables.Column(values, column.validity)
