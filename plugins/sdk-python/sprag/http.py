"""Requests and answers of the stages that may use the network. Redirects are not followed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .failure import BadParams


@dataclass
class Request:
    """A request. A secret's placeholder may stand in the address's path and query, in a header and in the body."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout: float | None = None
    """The longest wait for the answer to begin, in seconds. None leaves it to the host."""

    @classmethod
    def post_json(cls, url: str, value: Any, **headers: str) -> Request:
        """A `POST` of a value as JSON."""
        return cls("POST", url, {"content-type": "application/json"} | headers, json.dumps(value).encode())

    def bearer(self, token: str) -> Request:
        """Adds `authorization: Bearer` with a secret's placeholder."""
        self.headers["authorization"] = f"Bearer {token}"
        return self

    def parts(self) -> tuple[str, str, str]:
        """Scheme, host and port, and path with query."""
        found = urlsplit(self.url)
        if found.scheme not in ("http", "https") or not found.netloc:
            raise BadParams(f"expected an address that begins with `http://` or `https://`, found `{self.url}`")
        return found.scheme, found.netloc, (found.path or "/") + (f"?{found.query}" if found.query else "")


@dataclass
class Response:
    """An answer. The names of its headers are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 429 or (self.status >= 500 and self.status not in (501, 505))

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode(errors="replace")
