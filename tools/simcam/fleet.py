"""A simulator in a process of its own, as tests, the demonstration and the benchmarks use it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nvr.channel import Channel, Transport
from nvr.errors import NvrError
from nvr.media import TrackKind
from tools.simcam.cache import LoopCache
from tools.simcam.gate import Account
from tools.simcam.loop import Loop
from tools.simcam.options import Manners, Town
from tools.simcam.tally import Sent

STOP_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 60  # an order may have to wait for media to be made


@dataclass
class Fleet:
    """Use it as a context manager: the cameras are ready inside it and gone after it.

    Args:
        town: which cameras, which pictures.
        manners: ports, credentials, pacing.
        progress: is told how many loops of how many are made, the first time.
    """

    town: Town = field(default_factory=Town)
    manners: Manners = field(default_factory=Manners)
    progress: Callable[[int, int], None] | None = None
    ports: dict[str, int] = field(default_factory=dict)
    pid: int = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until all cameras answer.

        Raises:
            NvrError: it ended before; its words are on stderr.
        """
        command = [sys.executable, "-m", "tools.simcam", "--with-parent", *self._arguments()]
        root = Path(__file__).parent.parent.parent
        environment = os.environ | {"SIMCAM_PASSWORD": self.manners.account.password}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            words = json.loads(line)
            if "ready" in words:
                self.ports, self.pid = words["ports"], words["pid"]
                break
            if self.progress:
                self.progress(words["making"], words["of"])
        else:
            self._reap()
            raise NvrError("the camera simulator ended before it was ready", hint="read its words above")
        self._control = socket.create_connection(("127.0.0.1", self.ports["control"]), timeout=ANSWER_TIMEOUT_S)
        self._answers = self._control.makefile("r")

    def stop(self) -> None:
        """End the process; it ends by itself when this one dies."""
        self._answers.close()
        self._control.close()
        self._reap()

    def _reap(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def url(self, channel: int, kind: TrackKind = TrackKind.MAIN, *, tls: bool = False) -> str:
        """Where a stream is, without credentials."""
        scheme = "rtsps" if tls else "rtsp"
        return f"{scheme}://{self.manners.host}:{self.ports[scheme]}/ch{channel:02d}/{kind.word}"

    @property
    def account(self) -> Account:
        """Who may play."""
        return self.manners.account

    def channels(self, *, transport: Transport = Transport.TCP, tls: bool = False) -> list[Channel]:
        """All cameras as a recorder wants to know them."""
        return [
            Channel(
                number,
                f"Camera {number:02d}",
                self.url(number, tls=tls),
                self.url(number, TrackKind.SUB, tls=tls) if self.town.sub else "",
                self.account.username,
                self.account.password,
                transport,
            )
            for number in range(1, self.town.channels + 1)
        ]

    def fault(self, channel: int | None, name: str, *, kind: TrackKind | None = None, **arguments: int | str) -> None:
        """Let something go wrong with a channel (None: with all), with one of its streams or both; `faults.NAMES`.

        Raises:
            NvrError: there is no such fault or argument.
        """
        self._order({"order": "fault", "channel": channel, "kind": _word(kind), "name": name, "arguments": arguments})

    def clear(self, channel: int | None = None, *, kind: TrackKind | None = None) -> None:
        """Mend everything."""
        self._order({"order": "clear", "channel": channel, "kind": _word(kind)})

    def sent(self, channel: int, kind: TrackKind = TrackKind.MAIN) -> Sent:
        """What a stream has sent so far."""
        answer = self._order({"order": "sent", "channel": channel, "kind": kind.word})
        return Sent(**next(iter(answer["sent"].values())))

    def all_sent(self) -> dict[tuple[int, TrackKind], Sent]:
        """What every stream has sent so far."""
        answer = self._order({"order": "sent"})["sent"]
        return {(int(name[2:].partition("/")[0]), _kind(name)): Sent(**figures) for name, figures in answer.items()}

    def sent_nal_hashes(
        self, channel: int, kind: TrackKind = TrackKind.MAIN, first: int = 0, last: int = 1 << 62
    ) -> dict[int, list[str]]:
        """SHA-256 (hexadecimal) of every NAL unit that was sent, in order, by number of the access unit."""
        order = {"order": "units", "channel": channel, "kind": kind.word, "first": first, "last": last}
        return {int(number): hashes for number, hashes in self._order(order)["units"].items()}

    def media(self, channel: int, kind: TrackKind = TrackKind.MAIN) -> Loop:
        """The loop that a stream sends while it is well."""
        recipe = self.town.recipe(channel, kind)
        if recipe is None:
            raise NvrError(f"there is no channel {channel} {kind.word}")
        return LoopCache(self.manners.cache).load(recipe)

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        self._control.sendall(json.dumps(order).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._answers.readline())
        if "error" in answer:
            raise NvrError(str(answer["error"]), where="camera simulator")
        return answer

    def _arguments(self) -> list[str]:
        town, manners = self.town, self.manners
        main, sub = town.main, town.sub
        words: dict[str, object] = {
            "channels": town.channels, "size": f"{main.width}x{main.height}", "fps": main.fps, "main-kbps": main.kbps,
            "codec": main.codec.value, "h265-channels": ",".join(map(str, sorted(town.h265_channels))),
            "gop-ms": town.gop_ms, "b-frames": town.b_frames, "slices": town.slices, "loop-s": town.loop_s,
            "host": manners.host, "port": manners.port, "control-port": manners.control_port,
            "tls-port": -1 if manners.tls_port is None else manners.tls_port, "user": manners.account.username,
            "auth": manners.account.scheme.value, "session-timeout-s": manners.session_timeout_s,
            "join": manners.join.value, "cache": LoopCache(manners.cache).folder,
        }  # fmt: skip
        if sub:
            words |= {
                "sub-size": f"{sub.width}x{sub.height}", "sub-fps": sub.fps, "sub-kbps": sub.kbps,
                "sub-codec": sub.codec.value,
            }  # fmt: skip
        flags = {"--no-sub": sub is None, "--trickle": manners.trickle, "--delimiters": town.delimiters}
        return [f"--{name}={value}" for name, value in words.items()] + [flag for flag, on in flags.items() if on]


def _word(kind: TrackKind | None) -> str | None:
    return None if kind is None else kind.word


def _kind(name: str) -> TrackKind:
    return TrackKind.SUB if name.endswith("sub") else TrackKind.MAIN
