"""What a stage asks of, and tells to, the run that it belongs to."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .failure import Cancelled, Unsupported
from .http import Request, Response


class Session(ABC):
    """One attempt at one stage."""

    @property
    @abstractmethod
    def seed(self) -> int:
        """The seed for all chance in this stage. The module `random` is seeded with it before the stage begins."""

    @property
    @abstractmethod
    def params_json(self) -> str:
        """The parameters as a JSON object."""

    @abstractmethod
    def input(self, name: str) -> bytes | None:
        """A file that the project gives this stage under a name (`inputs` in `sprag.toml`); none where it gives none."""

    @abstractmethod
    def log(self, level: str, message: str, **fields: object) -> None:
        """Writes a log line with named fields. The level is `debug`, `info`, `warn` or `error`."""

    @abstractmethod
    def measure(self, name: str, value: float, *, split: str | None = None, step: int | None = None) -> None:
        """Records a metric. It must be finite. `split` is what it was measured on, `step` where in a series it stands."""

    @abstractmethod
    def find(self, code: str, message: str, *, severity: str = "error", subject: str | None = None) -> None:
        """Records a finding: lower-case words joined by hyphens, and a sentence. The severity is `note`, `warning` or `error`."""

    @abstractmethod
    def progress(self, done: int, total: int | None = None) -> None:
        """Says how far the work is."""

    @abstractmethod
    def should_stop(self) -> bool:
        """Whether the stage should stop at the next good moment."""

    @abstractmethod
    def write_artifact(self, name: str, media_type: str, data: bytes) -> None:
        """Leaves a file with the run. Stages that send to the network have no such right."""

    def placeholder(self, secret: str) -> str:
        """The text that stands for a secret's value in a request, where the host puts the value in. `notify` has it."""
        raise Unsupported(f"a stage of this kind has no secrets, and `{secret}` is asked for")

    def send(self, request: Request) -> Response:
        """Sends a request to an origin that the stage is granted, and waits for the answer, whatever its status. `notify` has it."""
        raise Unsupported(f"a stage of this kind has no network, and `{request.url}` is asked for")

    def info(self, message: str, **fields: object) -> None:
        """Writes an `info` line."""
        self.log("info", message, **fields)

    def warn(self, message: str, **fields: object) -> None:
        """Writes a `warn` line."""
        self.log("warn", message, **fields)

    def advance(self, done: int, total: int | None = None) -> None:
        """Says how far the work is, and raises `Cancelled` when the stage should stop."""
        self.progress(done, total)
        if self.should_stop():
            raise Cancelled
