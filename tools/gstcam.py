#!/usr/bin/python3
"""An independent camera: Debian's gst-rtsp-server, which nobody here wrote. It imports nothing of ours.

Run it with the system's Python, which has ``gi`` (packages python3-gi, gir1.2-gst-rtsp-server-1.0 and
gstreamer1.0-plugins-base, -good, -bad; -ugly for ``--codec h264`` without a file)::

    /usr/bin/python3 tools/gstcam.py --mount front.h264:25 --mount back.h265:25 --user admin --password 'simcam 55'
    /usr/bin/python3 tools/gstcam.py --mounts 2 --codec h264 --size 640x360 --fps 25 --kbps 800

prints one JSON line ``{"ready": true, "port": …, "mounts": ["/cam1", …]}`` and serves until its standard input ends
(``--with-parent``) or SIGINT. Each mount of a file repeats it for ever: access unit ``(n + shift) mod count`` is pushed
at wall time ``(n + phase / 8) / fps``, the rhythm of the camera simulator's own streams, so that the blocks in its
pictures tell their instants here too. A file is an Annex B stream without B-frames and begins with a sync picture.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - the versions come first

NS_PER_S = 1_000_000_000
PHASES = 8
PROTOCOLS = {
    "tcp": GstRtsp.RTSPLowerTrans.TCP,
    "udp": GstRtsp.RTSPLowerTrans.UDP,
    "any": GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP,
}


@dataclass(frozen=True)
class Stream:
    """A file to repeat, as access units."""

    units: list[bytes]
    sync: list[bool]
    codec: str
    fps: int
    shift: int = 0
    phase: int = 0

    def instant_ns(self, number: int) -> int:
        """Wall time of access unit ``number``."""
        return (PHASES * number + self.phase) * NS_PER_S // (PHASES * self.fps)

    def number_at(self, wall_ns: int) -> int:
        """The access unit that is due last at ``wall_ns``."""
        return (PHASES * wall_ns * self.fps // NS_PER_S - self.phase) // PHASES

    def place(self, number: int) -> int:
        return (number + self.shift) % len(self.units)


@dataclass
class Mouth:
    """Where the access units of one mount go in: a configured media's appsrc."""

    source: Gst.Element
    stream: Stream
    next_number: int
    first_number: int = -1
    is_open: bool = True


@dataclass
class Feeder:
    """One thread that pushes all access units at their instants."""

    mouths: list[Mouth] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, _factory: object, media: GstRtspServer.RTSPMedia, stream: Stream) -> None:
        """A reader came: feed its media (shared by all readers of the mount)."""
        source = media.get_element().get_by_name_recurse_up("source")
        mouth = Mouth(source, stream, stream.number_at(time.time_ns()) + 1)
        media.connect("unprepared", lambda _media: self._close(mouth))
        with self._lock:
            self.mouths.append(mouth)

    def _close(self, mouth: Mouth) -> None:
        mouth.is_open = False
        with self._lock:
            self.mouths.remove(mouth)

    def run(self) -> None:
        """Push for ever."""
        while True:
            with self._lock:
                mouths = list(self.mouths)
            now_ns = time.time_ns()
            for mouth in mouths:
                while mouth.is_open and mouth.stream.instant_ns(mouth.next_number) <= now_ns:
                    _push(mouth)
            due_ns = min((m.stream.instant_ns(m.next_number) for m in mouths), default=now_ns + 20_000_000)
            time.sleep(min(max(due_ns - time.time_ns(), 1_000_000), 20_000_000) / NS_PER_S)


def _push(mouth: Mouth) -> None:
    stream, number = mouth.stream, mouth.next_number
    mouth.next_number += 1
    place = stream.place(number)
    if mouth.first_number < 0:
        if not stream.sync[place]:
            return
        mouth.first_number = number
    buffer = Gst.Buffer.new_wrapped(stream.units[place])
    buffer.pts = buffer.dts = stream.instant_ns(number) - stream.instant_ns(mouth.first_number)
    buffer.duration = NS_PER_S // stream.fps
    if mouth.source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
        mouth.is_open = False


def read_stream(words: str) -> Stream:
    """``PATH:FPS[:SHIFT[:PHASE]]`` as a stream."""
    path, *numbers = words.split(":")
    codec = "h265" if path.endswith((".h265", ".hevc")) else "h264"
    units, sync = access_units(Path(path).read_bytes(), codec)
    if not units or not sync[0]:
        raise SystemExit(f"gstcam: {path} does not begin with a sync picture")
    return Stream(units, sync, codec, *map(int, numbers))


