"""Why a stage could not do its work. That a check fails or that a model is not better is not a failure."""

from __future__ import annotations

import traceback


class Failure(Exception):
    """Raised to end a stage. Raise one of the classes below, which say whose fault it is."""


class BadInput(Failure):
    """The data cannot be worked on: says what was expected and what was found."""


class BadParams(Failure):
    """The parameters contradict each other or the data."""


class Unsupported(Failure):
    """The plugin does not do what was asked."""


class Cancelled(Failure):
    """The plugin stopped because the host asked for it."""


class Retry(Failure):
    """Something that may work when tried again."""


class Internal(Failure):
    """A fault in the plugin."""


def failure_of(error: BaseException) -> Failure:
    """An exception as a failure: a `Failure` is itself, and any other is `Internal`, with the last line of its traceback and where it was raised."""
    if isinstance(error, Failure):
        return error
    last = traceback.format_exception_only(error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno}, in {frames[-1].name})" if frames else ""
    return Internal(last + place)
