"""Builds the component of the plugin in the current folder: `python -m sprag.build [OUTPUT]`. With `--about` it only prints who the plugin is.

It runs under a Python that has componentize-py. Name, version and summary are those of `pyproject.toml`; the parameters' schema follows from their class. All
of it goes into the component's section `sprag:plugin`, where sprag reads it without running the plugin.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from . import parameters, stage

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]

WORLDS = {
    "sanity-check": "sprag:stage/sanity-checker@0.1.0",
    "train": "sprag:stage/trainer@0.1.0",
    "evaluate": "sprag:stage/evaluator@0.1.0",
    "notify": "sprag:sdk-python/notifier@0.1.0",
}

# componentize-py brings WASI whole, sockets included, which no stage may import; its only other choice is a stub in the place of every `wasi:` import, those of
# `wasi:http` too. So the client of `wasi:http` is bound under another name of the same length, which is put right in the binary.
ALIAS, STANDARD = "host:", "wasi:"
CLIENT = """package sprag:sdk-python@0.1.0;

world notifier {
  include sprag:stage/notifier@0.1.0;
  import host:http/types@0.2.6;
  import host:http/outgoing-handler@0.2.6;
}
"""

COMPONENT = """import plugin
from sprag import guest

globals().update(guest.export(plugin, {about!r}))
"""


def about(project: Path) -> tuple[dict[str, Any], stage.Stage]:
    """Who the plugin is, as the section `sprag:plugin` has it, and its stage."""
    sys.path.insert(0, str(project))
    import plugin  # type: ignore[import-not-found]

    found = stage.stage_of(plugin)
    manifest = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    said = {"name": manifest["name"], "version": manifest["version"], "summary": manifest["description"]}
    return said | {"params-schema": parameters.schema(found.params)}, found


def build(project: Path, output: Path) -> None:
    """Writes the component of a plugin."""
    said, found = about(project)
    with tempfile.TemporaryDirectory() as scratch:
        made, component = Path(scratch), Path(scratch, "component.wasm")
        (made / "sprag_component.py").write_text(COMPONENT.format(about=said))
        command = [shutil.which("componentize-py", path=Path(sys.executable).parent) or "componentize-py", "--quiet"]
        for path in contract(found.kind, made):
            command += ["--wit-path", str(path)]
        command += ["--world", WORLDS[found.kind]]
        if found.kind == "train":
            command += ["--export-interface-name", "sprag:stage/score@0.1.0=sprag_component"]
        if found.kind == "notify":
            command += ["--import-interface-name", f"{ALIAS}http/types@0.2.6=http", "--import-interface-name", "sprag:stage/types@0.1.0=types"]
        command += ["componentize", "--stub-wasi", "--python-path", str(made), "--python-path", str(project)]
        command += ["--python-path", str(HERE.parent), "--output", str(component), "sprag_component"]
        done = subprocess.run(command, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True)
        if done.returncode != 0:
            # What follows are frames of the tool's own.
            words = (done.stdout + done.stderr).partition("Stack backtrace:")[0].rpartition("AssertionError: ")[2].partition("\n\nCaused by:")[0]
            raise SystemExit(f"error: componentize-py could not make the component\n{words.strip()}")
        binary = component.read_bytes()
    if found.kind == "notify":
        for package in ("http/", "io/", "clocks/"):
            binary = binary.replace((ALIAS + package).encode(), (STANDARD + package).encode())
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(binary + section("sprag:plugin", json.dumps(said).encode()))


def contract(kind: str, scratch: Path) -> list[Path]:
    """The WIT packages that a kind's world is made of: beside this file, or in the repository that it stands in."""
    own = HERE / "wit"
    packages, standard = (own, own / "wasi") if own.is_dir() else (REPOSITORY / "wit", REPOSITORY / "plugins/sdk/wasi")
    paths = [packages / "data", packages / "linalg", packages / "run", packages / "stage"]
    if kind == "notify":
        for name in ("io", "clocks", "http"):
            paths.append(scratch / f"{name}.wit")
            paths[-1].write_text((standard / f"{name}.wit").read_text().replace(STANDARD, ALIAS))
        paths.append(scratch / "client.wit")
        paths[-1].write_text(CLIENT)
    return paths


def section(name: str, data: bytes) -> bytes:
    """A custom section of WebAssembly, to be appended to a binary: its id 0, its size, its name, and the data."""

    def sized(content: bytes) -> bytes:
        size, number = b"", len(content)
        while number > 127:
            size, number = size + bytes([number & 127 | 128]), number >> 7
        return size + bytes([number]) + content

    return b"\0" + sized(sized(name.encode()) + data)


if __name__ == "__main__":
    if sys.argv[1:] == ["--about"]:
        print(json.dumps(about(Path.cwd())[0], indent=2))
    else:
        build(Path.cwd(), Path(sys.argv[1] if len(sys.argv) > 1 else "build/plugin.wasm"))
