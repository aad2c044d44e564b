"""Starts runs of a sprag server, follows them, and reads its records.

>>> from sprag_client import Server
>>> server = Server("http://127.0.0.1:4180")          # a token: the argument `token`, or the variable SPRAG_TOKEN
>>> run = server.start("diabetes", {"train.alpha": 0.4}, tags={"notebook": "tuning"})
>>> run.wait()["outcome"]
'promoted'
>>> server.metrics()                                   # a pandas.DataFrame: a row for each run
"""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["Run", "Server", "SpragError"]


class SpragError(Exception):
    """What the server says no with: `status`, `title`, `detail` and `hints`, as its answer has them."""

    def __init__(self, problem):
        self.status = problem.get("status")
        self.title = problem.get("title", "")
        self.detail = problem.get("detail", "")
        self.hints = problem.get("hints", [])
        super().__init__("\n".join([f"{self.title}: {self.detail}", *(f"hint: {hint}" for hint in self.hints)]))


class Server:
    """A sprag server, by its address."""

    def __init__(self, url="http://127.0.0.1:4180", token=None, timeout=30):
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._token = token or os.environ.get("SPRAG_TOKEN")

    def __repr__(self):
        # Without the token: notebooks are passed on.
        return f"Server({self.url!r})"

    def _open(self, method, path, body=None, headers=(), timeout=None):
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        if self._token:
            request.add_header("authorization", f"Bearer {self._token}")
        for name, value in headers:
            request.add_header(name, value)
        try:
            return urllib.request.urlopen(request, timeout=timeout or self.timeout)
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                problem = json.loads(text)
            except ValueError:
                problem = {"status": error.code, "title": str(error.reason), "detail": text.decode(errors="replace")}
            raise SpragError(problem) from None

    def get(self, path):
        """The JSON at a path of the API, such as `/api/v1/models`."""
        with self._open("GET", path) as answer:
            return json.load(answer)

    def pipelines(self):
        """The newest version of each published pipeline."""
        return self.get("/api/v1/pipelines")

    def start(self, pipeline, params=None, tags=None, version=None, key=None):
        """Asks for a run. `key` is an idempotency key: the same request again under the same key is the same run."""
        body = {"params": params or {}, "tags": tags or {}, "version": version}
        headers = [("idempotency-key", key)] if key else []
        path = f"/api/v1/pipelines/{urllib.parse.quote(pipeline, safe='')}/runs"
        with self._open("POST", path, body, headers) as answer:
            return Run(self, json.load(answer)["id"])

    def run(self, id):
        """A run by its id."""
        return Run(self, id)

    def runs(self, limit=100, project=None, outcome=None):
        """The records of runs, newest first, over as many pages as it takes."""
        found = []
        while len(found) < limit:
            query = {"limit": min(500, limit - len(found)), "project": project, "outcome": outcome}
            query["before"] = found[-1]["id"] if found else None
            text = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
            page = self.get(f"/api/v1/runs?{text}")
            found.extend(page)
            if len(page) < query["limit"]:
                break
        return found

    def metrics(self, limit=100, project=None):
        """Runs as a pandas.DataFrame: a row for each, with its outcome, tags and every metric that has no step, as `stage.split.name`."""
        import pandas

        rows = []
        for run in self.runs(limit, project):
            row = {name: run[name] for name in ("id", "project", "outcome", "started-at", "finished-at")}
            row.update({f"tag.{name}": text for name, text in run.get("tags", {}).items()})
            for stage in run["stages"]:
                row.update({f"{stage['name']}.{name}": value for name, value in stage["params"].items() if not isinstance(value, (dict, list))})
                for metric in stage["report"].get("metrics", []):
                    if metric.get("step") is None:
                        row[".".join(filter(None, [stage["name"], metric.get("split"), metric["name"]]))] = metric["value"]
            rows.append(row)
        frame = pandas.DataFrame(rows)
        for name in ("started-at", "finished-at"):
            if name in frame:
                frame[name] = pandas.to_datetime(frame[name])
        return frame.set_index("id") if rows else frame


class Run:
    """A run, from the moment in which it was asked for."""

    def __init__(self, server, id):
        self.server = server
        self.id = id

    def __repr__(self):
        return f"Run({self.id!r})"

    @property
    def _path(self):
        return f"/api/v1/runs/{urllib.parse.quote(self.id, safe='')}"

    def state(self):
        """Its request and its record, as the server has them now."""
        return self.server.get(self._path)

    def events(self):
        """What happens in it, as it happens, from the beginning: a dictionary each. Ends with the run."""
        place = None
        while True:
            headers = [("last-event-id", place)] if place else []
            try:
                # The server says every 15 seconds that it is there.
                with self.server._open("GET", f"{self._path}/events", headers=headers, timeout=60) as stream:
                    for line in stream:
                        name, _, value = line.decode().rstrip("\r\n").partition(":")
                        if name == "id":
                            place = value.strip()
                        elif name == "data":
                            yield json.loads(value)
                return
            except (OSError, EOFError):
                # Cut off: it goes on where it was.
                time.sleep(1)

    def wait(self):
        """Waits for its end, and gives its record; none where its request ended without a run."""
        for _ in self.events():
            pass
        while True:
            found = self.state()
            request = found["request"]
            if request is None or request["state"] in ("finished", "failed", "cancelled"):
                if found["run"] is None and request and request.get("error"):
                    raise SpragError({"status": None, "title": request["state"], "detail": request["error"]})
                return found["run"]
            time.sleep(0.2)

    def cancel(self):
        """Stops it, or takes it back where it waits."""
        with self.server._open("POST", f"{self._path}/cancel") as answer:
            return json.load(answer)