def access_units(data: bytes, codec: str) -> tuple[list[bytes], list[bool]]:
    """Cut a byte stream where a picture's first slice, or what leads it, begins (ISO/IEC 14496-10, 7.4.1.2.3)."""
    units, sync = [], []
    pending, has_slice, is_sync = bytearray(), False, False
    for nal in _nal_units(data):
        kind = nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F
        is_slice = 1 <= kind <= 5 if codec == "h264" else kind < 32
        is_first = bool(nal[1 if codec == "h264" else 2] & 0x80)  # first_mb_in_slice = 0, first_slice_segment_in_pic
        leads = is_first if is_slice else _leads(kind, codec)
        if has_slice and leads:
            units.append(bytes(pending))
            sync.append(is_sync)
            pending, has_slice, is_sync = bytearray(), False, False
        pending += b"\0\0\0\1" + nal
        has_slice |= is_slice
        is_sync |= kind == 5 if codec == "h264" else 16 <= kind <= 21
    units.append(bytes(pending))
    sync.append(is_sync)
    return units, sync


def _leads(kind: int, codec: str) -> bool:
    """Whether a unit that is no slice can only stand before the slices of its picture: AUD, sets, prefix SEI."""
    return kind in (6, 7, 8, 9) if codec == "h264" else kind in (32, 33, 34, 35, 39)


def _nal_units(data: bytes) -> list[bytes]:
    units, start = [], data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        units.append((data[start + 3 :] if end < 0 else data[start + 3 : end]).rstrip(b"\0"))
        start = end
    return units


def file_launch(stream: Stream) -> str:
    """The pipeline that takes pushed access units."""
    codec = stream.codec
    caps = f"video/x-{codec},stream-format=byte-stream,alignment=au,framerate={stream.fps}/1"
    return (
        f"( appsrc name=source is-live=true format=time caps={caps} ! {codec}parse"
        f" ! rtp{codec}pay name=pay0 pt=96 config-interval=-1 )"
    )


def drawn_launch(options: argparse.Namespace, place: int) -> str:
    """The pipeline of a test picture, coded while it runs."""
    width, height = options.size.split("x")
    caps = f"video/x-raw,width={width},height={height},framerate={options.fps}/1"
    encoder = f"x{options.codec[1:]}enc tune=zerolatency speed-preset=ultrafast bitrate={options.kbps}"
    encoder += f" key-int-max={2 * options.fps}"
    return (
        f"( videotestsrc is-live=true pattern={place % 2 * 18} ! {caps} ! clockoverlay ! {encoder}"
        f" ! {options.codec}parse ! rtp{options.codec}pay name=pay0 pt=96 config-interval=-1 )"
    )


def guard(server: GstRtspServer.RTSPServer, options: argparse.Namespace) -> None:
    """Digest and TLS, where they are asked for."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "reader")
    if options.user:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options.user, options.password, token)
    else:
        auth.set_default_token(token)
    if options.tls_pem:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(options.tls_pem))
    server.set_auth(auth)


def serve(options: argparse.Namespace) -> None:
    """Mount everything and run."""
    server = GstRtspServer.RTSPServer()
    server.set_address(options.host)
    server.set_service(str(options.port))
    guard(server, options)
    feeder, streams = Feeder(), [read_stream(words) for words in options.mount]
    mounts = server.get_mount_points()
    count = len(streams) or options.mounts
    for place in range(count):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(file_launch(streams[place]) if streams else drawn_launch(options, place))
        factory.set_shared(True)
        factory.set_protocols(PROTOCOLS[options.transport])
        factory.add_role_from_structure(_may_read())
        if streams:
            factory.connect("media-configure", feeder.open, streams[place])
        mounts.add_factory(f"/cam{place + 1}", factory)
    if not server.attach(None):
        raise SystemExit(f"gstcam: cannot listen on {options.host}:{options.port}")
    if streams:
        threading.Thread(target=feeder.run, daemon=True).start()
    names = [f"/cam{place + 1}" for place in range(count)]
    print(json.dumps({"ready": True, "port": server.get_bound_port(), "mounts": names}), flush=True)


def _may_read() -> Gst.Structure:
    structure, _ = Gst.Structure.from_string("reader,media.factory.access=true,media.factory.construct=true")
    return structure


def _end_with_parent(loop: GLib.MainLoop) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    GLib.idle_add(loop.quit)


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="An RTSP camera made of Debian's gst-rtsp-server.")
    parser.add_argument("--mount", action="append", default=[], metavar="PATH:FPS[:SHIFT[:PHASE]]")
    parser.add_argument("--mounts", type=int, default=1, help="drawn test pictures, where no file is given")
    parser.add_argument("--codec", choices=("h264", "h265"), default="h264")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--kbps", type=int, default=800)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--transport", choices=sorted(PROTOCOLS), default="any")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--tls-pem", default="", help="key and certificate: serves rtsps instead of rtsp")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    Gst.init(None)
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    serve(options)
    if options.with_parent:
        threading.Thread(target=_end_with_parent, args=(loop,), daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
