"""Run with `python3 -m unittest tests.test_sdk` in the folder above."""

import enum
import json
import math
import unittest
from dataclasses import dataclass
from typing import Literal

import sprag
from sprag import parameters
from sprag.build import section
from sprag.failure import failure_of
from sprag.stage import stage_of
from sprag.testing import Frame, score


class Colour(enum.Enum):
    RED = "red"


@sprag.params
class Params:
    """What is asked."""

    alpha: float = sprag.param(1.0, minimum=0)
    names: list[str] = sprag.param([], description="Names.")
    colour: Colour = Colour.RED
    mode: Literal["a", "b"] | None = None
    rows: int


@dataclass
class Constant(sprag.Scorer):
    value: float

    def inputs(self):
        return []

    def predict(self, rows, inputs):
        return [sprag.Column.floats([self.value] * rows)]


class Parameters(unittest.TestCase):
    def test_the_schema_follows_from_the_class(self):
        found = parameters.schema(Params)
        self.assertEqual((found["description"], found["required"]), ("What is asked.", ["rows"]))
        self.assertEqual(found["properties"]["alpha"], {"type": "number", "minimum": 0, "default": 1.0})
        self.assertEqual(found["properties"]["names"]["items"], {"type": "string"})
        self.assertEqual(found["properties"]["colour"], {"enum": ["red"], "default": "red"})
        self.assertEqual(found["properties"]["mode"]["anyOf"], [{"enum": ["a", "b"]}, {"type": "null"}])
        json.dumps(found, allow_nan=False)

    def test_values_have_the_types_of_the_class(self):
        found = parameters.read(Params, {"alpha": 2, "rows": 3.0, "colour": "red", "mode": "a"})
        self.assertEqual((found.alpha, found.rows, found.colour, found.mode), (2.0, 3, Colour.RED, "a"))
        self.assertIsInstance(found.alpha, float)
        for wrong in ({}, {"rows": 1, "other": 1}, {"rows": 1, "colour": "blue"}):
            self.assertRaises(sprag.BadParams, parameters.read, Params, wrong)

    def test_a_type_without_a_schema_is_refused(self):
        @sprag.params
        class Wrong:
            when: complex

        self.assertRaisesRegex(TypeError, "complex", parameters.schema, Wrong)


class Tables(unittest.TestCase):
    def test_numbers_refuse_what_is_none(self):
        for column, words in [
            ([1.0, None], "expected a number in column `x`, row 1, found no value"),
            ([1.0, math.inf], "expected a finite number in column `x`, row 1, found inf"),
            (["a", "b"], "expected numbers in column `x`, found text"),
        ]:
            with self.assertRaisesRegex(sprag.BadInput, words):
                list(Frame({"x": column}).numbers(["x"], rows=1))
        with self.assertRaisesRegex(sprag.BadInput, "expected a column `z`, found `x`, `y`"):
            list(Frame({"x": [1], "y": [2]}).numbers(["z"]))

    def test_batches_keep_nulls_where_they_are(self):
        frame = Frame({"x": [None if row % 3 == 0 else float(row) for row in range(20)]})
        nulls = [start + row for start, (column,) in zip(range(0, 20, 7), frame.batches(["x"], 7)) for row in column.nulls()]
        self.assertEqual(nulls, list(range(0, 20, 3)))

    def test_a_frame_reads_csv(self):
        frame = Frame.from_csv("x,name\n1,a\n,b\n", target="name")
        self.assertEqual([(field.name, field.dtype.value, field.nullable) for field in frame.schema], [("x", "float", True), ("name", "text", False)])
        self.assertEqual((frame.row_count, frame.features), (2, ["x"]))


class Stages(unittest.TestCase):
    def test_a_model_s_state_is_read_back_and_nothing_else(self):
        self.assertEqual(score(Constant(0.1), Frame({"x": []})), [[]])
        self.assertEqual(Constant.load(Constant(0.1).save()), Constant(0.1))
        for wrong in (b"", b"[]", b'{"slope": 1}', Constant(1.0).save()[:-3], b'{"format": "Other", "value": 1}'):
            self.assertRaises(sprag.BadInput, Constant.load, wrong)

    def test_a_stage_is_found_by_its_decorator(self):
        module = type(unittest)("plugin")
        self.assertRaisesRegex(TypeError, "found 0", stage_of, module)

        @sprag.trainer
        def train(session: sprag.Session, params: Params, training: sprag.Table, validation: None) -> Constant:
            return Constant(0.0)

        module.train = train
        found = stage_of(module)
        self.assertEqual((found.kind, found.params, found.scorer), ("train", Params, Constant))

    def test_an_exception_becomes_a_failure_that_says_where(self):
        try:
            {}["missing"]
        except KeyError as error:
            self.assertRegex(str(failure_of(error)), r"^KeyError: 'missing' \(test_sdk.py, line \d+, in test_an_exception")
        self.assertIsInstance(failure_of(sprag.Retry("later")), sprag.Retry)


class Linear(unittest.TestCase):
    def test_a_system_by_hand(self):
        # The second row of the upper triangle is not read.
        self.assertEqual(sprag.solve([[4.0, math.nan], [2.0, 5.0]], [8.0, 8.0]), [1.5, 1.0])
        self.assertRaises(sprag.BadInput, sprag.solve, [[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0])


class Build(unittest.TestCase):
    def test_a_section_has_its_sizes(self):
        self.assertEqual(section("ab", b"cd"), b"\0\x05\x02abcd")
        self.assertEqual(section("a", b"x" * 300)[:5], b"\0\xae\x02\x01a")
