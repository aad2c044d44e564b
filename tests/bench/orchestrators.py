"""Other orchestrators' local servers with a flow of one task that does nothing: orchestrators.py prefect|dagster FOLDER. Prints JSON.

Seconds until the server answers after its start, and from the call of its API to the first line of the task, several times. The Python that runs this has the orchestrator.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

system, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
mark = folder / "mark"
TIMES = 5


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except OSError:
        return 0


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    for attempt in range(50):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # A server over SQLite that is busy with the run before.
            if error.code != 503 or attempt == 49:
                raise
            time.sleep(0.2)


def wait(is_so, most=180):
    since = time.time()
    while not is_so():
        if time.time() - since > most:
            raise SystemExit(f"{system} took more than {most} s")
        time.sleep(0.01)


def started():
    return mark.read_text().splitlines() if mark.exists() else []


def latencies(start):
    found = []
    for _ in range(TIMES):
        before, begun = len(started()), time.time()
        start()
        wait(lambda: len(started()) > before)
        found.append(float(started()[before]) - begun)
    return found


def run(command, **more):
    log = open(folder / "log", "ab")
    return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, **more)


def stop(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


TASK = "    open(%r, 'a').write(f'{time.time()}\\n')\n" % str(mark)


def prefect():
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    # The shortest interval at which its runner looks for work.
    env = dict(os.environ, PREFECT_HOME=str(folder / "home"), PREFECT_API_URL=url, PREFECT_SERVER_ANALYTICS_ENABLED="false", PREFECT_RUNNER_POLL_FREQUENCY="1", DO_NOT_TRACK="1")
    begun = time.time()
    server = run([sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"], env=env)
    wait(lambda: get(f"{url}/health") == 200)
    up = time.time() - begun
    flow = folder / "idle.py"
    flow.write_text("import time\nfrom prefect import flow\n\n@flow\ndef idle():\n" + TASK + "\nif __name__ == '__main__':\n    idle.serve(name='bench')\n")
    runner = run([sys.executable, str(flow)], env=env)
    found = []
    wait(lambda: found.extend(post(f"{url}/deployments/filter", {})) or found)
    start = f"{url}/deployments/{found[0]['id']}/create_flow_run"
    try:
        return up, latencies(lambda: post(start, {"state": {"type": "SCHEDULED"}}))
    finally:
        stop(runner)
        stop(server)


def dagster():
    port = free_port()
    (folder / "home").mkdir(exist_ok=True)
    (folder / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (folder / "defs.py").write_text("import time\nfrom dagster import Definitions, job, op\n\n@op\ndef nothing():\n" + TASK + "\n@job\ndef idle():\n    nothing()\n\ndefs = Definitions(jobs=[idle])\n")
    env = dict(os.environ, DAGSTER_HOME=str(folder / "home"))
    begun = time.time()
    server = run([sys.executable, "-m", "dagster", "dev", "-f", str(folder / "defs.py"), "-h", "127.0.0.1", "-p", str(port)], env=env, cwd=folder)
    try:
        wait(lambda: get(f"http://127.0.0.1:{port}/server_info") == 200)
        up = time.time() - begun
        query = "mutation L($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename ... on PythonError { message } ... on LaunchRunSuccess { run { runId } } } }"
        where = {"repositoryLocationName": "defs.py", "repositoryName": "__repository__", "jobName": "idle"}

        def start():
            answer = post(f"http://127.0.0.1:{port}/graphql", {"query": query, "variables": {"p": {"selector": where, "runConfigData": {}}}})
            if answer["data"]["launchRun"]["__typename"] != "LaunchRunSuccess":
                raise SystemExit(f"dagster: {answer}")

        return up, latencies(start)
    finally:
        stop(server)


up, found = {"prefect": prefect, "dagster": dagster}[system]()
print(json.dumps({"up": up, "latencies": found}))
