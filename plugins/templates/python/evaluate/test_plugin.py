import unittest

from plugin import Params, evaluate
from sprag import Outcome
from sprag.testing import FakeModel, FakeSession, Frame, params_of

HOLDOUT = Frame({"x": [1.0, 2.0], "y": [1.0, 3.0]}, target="y")
EXACT, WRONG = FakeModel(lambda data: [1.0, 3.0]), FakeModel(lambda data: [1.0, 2.0], version="line@1")


class Evaluate(unittest.TestCase):
    def decide(self, candidate, production, **params):
        self.session = FakeSession()
        return evaluate(self.session, params_of(Params, **params), candidate, production, HOLDOUT)

    def test_a_lower_error_is_promoted(self):
        self.assertEqual(self.decide(EXACT, WRONG).outcome, Outcome.PROMOTE)
        self.assertEqual(self.session.metrics, {"mse/candidate": 0.0, "mse/production": 0.5})

    def test_the_first_model_is_promoted(self):
        self.assertEqual(self.decide(WRONG, None).outcome, Outcome.PROMOTE)

    def test_equal_is_not_better(self):
        decision = self.decide(WRONG, WRONG)
        self.assertEqual((decision.outcome, decision.reason), (Outcome.KEEP, "mse 0.5 is not lower than 0.5 of line@1"))

    def test_a_high_error_blocks(self):
        self.assertEqual(self.decide(WRONG, None, at_most=0.4).outcome, Outcome.BLOCKED)
