"""The stage kinds: a decorator for each, and what their functions take and give."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .failure import BadInput
from .table import Column, Field, Table


class Verdict(enum.Enum):
    """How a check ended."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"


class Outcome(enum.Enum):
    """What an evaluation decided."""

    PROMOTE = "promote"
    KEEP = "keep"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Decision:
    """The outcome of an evaluation, with the reason that people read."""

    outcome: Outcome
    reason: str


class Model(ABC):
    """A trained model as an evaluation sees it: it can be asked for predictions, not opened."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """The digest over scorer and state: equal digests mean equal predictions."""

    @property
    @abstractmethod
    def version(self) -> str | None:
        """The name and version it is registered under, such as `diabetes@3`; none for a candidate."""

    @abstractmethod
    def predict(self, data: Table) -> Table:
        """Scores every row: a table with the model's output columns and as many rows as `data`, in the same order."""


class Scorer(ABC):
    """A model that a trainer made, which scores with it too. A dataclass of what JSON can hold needs no more than `inputs` and `predict`."""

    media_type = "application/json"
    """The format of the state (RFC 6838)."""

    @abstractmethod
    def inputs(self) -> list[Field]:
        """The columns that `predict` needs, in order."""

    @abstractmethod
    def predict(self, rows: int, inputs: list[Column]) -> list[Column]:
        """Scores a batch of `rows` rows: a column for each of `inputs()` gives one for each of `outputs()`."""

    def outputs(self) -> list[Field]:
        """The columns that `predict` gives, in order. The first is the prediction."""
        return [Field("prediction")]

    def save(self) -> bytes:
        """The model's state: inert bytes that the host stores and never runs."""
        state = {"format": type(self).__name__} | {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps(state, allow_nan=False).encode()

    @classmethod
    def load(cls, state: bytes) -> Scorer:
        """Reads a model's state, and refuses with `BadInput` what `save` did not write."""
        try:
            found = json.loads(state)
        except ValueError as error:
            raise BadInput(f"expected a model's state, found no JSON: {error}") from error
        names = {"format"} | {field.name for field in dataclasses.fields(cls)}
        if not isinstance(found, dict) or set(found) != names or found.pop("format") != cls.__name__:
            raise BadInput(f"expected a model's state with the format `{cls.__name__}`, found other JSON")
        return cls(**found)


@dataclass(frozen=True)
class Stage:
    """What a decorator notes of a function."""

    kind: str
    run: Callable[..., Any]
    scorer: type[Scorer] | None = None

    @property
    def params(self) -> type | None:
        """The class of the parameters: the annotation of the function's second argument."""
        names = list(typing.get_type_hints(self.run).items())
        second = self.run.__code__.co_varnames[1]
        found = dict(names).get(second)
        return found if dataclasses.is_dataclass(found) else None


def sanity_check(function: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Makes a `sanity-check` of `check(session, params, data)`, which judges all rows before the split. Findings say why."""
    return _mark(Stage("sanity-check", function))


def trainer(function: Callable[..., Scorer]) -> Callable[..., Scorer]:
    """Makes a `train` plugin of `train(session, params, training, validation) -> Line`, where `Line` is the plugin's own `Scorer`."""
    scorer = typing.get_type_hints(function).get("return")
    if not (isinstance(scorer, type) and issubclass(scorer, Scorer)):
        raise TypeError(f"expected `{function.__name__}` to name its `Scorer` as what it returns, found `{scorer}`")
    return _mark(Stage("train", function, scorer))


def evaluator(function: Callable[..., Decision]) -> Callable[..., Decision]:
    """Makes an `evaluate` plugin of `evaluate(session, params, candidate, production, holdout)`. `production` is none where no model is in production."""
    return _mark(Stage("evaluate", function))


def notifier(function: Callable[..., None]) -> Callable[..., None]:
    """Makes a `notify` plugin of `notify(session, params, event)`. To send the same event twice does no harm."""
    return _mark(Stage("notify", function))


def stage_of(module: types.ModuleType) -> Stage:
    """The one stage of a plugin's module."""
    stages: Sequence[Stage] = [value.__sprag_stage__ for value in vars(module).values() if hasattr(value, "__sprag_stage__")]
    if len(stages) != 1:
        raise TypeError(f"expected one function under a decorator of a stage kind in `{module.__name__}`, found {len(stages)}")
    return stages[0]


def _mark(stage: Stage) -> Callable[..., Any]:
    stage.run.__sprag_stage__ = stage  # type: ignore[attr-defined]
    return stage.run
