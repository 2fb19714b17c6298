"""What a decoder process may do: nothing but decode, whatever its pictures talk it into."""

import errno
import multiprocessing
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from tests.web.test_decoder import job
from web.decoder import Decoder
from web.oom import DECODER_SCORE
from web.still_confinement import forbid, let_go_of_all_but, limit, program
from web.still_job import Link

ATTEMPTS: dict[str, Callable[[], object]] = {
    "open a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "look into a folder": lambda: list(Path("/").iterdir()),
    "remove a file": Path("/nothing").unlink,
    "open a socket": socket.socket,
    "pair of sockets": socket.socketpair,
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "start a process": os.fork,
    "send a signal": lambda: os.kill(os.getppid(), 0),
    "read a parent's memory": lambda: Path(f"/proc/{os.getppid()}/exe").readlink(),
    "change who one is": lambda: os.setuid(os.getuid()),
    "lift a limit": lambda: os.nice(-1),
}


def attempt(end: socket.socket) -> None:
    """A child's main: put the bonds on, try everything, tell what came of it."""
    threading.excepthook = lambda _: None
    let_go_of_all_but([end.fileno()])
    limit()
    found = {"refused": forbid()}
    for name, act in ATTEMPTS.items():
        try:
            act()
        except OSError as error:
            found[name] = errno.errorcode[error.errno or 0]
        else:
            found[name] = "done"
    Link(end).send(msgspec.msgpack.encode(found))


def test_confined_process_can_do_nothing_to_the_machine() -> None:
    here, there = socket.socketpair()
    child = multiprocessing.get_context("spawn").Process(target=attempt, args=(there,))
    with here, there:
        child.start()
        here.settimeout(30)
        found = msgspec.msgpack.decode(Link(here).receive(1 << 16), type=dict[str, str])
    child.join()
    assert found.pop("refused") == ""
    assert found == dict.fromkeys(ATTEMPTS, "EPERM")


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    opened = Decoder(workers=1, timeout_s=30)
    yield opened
    opened.close()


async def test_decoder_wears_the_bonds_and_goes_first(decoder: Decoder) -> None:
    await decoder.picture(job(3))
    (pid,) = decoder.pids()
    process = Path(f"/proc/{pid}")
    facts = dict(line.split(":\t") for line in (process / "status").read_text().splitlines() if ":\t" in line)
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    open_files = {int(path.name): str(path.readlink()) for path in (process / "fd").iterdir()}
    assert {path for fd, path in open_files.items() if fd <= 2} == {"/dev/null"}
    (link,) = [path for fd, path in open_files.items() if fd > 2]
    assert link.startswith("socket:")
    assert (process / "oom_score_adj").read_text().strip() == str(DECODER_SCORE)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_filter_refuses_foreign_tables_first_and_unknown_calls_last(machine: str) -> None:
    rows = [program(machine)[at : at + 8] for at in range(0, len(program(machine)), 8)]
    assert rows[2][-4:] == (0x80000000).to_bytes(4, "little"), "another architecture ends the process"
    assert rows[-1][-4:] == (0x00050000 | errno.EPERM).to_bytes(4, "little")
