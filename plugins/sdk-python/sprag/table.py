"""Tables: handles to columnar data that the host owns, walked a batch at a time."""

from __future__ import annotations

import enum
import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .failure import BadInput

BATCH_ROWS = 1 << 15
"""The rows of a batch, unless there is a reason for another number. Numbers come packed, in arrays: a batch of 100 columns takes 26 MB."""


class Dtype(enum.Enum):
    """The type of a column."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIMESTAMP = "timestamp"

    @property
    def is_numeric(self) -> bool:
        """Whether values of this type are numbers to calculate with: floats, integers and booleans (as 0 and 1)."""
        return self in (Dtype.FLOAT, Dtype.INTEGER, Dtype.BOOLEAN)


@dataclass(frozen=True)
class Field:
    """One column of a schema."""

    name: str
    dtype: Dtype = Dtype.FLOAT
    nullable: bool = False


@dataclass
class Column:
    """A run of rows of one column: `values` has an entry for each row, which at a null is 0, 0.0, or the empty text.

    Numbers of a table are packed in an `array`, booleans in `bytes`; texts are a list.

    `validity` is a bitmap, least significant bit first: bit `i` is 1 where row `i` has a value; none where no row is null.
    """

    dtype: Dtype
    values: Sequence
    validity: bytes | None = None

    @classmethod
    def floats(cls, values: Iterable[float]) -> Column:
        """A column of numbers without nulls. A list is taken as it is."""
        return cls(Dtype.FLOAT, values if isinstance(values, (list, array)) else list(values))

    @classmethod
    def integers(cls, values: Iterable[int]) -> Column:
        """A column of whole numbers without nulls."""
        return cls(Dtype.INTEGER, list(values))

    @classmethod
    def booleans(cls, values: Iterable[bool]) -> Column:
        """A column of truth values without nulls."""
        return cls(Dtype.BOOLEAN, bytes(values))

    @classmethod
    def texts(cls, values: Iterable[str]) -> Column:
        """A column of text without nulls."""
        return cls(Dtype.TEXT, list(values))

    def __len__(self) -> int:
        return len(self.values)

    def is_null(self, row: int) -> bool:
        """Whether a row holds no value."""
        return self.validity is not None and not self.validity[row // 8] >> (row % 8) & 1

    def nulls(self) -> list[int]:
        """The rows that hold no value."""
        return [] if self.validity is None else [row for row in range(len(self)) if self.is_null(row)]

    def numbers(self) -> Sequence[float]:
        """The values as numbers, nulls as NaN. Floats without nulls are not copied. `BadInput` of text."""
        if not self.dtype.is_numeric:
            raise BadInput(f"expected numbers, found {self.dtype.value}")
        nulls = self.nulls()
        if not nulls:
            return self.values
        numbers = [float(value) for value in self.values]
        for row in nulls:
            numbers[row] = math.nan
        return numbers

    def finite(self, name: str, offset: int = 0) -> Sequence[float]:
        """The values as finite numbers. `BadInput` at text, a null, a NaN or an infinity, with the column and the row, counted from `offset`."""
        for row in self.nulls()[:1]:
            raise BadInput(f"expected a number in column `{name}`, row {offset + row}, found no value")
        if not self.dtype.is_numeric:
            raise BadInput(f"expected numbers in column `{name}`, found {self.dtype.value}")
        # A sum is not finite when one of its terms is not, and adding is far cheaper than looking at each value.
        if self.dtype is Dtype.FLOAT and not math.isfinite(sum(self.values)):
            for row, value in enumerate(self.values):
                if not math.isfinite(value):
                    raise BadInput(f"expected a finite number in column `{name}`, row {offset + row}, found {value}")
        return self.values


class Table(ABC):
    """A table: named, typed columns of one length. It never changes."""

    @property
    @abstractmethod
    def schema(self) -> list[Field]:
        """The columns, in order."""

    @property
    @abstractmethod
    def row_count(self) -> int:
        """How many rows there are."""

    @property
    @abstractmethod
    def target(self) -> str | None:
        """The column to predict, where the project names one."""

    @property
    @abstractmethod
    def features(self) -> list[str]:
        """The columns that a model may use, in order: the project's choice, or every column but the target."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """The digest of the content: equal digests mean equal schema and rows."""

    @abstractmethod
    def batches(self, columns: Sequence[str], rows: int = BATCH_ROWS) -> Iterator[list[Column]]:
        """Walks the rows in order, `rows` at a time: for each batch a column for each name. Only the last batch is shorter."""

    def field(self, name: str) -> Field:
        """The column of this name. `BadInput`, with the names that there are, where there is none."""
        for field in self.schema:
            if field.name == name:
                return field
        known = ", ".join(f"`{field.name}`" for field in self.schema)
        raise BadInput(f"expected a column `{name}`, found {known}")

    def numbers(self, columns: Sequence[str], rows: int = BATCH_ROWS) -> Iterator[list[Sequence[float]]]:
        """Walks columns as finite numbers. `BadInput` at text, a null, a NaN or an infinity, with the column and the row."""
        for field in map(self.field, columns):
            if not field.dtype.is_numeric:
                raise BadInput(f"expected numbers in column `{field.name}`, found {field.dtype.value}")
        offset = 0
        for batch in self.batches(columns, rows):
            yield [column.finite(name, offset) for name, column in zip(columns, batch)]
            offset += len(batch[0]) if batch else 0

    def supervised(self) -> tuple[list[str], str]:
        """The features and the target of a table to learn from. `BadInput` where there is no row, no target or no feature."""
        features, target = self.features, self.target
        if target is None:
            raise BadInput("expected a target column, found that the project names none")
        if not features:
            raise BadInput("expected at least one feature column, found none")
        if self.row_count == 0:
            raise BadInput("expected at least one row, found none")
        return features, target
