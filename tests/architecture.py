"""The plan of the house as rules: each takes the sources and returns what breaks it, one sentence a finding.

The rules are pure, so that `test_architecture.py` can show each one an offender.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

LAYERS = ("nvr", "indexer", "retention", "web", "tools")  # imports run down: to the left
FREE = ("tests", "benchmarks")  # import anything, and nobody imports them
LONGEST_FILE_LINES = 400  # chosen: what one can hold in the head; split by noun beyond it
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "core", "misc", "shared"}
LOOP_MARK = "outermost loop"  # the words that a thread's last line of defence carries beside its except
ALONE_MARK = "fails alone"  # and those of a boundary behind which one camera, file, row or duty fails and no other

# Where each dependency may be imported. One that is not here has no room: give it one, and a reason in DECISIONS.md.
ROOMS: dict[str, tuple[str, ...]] = {
    "aiohttp": ("web/",),
    "av": ("web/still*", "tools/simcam/"),
    "cryptography": ("indexer/", "tools/simcam/"),
    "gi": ("tools/gstcam.py",),
    "hatchling": ("web/ui/hatch_build.py",),
    "lmdb": ("indexer/store.py",),
    "msgspec": ("indexer/", "retention/diskhealth.py", "web/", "tools/"),
    "multidict": ("web/",),  # aiohttp's own
    "numpy": ("nvr/", "indexer/", "retention/", "web/", "tools/"),
    "prometheus_client": ("web/metrics.py",),
    "pydantic": ("nvr/config.py",),
    "rich": ("tools/",),
    "structlog": ("nvr/log.py",),  # which alone knows how tracebacks are printed
    "typer": ("tools/",),
    "yarl": ("web/",),  # aiohttp's own
    "zstandard": ("nvr/chunk/",),
}
ASYNC_ROOMS = ("web/", "tools/simcam/")
DOWNLOAD_HOSTS = tuple(
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("deb", "debian", "org"),
        ("crates", "io"),
    )
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")


@dataclass(frozen=True, slots=True)
class Source:
    """A committed text file: its path from the root with forward slashes, and what it says."""

    path: str
    text: str

    @property
    def module(self) -> str:
        """``nvr.chunk.writer``; a package goes by its own name, without ``__init__``."""
        return ".".join(PurePosixPath(self.path).with_suffix("").parts).removesuffix(".__init__")

    @property
    def package(self) -> str:
        return self.path.split("/")[0]

    def stands_in(self, rooms: Sequence[str]) -> bool:
        return any(self.path.startswith(room.removesuffix("*")) for room in rooms)


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: ``target`` is the dotted name as written, absolute."""

    target: str
    line: int


def committed(root: Path) -> list[Source]:
    """Every text file that git has or would take, from the repository at ``root``."""
    listing = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    return list(_texts(root, sorted({name for name in names if name})))


def _texts(root: Path, names: Sequence[str]) -> Iterator[Source]:
    for name in names:
        try:
            yield Source(name, (root / name).read_text(encoding="utf-8"))
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture or a capture; or deleted and not yet committed


def python(sources: Sequence[Source]) -> list[Source]:
    """Our own modules: the layers, and those who may import them."""
    return [s for s in sources if s.path.endswith(".py") and s.package in LAYERS + FREE]


@cache
def nodes(source: Source) -> tuple[ast.AST, ...]:
    """All of a file's syntax tree; several rules look through it."""
    return tuple(ast.walk(ast.parse(source.text, source.path)))


def imports(source: Source) -> list[Import]:
    """All imports of a file, those in functions and under TYPE_CHECKING included."""
    found = []
    for node in nodes(source):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(source, node)
            found += [Import(f"{origin}.{alias.name}", node.lineno) for alias in node.names]
    return found


def _origin(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = source.path.endswith("/__init__.py")
    parts = source.module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *filter(None, [node.module])])


def imports_that_run_up(sources: Sequence[Source]) -> list[str]:
    """A package that imports one above it, or a layer that imports tests or benchmarks."""
    findings = []
    for source in python(sources):
        if source.package in FREE:
            continue
        below = LAYERS[: LAYERS.index(source.package) + 1]
        above = {*LAYERS, *FREE} - {*below}
        findings += [
            f"{source.path}:{found.line} imports {found.target}, which stands above it"
            for found in imports(source)
            if found.target.split(".")[0] in above
        ]
    return findings


