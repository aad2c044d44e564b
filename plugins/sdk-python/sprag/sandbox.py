"""What of the standard library asks a system that a component does not have. Left as it is, each of these would end the component with a trap and no word.

It is called inside the component alone. What is written in C and asks by itself still traps: `datetime.now()`, `random.Random()` without a seed, and compiling
what is no Python.
"""

from __future__ import annotations

import builtins
import io
import itertools
import linecache
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, FrozenImporter
from typing import Any

START = 946_684_800_000_000_000
"""2000-01-01T00:00:00Z in nanoseconds since 1970: where sprag's frozen clock starts."""


def close() -> None:
    """Keeps what was loaded, and answers for the system from here on."""
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        # The lines of the interpreter's own library stay out of tracebacks: they would double the component's size.
        if name and name.endswith(".py") and not name.startswith("/python"):
            linecache.getlines(name)
    linecache.checkcache = lambda filename=None: None
    linecache.updatecache = lambda filename, module_globals=None: []
    # To mark the place within a line it parses the line, and of what does not parse the interpreter wants to read the file.
    traceback._extract_caret_anchors_from_line_segment = lambda segment: None  # type: ignore[attr-defined]
    builtins.open = io.open = _no_file  # type: ignore[assignment]
    os.urandom = random.randbytes
    # A microsecond passes each time the clock is looked at, and none otherwise.
    ticks = itertools.count(step=1000)
    nanoseconds = {"time_ns": lambda: START + next(ticks), "monotonic_ns": lambda: next(ticks), "perf_counter_ns": lambda: next(ticks)}
    for name, clock in nanoseconds.items():
        setattr(time, name, clock)
        setattr(time, name.removesuffix("_ns"), _seconds(clock))
    time.sleep = lambda seconds: None


def begin() -> None:
    """Lets nothing look for a module in files any more. The tool that makes the component still imports after `close`, so it is called with each call of the host."""
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter]


def _seconds(clock: Callable[[], int]) -> Callable[[], float]:
    return lambda: clock() / 1e9


def _no_file(path: Any, *arguments: Any, **named: Any) -> Any:
    raise FileNotFoundError(f"a component has no files, and `{path}` is asked for")
