import unittest

import sprag
from plugin import Params, train
from sprag.testing import FakeSession, Frame, params_of, score

SIX = Frame({"x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "y": [10.0, 9.0, 8.0, 8.0, 6.0, 5.0]}, target="y")


class Train(unittest.TestCase):
    def test_six_points_by_hand(self):
        # The sum of squares of x about its mean is 17.5, that of x and y is -17.0: the slope is -17 / (17.5 + 1.2).
        line = train(FakeSession(), params_of(Params, alpha=1.2), SIX, None)
        self.assertAlmostEqual(line.weights[0], -17.0 / 18.7, places=14)
        self.assertAlmostEqual(score(line, SIX)[0][0], 9.93939393939394, places=12)

    def test_a_null_is_refused(self):
        data = Frame({"x": [1.0, None], "y": [1.0, 2.0]}, target="y")
        with self.assertRaisesRegex(sprag.BadInput, "expected a number in column `x`, row 1, found no value"):
            train(FakeSession(), params_of(Params), data, None)

    def test_it_stops_when_the_host_asks(self):
        with self.assertRaises(sprag.Cancelled):
            train(FakeSession(stop_after=1), params_of(Params), SIX, None)
