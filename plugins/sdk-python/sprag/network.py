"""The network, as the host grants it: one request over `wasi:http`. It is imported inside the component of a `notify` plugin alone."""

from __future__ import annotations

from typing import Any

from componentize_py_types import Err, Ok
from wit_world.imports import http, outgoing_handler, streams

from .failure import BadParams, Failure, Retry
from .http import Request, Response

PIECE = 4096
"""The most that one blocking write takes."""


def send(request: Request) -> Response:
    """Sends a request and reads the whole answer. `BadParams` where it is not allowed, `Retry` where there is no answer."""
    scheme, authority, path = request.parts()
    headers = {name.lower(): value for name, value in request.headers.items()}
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.setdefault("content-length", str(len(request.body)))
    try:
        outgoing = http.OutgoingRequest(http.Fields.from_list([(name, value.encode()) for name, value in headers.items()]))
        outgoing.set_method(_method(request.method))
        outgoing.set_scheme(http.Scheme_Https() if scheme == "https" else http.Scheme_Http())
        outgoing.set_authority(authority)
        outgoing.set_path_with_query(path)
        body = outgoing.body()
    except Err as error:
        raise BadParams(f"expected a request to `{authority}` that HTTP allows, found {error.value}") from None
    try:
        answer = outgoing_handler.handle(outgoing, _options(request.timeout))
        lost = _write(body, request.body)
        with answer.subscribe() as ready:
            ready.block()
        return _received(_opened(answer.get(), lost, authority))
    except Err as error:
        raise _failure(error.value, authority) from None


def _write(body: Any, data: bytes) -> Any:
    """Writes a request's body, and gives why that failed. A server may answer before it read everything, and its answer then says more."""
    try:
        with body.write() as stream:
            for start in range(0, len(data), PIECE):
                stream.blocking_write_and_flush(data[start : start + PIECE])
        http.OutgoingBody.finish(body, None)
    except Err as error:
        return error.value
    return None


def _opened(answer: Any, lost: Any, authority: str) -> Any:
    while isinstance(answer, Ok):
        answer = answer.value
    if isinstance(answer, Err) and answer.value is not None:
        raise _failure(answer.value, authority)
    if answer is None or isinstance(answer, Err):
        raise Retry(f"the answer of `{authority}` was lost") if lost is None else _failure(lost, authority)
    return answer


def _received(answer: Any) -> Response:
    headers = {name.lower(): value.decode(errors="replace") for name, value in answer.headers().entries()}
    found = Response(answer.status(), headers)
    data = bytearray()
    with answer.consume() as body, body.stream() as stream:
        try:
            while True:
                data += stream.blocking_read(1 << 16)
        except Err as error:
            if not isinstance(error.value, streams.StreamError_Closed):
                raise
    found.body = bytes(data)
    return found


def _method(name: str) -> Any:
    known = getattr(http, f"Method_{name.capitalize()}", None)
    return http.Method_Other(name) if known is None or name == "OTHER" else known()


def _options(timeout: float | None) -> Any:
    options = http.RequestOptions()
    if timeout is not None:
        for limit in (options.set_connect_timeout, options.set_first_byte_timeout, options.set_between_bytes_timeout):
            limit(int(timeout * 1e9))
    return options


def _failure(code: Any, authority: str) -> Failure:
    words = getattr(code, "value", None)
    name = type(code).__name__.rpartition("_")[2]
    if isinstance(words, str) and name == "InternalError":
        return BadParams(words)
    if name.lower() in ("httprequestdenied", "destinationipprohibited"):
        return BadParams(f"a request to `{authority}` is not allowed")
    return Retry(f"no answer from `{authority}`: {name}{f' ({words})' if words else ''}")
