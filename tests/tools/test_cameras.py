"""`nvr cameras` keeps the list, refuses mistakes whole, and never shows a password."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.keyfile import KEY_FILE
from indexer.registry import Registry
from nvr.channel import Channel, Transport
from nvr.config import load
from tests.tools.command_line import Ended, nvr
from tools.main import ExitCode

CANARY = "s3cret-canary"
CSV = f"number,name,main_url,username,password\n1,Gate,rtsp://192.0.2.1/a,nvr,{CANARY}\n2,Bridge [red],rtsp://192.0.2.2/a,,\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    nvr("init", tmp_path)
    return tmp_path / "nvr.toml"


def cameras(config: Path, *arguments: object) -> Ended:
    return nvr("cameras", *arguments, "--config", config)


def stored(config: Path) -> list[Channel]:
    with Registry.open(load(config).registry_path) as registry:
        return registry.channels()


def imported(config: Path, text: str = CSV) -> Ended:
    file = config.parent / "cameras.csv"
    file.write_text(text, encoding="utf-8")
    return cameras(config, "import", file)


def test_import_csv_stores_channels_with_their_passwords(config: Path) -> None:
    ended = imported(config)
    assert ended.code == 0
    assert "2 cameras" in ended.out
    assert "2 new, 0 changed, 0 as before" in ended.out
    assert [channel.password for channel in stored(config)] == [CANARY, ""]


def test_import_again_with_one_change_changes_only_that(config: Path) -> None:
    imported(config)
    assert "0 new, 1 changed, 1 as before" in imported(config, CSV.replace("Gate", "North gate")).out
    assert [channel.name for channel in stored(config)] == ["North gate", "Bridge [red]"]


def test_import_with_mistakes_changes_nothing_and_tells_all(config: Path) -> None:
    ended = imported(config, CSV + "3,,rtsp://192.0.2.3/a,,\n2,Twice,rtsp://192.0.2.3/a,,\n")
    assert ended.code == ExitCode.CONFIG
    assert "line 4: name is missing" in ended.err
    assert "line 5: number 2 is already that of line 3" in ended.err
    assert CANARY not in ended.err
    assert stored(config) == []


def test_import_dry_run_changes_nothing(config: Path) -> None:
    file = config.parent / "cameras.toml"
    file.write_text('[[camera]]\nnumber = 1\nname = "Gate"\nmain_url = "rtsp://192.0.2.1/a"\n')
    assert "1 camera in" in cameras(config, "import", file, "--dry-run").out
    assert stored(config) == []


def test_import_file_that_is_no_text_is_refused(config: Path) -> None:
    file = config.parent / "cameras.csv"
    file.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in cameras(config, "import", file).err


def test_list_shows_cameras_as_written_but_no_password(config: Path) -> None:
    imported(config)
    ended = cameras(config, "list")
    assert "Bridge [red]" in ended.out
    assert "rtsp://192.0.2.1/a" in ended.out
    assert CANARY not in ended.out


def test_list_without_cameras_says_how_to_add_one(config: Path) -> None:
    assert "nvr cameras add" in cameras(config, "list").out


def test_add_with_password_file_stores_the_camera(config: Path) -> None:
    secret = config.parent / "password"
    secret.write_text(f"{CANARY}\n")
    ended = cameras(
        *(config, "add", 7, "Market", "rtsp://192.0.2.7/a", "--sub", "rtsp://192.0.2.7/b"),
        *("--user", "nvr", "--password-file", secret, "--transport", "udp", "--off"),
    )
    assert ended.code == 0
    assert CANARY not in ended.out + ended.err
    [channel] = stored(config)
    assert (channel.number, channel.name, channel.username, channel.password) == (7, "Market", "nvr", CANARY)
    assert (channel.main_url, channel.sub_url) == ("rtsp://192.0.2.7/a", "rtsp://192.0.2.7/b")
    assert (channel.transport, channel.enabled) == (Transport.UDP, False)


def test_add_number_that_is_taken_needs_replace(config: Path) -> None:
    imported(config)
    ended = cameras(config, "add", 1, "Other", "rtsp://192.0.2.9/a")
    assert ended.code == ExitCode.CONFIG
    assert "--replace" in ended.err
    assert cameras(config, "add", 1, "Other", "rtsp://192.0.2.9/a", "--replace").code == 0
    assert stored(config)[0].name == "Other"


def test_add_with_wrong_url_tells_every_mistake(config: Path) -> None:
    ended = cameras(config, "add", 0, "", "http://192.0.2.9/a")
    assert ended.code == ExitCode.CONFIG
    assert "3 mistakes" in ended.err
    assert stored(config) == []


def test_add_asks_for_the_password_without_echo(config: Path) -> None:
    words = ["-m", "tools.main", "cameras", "add", "1", "Gate", "rtsp://192.0.2.1/a", "--user", "nvr", "--config"]
    command = [sys.executable, *words, str(config)]
    terminal, far_end = pty.openpty()
    with subprocess.Popen(command, stdin=far_end, stdout=far_end, stderr=far_end, start_new_session=True) as process:
        os.close(far_end)
        shown = _conversed(terminal, f"{CANARY}\n".encode())
        os.close(terminal)
    assert process.returncode == 0
    assert b"Added channel 1" in shown
    assert CANARY.encode() not in shown
    assert stored(config)[0].password == CANARY


def _conversed(terminal: int, answer: bytes) -> bytes:
    """Answer the first question on the terminal; return all that was shown until it closed."""
    shown, answered = b"", False
    while select.select([terminal], [], [], 30.0)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # how Linux reports the far end's closing
            return shown
        if not answered and b"Password: " in shown:  # the blank comes when the echo is off
            os.write(terminal, answer)
            answered = True
    return pytest.fail(f"no end after {shown!r}")


def test_remove_takes_cameras_from_the_list(config: Path) -> None:
    imported(config)
    assert cameras(config, "remove", 2).code == 0
    assert [channel.number for channel in stored(config)] == [1]


def test_remove_unknown_number_removes_the_known_and_says_so(config: Path) -> None:
    imported(config)
    ended = cameras(config, "remove", 1, 9)
    assert ended.code == ExitCode.CONFIG
    assert "Removed 1." in ended.out
    assert "no channel 9" in ended.err
    assert [channel.number for channel in stored(config)] == [2]


def test_add_replace_mends_a_camera_whose_key_was_lost(config: Path) -> None:
    imported(config)
    (load(config).registry_path / KEY_FILE).unlink()
    listed = cameras(config, "list")
    assert listed.code == 0
    assert KEY_FILE in listed.out, "the list says what is wrong with the camera"
    assert cameras(config, "add", 1, "Gate", "rtsp://192.0.2.1/a", "--replace").code == 0
    assert stored(config)[0].password == ""
