"""Calls the project's `train(data, params)` and writes the model that it returns as ONNX.

Runs beside the project's modules, in the environment that the project locked. What it reads lies in `in/`, what it leaves in `out/`. It needs numpy; with pandas the
rows come as a data frame.
"""

import importlib
import importlib.util
import inspect
import json
import math
import os
import random
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
IN, OUT = os.path.join(HERE, "in"), os.path.join(HERE, "out")
sys.path.insert(0, IN)


class Refusal(Exception):
    """What the project's code did that cannot be a model. The message is for whoever wrote it."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Run:
    """What a training function may tell the run: the third argument of `train`, where it takes one."""

    def __init__(self, seed):
        self.seed = seed
        """The seed of all chance; `random` and `numpy.random` have it already."""
        self.metrics = []

    def log_metric(self, name, value, step=None, split=None):
        """Measures a number: `step` is its place in a series, `split` what it was measured on."""
        value = float(value)
        # JSON has no word for what is not finite.
        self.metrics.append({"name": str(name), "value": value if math.isfinite(value) else None, "step": step, "split": split})

    def artifact(self, name):
        """A path to write a file to that is kept with the run: a plot, a report."""
        folder = os.path.join(OUT, "artifacts")
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, name)


def main():
    """Trains once. A failure is written to `out/failure.json`, for whoever started this."""
    job = read_json("job.json")
    try:
        train(job)
    except Refusal as refusal:
        fail(refusal.kind, str(refusal), None)
    except BaseException as error:  # `SystemExit` and `KeyboardInterrupt` of the project's code too.
        if isinstance(error, MemoryError):
            raise
        fail("internal", account(error, job), "".join(traceback.format_exception(error)))


def train(job):
    """Calls the function, and writes what came of it."""
    function = load(job)
    count = takes(function, job)
    sprag_tables = needed("sprag_tables")
    seed(job["seed"])
    data = sprag_tables.read(IN, "training")
    data.validation = sprag_tables.read(IN, "validation") if job["validation"] else None
    run = Run(job["seed"])
    arguments = [data, job["params"], run][:count]
    model = function(*arguments)
    if model is None:
        raise Refusal("internal", f"`{job['function']}` of `{job['script']}`: expected that it returns a model, found None")
    import sprag_onnx

    try:
        bytes_, kind = sprag_onnx.to_onnx(model, data)
    except sprag_onnx.Unsupported as error:
        raise Refusal("unsupported", str(error)) from error
    write("model.onnx", bytes_)
    check = sprag_onnx.expected(model, data)
    if check is not None:
        write("expected.bin", check.tobytes())
    write("result.json", json.dumps({"metrics": run.metrics, "model": kind, "versions": versions(), "checked": 0 if check is None else len(check)}).encode())


def needed(name):
    """A module of this driver, which needs numpy."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise Refusal("bad-params", f"expected `{error.name}` in the environment's lock, found none") from error


def load(job):
    """The function that trains."""
    script, name = job["script"], job["function"]
    spec = importlib.util.spec_from_file_location(os.path.splitext(script)[0], os.path.join(IN, script))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        known = sorted(n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__)
        found = ", ".join(f"`{n}`" for n in known) or "none"
        raise Refusal("bad-params", f"expected a function `{name}` in `{script}`, found {found}")
    return function


def takes(function, job):
    """How many of data, parameters and run it takes."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    places = [p for p in parameters if p.kind in kinds]
    required = [p for p in places if p.default is inspect.Parameter.empty]
    if any(p.kind == inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return 3
    if not places or len(required) > 3:
        shown = f"{job['function']}{inspect.signature(function)}"
        raise Refusal("bad-params", f"`{job['script']}`: expected `{job['function']}(data, params)` or `(data, params, run)`, found `{shown}`")
    is_for_run = len(places) > 2 and (places[2].name == "run" or places[2] in required)
    return 3 if is_for_run else min(len(places), 2)


def seed(number):
    """One seed for all chance that has no seed of its own."""
    random.seed(number)
    import numpy

    numpy.random.seed(number % 2**32)
    if importlib.util.find_spec("torch"):
        import torch

        torch.manual_seed(number)


def account(error, job):
    """A failure in one line: where in the project's own code, and what."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if os.path.dirname(os.path.abspath(f.filename)) == IN]
    own = [f for f in frames if not os.path.basename(f.filename).startswith("sprag_")]
    text = str(error).strip()
    what = type(error).__name__ + (f": {text}" if text else "")
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.basename(error.filename)}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    if own:
        return f"{os.path.basename(own[-1].filename)}, line {own[-1].lineno}, in {own[-1].name}: {what}"
    return f"{job['script']}: {what}"


def versions():
    """The versions of what a model most depends on."""
    found = {"python": sys.version.split()[0]}
    for name in ("numpy", "pandas", "sklearn", "torch", "skl2onnx"):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version:
            found[name] = str(version)
    return found


def fail(kind, message, trace):
    """Says what went wrong, where whoever started this looks for it, and for a person."""
    write("failure.json", json.dumps({"kind": kind, "message": message}).encode())
    sys.stdout.flush()
    sys.stderr.write(trace or f"{message}\n")
    sys.stderr.flush()
    # Threads that the project's code left would keep the process.
    os._exit(3)


def read_json(name):
    with open(os.path.join(IN, name), encoding="utf-8") as file:
        return json.load(file)


def write(name, bytes_):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(bytes_)


if __name__ == "__main__":
    main()
