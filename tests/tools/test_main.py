"""The command line names its commands, and errors become exit codes and plain words."""

import subprocess
import sys

import pytest

from nvr import __version__, errors
from nvr.errors import NvrError
from tests.tools.command_line import nvr
from tools.main import ExitCode, exit_code, report


def test_help_names_every_command() -> None:
    ended = nvr("--help")
    assert ended.code == 0
    for command in ("init", "cameras", "web", "show", "check", "rebuild"):
        assert f" {command} " in ended.out


def test_version_prints_it_and_ends() -> None:
    assert nvr("--version").out == f"nvr {__version__}\n"


def test_unknown_command_is_a_usage_error() -> None:
    assert nvr("recrod").code == ExitCode.CONFIG


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.StorageError("x"), 3),
        (errors.VolumeFull("x"), 3),
        (errors.IntegrityError("x"), 4),
        (errors.NotRecorded("x"), 5),
        (errors.CameraError("x"), 6),
        (errors.AuthenticationError("x"), 6),
        (errors.Held("x"), 7),
        (errors.Denied("x"), 7),
        (NvrError("x"), 1),
    ],
)
def test_exit_code_of_each_error_is_as_documented(error: NvrError, code: int) -> None:
    assert exit_code(error) == code


def test_report_says_place_words_and_mend() -> None:
    error = errors.StorageError("the disk is full", where="volume 2", hint="add a disk")
    assert report(error) == "nvr: volume 2: the disk is full\n  → add a disk"


def test_missing_configuration_ends_with_2_and_no_traceback(tmp_path: object) -> None:
    ended = nvr("cameras", "list", "--config", f"{tmp_path}/nvr.toml")
    assert ended.code == ExitCode.CONFIG
    assert "nvr init" in ended.err
    assert "Traceback" not in ended.err


def test_import_of_the_command_line_carries_no_ballast() -> None:
    """What the recorder must not carry (PyAV), and what would make ``nvr --help`` slow, stays outside."""
    heavy = {"av", "aiohttp", "numpy", "lmdb", "pydantic", "cryptography", "asyncio", "structlog", "rich"}
    code = f"import sys, tools.main; print(sorted({heavy} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("module", "ballast"),
    [
        ("web.app", ("nvr.rtsp", "nvr.capture.session", "av")),  # nothing that records, nothing that decodes
        ("web.still_worker", ("asyncio", "aiohttp", "structlog", "lmdb", "multiprocessing")),  # a decoder only decodes
        ("tools.recording", ("av", "aiohttp", "asyncio")),
    ],
)
def test_process_carries_nothing_that_it_does_not_need(module: str, ballast: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(sorted({{*{ballast!r}}} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
