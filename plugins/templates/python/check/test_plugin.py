import unittest

from plugin import Params, check
from sprag import Verdict
from sprag.testing import FakeSession, Frame, params_of


class Check(unittest.TestCase):
    def test_whole_data_passes(self):
        session = FakeSession()
        self.assertEqual(check(session, params_of(Params, rows=2), Frame({"x": [1.0, 2.0]})), Verdict.PASS)
        self.assertEqual((session.metrics, session.findings), ({"rows/data": 2}, []))

    def test_few_rows_and_nulls_are_found(self):
        session = FakeSession()
        verdict = check(session, params_of(Params, rows=3, null_share=0.25), Frame({"x": [1.0, None], "name": ["a", "b"]}))
        self.assertEqual(verdict, Verdict.FAIL)
        self.assertEqual([(code, subject) for code, _, _, subject in session.findings], [("too-few-rows", None), ("null-values", "x")])
