"""Drives a server by the client of this repository: client.py URL. Prints what it found as JSON."""

import json
import sys

from sprag_client import Server, SpragError

server = Server(sys.argv[1])
run = server.start("diabetes", {"train.alpha": 0.4}, tags={"notebook": "tuning"}, key="once")
again = server.start("diabetes", {"train.alpha": 0.4}, tags={"notebook": "tuning"}, key="once")
events = [event["event"] for event in run.events()]
record = run.wait()
problem = None
try:
    server.start("iris")
except SpragError as error:
    problem = [error.status, str(error)]
frame = server.metrics()
print(json.dumps({
    "same": run.id == again.id,
    "events": [events[0], events[-1]],
    "outcome": record["outcome"],
    "problem": problem,
    "columns": sorted(name for name in frame.columns if name.startswith(("evaluate.candidate", "tag", "train.alpha"))),
    "mse": frame.loc[run.id, "evaluate.candidate.mse"],
    "kinds": str(frame["started-at"].dtype).startswith("datetime64"),
    "shown": repr(Server("http://x", token="secret")),
}))
