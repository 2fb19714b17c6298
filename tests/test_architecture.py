"""The plan of the house holds, and each of its rules catches an offender."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import architecture
from tests.architecture import Source

Rule = Callable[[Sequence[Source]], list[str]]

RULES: list[Rule] = [
    architecture.imports_that_run_up,
    architecture.import_circles,
    architecture.dependencies_out_of_their_rooms,
    architecture.async_out_of_its_rooms,
    architecture.files_too_long,
    architecture.wide_excepts,
    architecture.vague_names,
    architecture.download_hosts,
    architecture.unfinished_notes,
]


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return architecture.committed(Path(__file__).parent.parent)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_each_rule(rule: Rule, sources: list[Source]) -> None:
    assert rule(sources) == []


def test_committed_sees_every_layer(sources: list[Source]) -> None:
    packages = {source.package for source in architecture.python(sources)}
    assert packages == {*architecture.LAYERS, *architecture.FREE}


def offends(rule: Rule, *files: tuple[str, str]) -> bool:
    return bool(rule([Source(path, text) for path, text in files]))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nvr/media.py", "import indexer.store\n"),
        ("indexer/store.py", "from web import app\n"),
        ("nvr/media.py", "def f():\n    from tools.main import app\n"),
        ("nvr/media.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import retention\n"),
        ("web/app.py", "import tests.clock\n"),
        ("tools/run.py", "from benchmarks import seek\n"),
        ("nvr/chunk/writer.py", "from ...indexer import store\n"),
    ],
)
def test_import_that_runs_up_is_found(path: str, text: str) -> None:
    assert offends(architecture.imports_that_run_up, (path, text))


def test_import_that_runs_down_is_allowed() -> None:
    assert not offends(architecture.imports_that_run_up, ("web/app.py", "import nvr.media, indexer.store, web.wire\n"))


def test_import_circle_of_three_is_found() -> None:
    circle = ("nvr/a.py", "import nvr.b\n"), ("nvr/b.py", "from nvr import c\n"), ("nvr/c.py", "from .a import thing\n")
    assert offends(architecture.import_circles, *circle)
    assert not offends(architecture.import_circles, *circle[:2])


@pytest.mark.parametrize(
    "back",
    [
        "def f():\n    import nvr.a\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nvr.a import A\n",
        "import nvr.a as other\n",
    ],
)
def test_import_circle_that_hides_is_found(back: str) -> None:
    assert offends(architecture.import_circles, ("nvr/a.py", "from nvr.b import B\n"), ("nvr/b.py", back))


def test_import_circle_through_a_package_is_found() -> None:
    assert offends(
        architecture.import_circles, ("nvr/p/__init__.py", "from .x import X\n"), ("nvr/p/x.py", "import nvr.p\n")
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nvr/chunk/writer.py", "import lmdb\n"),
        ("indexer/reader.py", "def f():\n    import lmdb\n"),
        ("nvr/capture/engine.py", "import av\n"),
        ("tools/run.py", "from aiohttp import web\n"),
        ("web/app.py", "import lmdb\n"),
        ("nvr/media.py", "import requests\n"),
    ],
)
def test_dependency_out_of_its_room_is_found(path: str, text: str) -> None:
    assert offends(architecture.dependencies_out_of_their_rooms, (path, text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("indexer/store.py", "import lmdb\n"),
        ("web/still_worker.py", "import av\n"),
        ("tests/x.py", "import requests\n"),
        ("nvr/timebase.py", "import time\n"),
    ],
)
def test_dependency_in_its_room_is_allowed(path: str, text: str) -> None:
    assert not offends(architecture.dependencies_out_of_their_rooms, (path, text))


def test_async_in_the_recorder_is_found() -> None:
    text = "class A:\n    async def f(self): ...\n"
    assert offends(architecture.async_out_of_its_rooms, ("nvr/capture/reactor.py", text))
    assert not offends(architecture.async_out_of_its_rooms, ("web/live.py", text))


@pytest.mark.parametrize("path", ["nvr/media.py", "web/ui/src/player.ts", "web/ui/src/App.svelte", "tests/test_x.py"])
def test_file_of_401_lines_is_found(path: str) -> None:
    assert offends(architecture.files_too_long, (path, "\n" * 401))
    assert not offends(architecture.files_too_long, (path, "\n" * 400))


@pytest.mark.parametrize("kind", ["", " Exception", " BaseException as error", " (OSError, Exception)"])
def test_wide_except_is_found(kind: str) -> None:
    assert offends(architecture.wide_excepts, ("nvr/a.py", f"try:\n    f()\nexcept{kind}:\n    pass\n"))


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept OSError:\n    pass\n",
        "try:\n    f()\nexcept BaseException:\n    close()\n    raise\n",
        "try:\n    f()\nexcept Exception:  # the thread's outermost loop\n    pass\n",
        "try:\n    f()\nexcept Exception as error:  # whatever it is, this file fails alone\n    tell(error)\n",
    ],
)
def test_narrow_except_is_allowed(text: str) -> None:
    assert not offends(architecture.wide_excepts, ("nvr/a.py", text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nvr/utils.py", ""),
        ("nvr/common/a.py", ""),
        ("web/ui/src/helpers.ts", ""),
        ("nvr/a.py", "class DiskManager:\n    pass\n"),
        ("web/ui/src/a.ts", "export class PlayerHelper {}\n"),
    ],
)
def test_vague_name_is_found(path: str, text: str) -> None:
    assert offends(architecture.vague_names, (path, text))


@pytest.mark.parametrize("host", architecture.DOWNLOAD_HOSTS)
def test_download_host_is_found(host: str) -> None:
    assert offends(architecture.download_hosts, ("requirements/dev.txt", f"--index-url https://{host}/simple\n"))


def test_lock_file_with_addresses_is_found() -> None:
    scheme = "https"  # apart, so that this file itself names no address
    lock = f'{{"resolved": "{scheme}://example.test/a.tgz"}}'
    assert offends(architecture.download_hosts, ("web/ui/package-lock.json", lock))


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME"])
def test_unfinished_note_is_found(word: str) -> None:
    assert offends(architecture.unfinished_notes, ("nvr/a.py", f"# {word}: later\n"))