def import_circles(sources: Sequence[Source]) -> list[str]:
    """Modules that import each other in a circle; the first circle that is found."""
    ours = {source.module: source for source in python(sources)}
    graph = {name: {_module_of(found.target, ours) for found in imports(source)} for name, source in ours.items()}
    try:
        TopologicalSorter({name: targets - {"", name} for name, targets in graph.items()}).prepare()
    except CycleError as error:
        return [f"these import each other in a circle: {' ← '.join(error.args[1])}"]
    return []


def _module_of(target: str, ours: dict[str, Source]) -> str:
    """The module of ours that a dotted name reaches into, or nothing."""
    while target and target not in ours:
        target = target.rpartition(".")[0]
    return target


def dependencies_out_of_their_rooms(sources: Sequence[Source]) -> list[str]:
    """A third-party import outside its rooms, or one that has no room at all."""
    findings = []
    for source in sources:
        if not source.path.endswith(".py") or source.package not in LAYERS:
            continue
        for found in imports(source):
            name = found.target.split(".")[0]
            if name in sys.stdlib_module_names or name in LAYERS:
                continue
            rooms = ROOMS.get(name)
            if rooms is None:
                findings.append(f"{source.path}:{found.line} imports {name}, which has no room in ROOMS")
            elif not source.stands_in(rooms):
                findings.append(f"{source.path}:{found.line} imports {name}, whose rooms are {', '.join(rooms)}")
    return findings


def async_out_of_its_rooms(sources: Sequence[Source]) -> list[str]:
    """``async def`` outside the web server and the camera simulator: the recorder has threads and one reactor."""
    findings = []
    for source in python(sources):
        if source.package in FREE or source.stands_in(ASYNC_ROOMS):
            continue
        findings += [
            f"{source.path}:{node.lineno} has async def {node.name}"
            for node in nodes(source)
            if isinstance(node, ast.AsyncFunctionDef)
        ]
    return findings


MADE_BY_A_PROGRAM = "web/ui/src/api/described.ts"


def files_too_long(sources: Sequence[Source]) -> list[str]:
    """Program files over the limit, but for one that a program makes."""
    programs = [s for s in sources if s.path.endswith((".py", ".ts", ".svelte")) and s.path != MADE_BY_A_PROGRAM]
    lengths = [(source.path, len(source.text.splitlines())) for source in programs]
    return [f"{path} has {lines} lines: split it by noun" for path, lines in lengths if lines > LONGEST_FILE_LINES]


def wide_excepts(sources: Sequence[Source]) -> list[str]:
    """``except Exception`` and wider, unless it raises again or is marked as a boundary."""
    findings = []
    for source in python(sources):
        lines = source.text.splitlines()
        for node in nodes(source):
            if not isinstance(node, ast.ExceptHandler) or not _is_wide(node.type):
                continue
            raises = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if not raises and not any(mark in lines[node.lineno - 1] for mark in (LOOP_MARK, ALONE_MARK)):
                findings.append(f"{source.path}:{node.lineno} catches everything: name the errors")
    return findings


def _is_wide(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(_is_wide(element) for element in kind.elts)
    return kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})


def vague_names(sources: Sequence[Source]) -> list[str]:
    """Files, folders and classes whose name says nothing."""
    findings = []
    for source in sources:
        if not source.path.endswith((".py", ".ts", ".svelte")):
            continue
        parts = [PurePosixPath(part).stem.lower() for part in source.path.split("/")]
        findings += [f"{source.path}: {part!r} says nothing" for part in parts if part in VAGUE_NAMES]
        for name in re.findall(r"^(?:export )?class (\w+)", source.text, re.MULTILINE):
            last_word = re.findall(r"[A-Z][a-z]*", name)[-1:]
            if {word.lower() for word in last_word} & VAGUE_NAMES:
                findings.append(f"{source.path}: class {name!r} says nothing")
    return findings


def download_hosts(sources: Sequence[Source]) -> list[str]:
    """Files that say where packages come from: each machine has its own registry."""
    findings = []
    for source in sources:
        named = [host for host in DOWNLOAD_HOSTS if host in source.text]
        if source.path.endswith("package-lock.json") and '"resolved"' in source.text:
            named.append("the addresses of its packages")
        findings += [f"{source.path} names {host}" for host in named]
    return findings


def unfinished_notes(sources: Sequence[Source]) -> list[str]:
    """Notes to oneself: finish it, or open an issue."""
    return [
        f"{source.path}:{number} has a note to oneself"
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        if UNFINISHED.search(line)
    ]
