import json
import unittest

from plugin import Params, notify
from sprag import BadParams, Response, Retry
from sprag.testing import FakeSession, params_of

EVENT = {"event": "released", "project": "diabetes"}


class Notify(unittest.TestCase):
    def tell(self, status):
        self.session = FakeSession(secrets=["hook"], answer=lambda request: Response(status))
        notify(self.session, params_of(Params, url="https://example.com/hook", secret="hook"), EVENT)

    def test_the_event_is_sent_with_the_secret(self):
        self.tell(204)
        (request,) = self.session.sent
        self.assertEqual((request.method, json.loads(request.body)), ("POST", EVENT))
        self.assertEqual(request.headers["authorization"], "Bearer placeholder-of-hook")

    def test_a_fault_that_passes_is_told_from_one_that_stays(self):
        self.assertRaises(Retry, self.tell, 503)
        self.assertRaises(BadParams, self.tell, 404)
