"""What is fuzzed: a name, and a function of any bytes that returns unless something undocumented happens."""

import os
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress

from indexer import keyframes, records, rows
from nvr.camera_list import parse as parse_camera_list
from nvr.chunk.footer import ChunkFooter
from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import parse as parse_name
from nvr.chunk.name import parse_part
from nvr.chunk.source import ByteSource
from nvr.chunk.stamp import FragmentStamp
from nvr.chunk.verification import problems
from nvr.codec.bmff import parse_moof
from nvr.codec.nal import split_annex_b
from nvr.codec.parameters import decoder_configuration, describe
from nvr.errors import CameraError, ConfigError, IntegrityError
from nvr.media import Codec, ParameterSets
from nvr.rtsp import auth, rtcp, sdp
from nvr.rtsp.message import MessageReader
from nvr.rtsp.reception import Reception
from tests.fuzz.chain import Chain
from tests.fuzz.media import Player
from tests.nvr.rtsp.camera import client, connected

Target = Callable[[bytes], None]
READ_BYTES = 997  # of a connection at a time: out of step with everything


def conversation(data: bytes) -> None:
    """All that a camera says from the first byte on, handshake and media, up to the index row."""
    chain = Chain(Reception(client("nvr", "p")))
    chain.reception.start()
    with suppress(CameraError):
        for at in range(0, len(data), READ_BYTES):
            chain.feed(data[at : at + READ_BYTES])
    with suppress(CameraError):
        chain.end()


def playing(data: bytes) -> None:
    """A script of what may come while a camera plays."""
    reception, _ = connected()
    chain = Chain(reception)
    with suppress(CameraError):
        for piece, pause_ms in Player(data).pieces():
            chain.feed(piece, pause_ms * 1000)
    with suppress(CameraError):
        chain.end()


def description(data: bytes) -> None:
    """A session description."""
    with suppress(CameraError):
        found = sdp.parse_description(data.decode("utf-8", "replace"), "rtsp://192.0.2.3/live/")
        _ = found.video


def message(data: bytes) -> None:
    """RTSP messages, in pieces."""
    reader = MessageReader()
    with suppress(CameraError):
        for at in range(0, len(data), 61):
            piece = data[at : at + 61]
            while piece:
                _, taken = reader.feed(piece)
                piece = piece[taken:]
                if not taken:
                    break


def challenge(data: bytes) -> None:
    """WWW-Authenticate headers."""
    with suppress(CameraError):
        auth.challenges(data.decode("utf-8", "replace").split("\n"))


def report(data: bytes) -> None:
    """An RTCP packet."""
    with suppress(CameraError):
        for found in rtcp.parse(memoryview(data), 0, len(data), 5):
            if isinstance(found, rtcp.SenderReport):
                found.ntp_at(7)


def parameter_sets(data: bytes) -> None:
    """Parameter sets, as a byte stream with start codes; the first byte chooses the codec."""
    codec = Codec.H265 if data[:1] > b"\x7f" else Codec.H264
    vps: list[bytes] = []
    sps: list[bytes] = []
    pps: list[bytes] = []
    for start, end in split_annex_b(data[1:]):
        unit = data[1 + start : 1 + end]
        kind = unit[0] & 31 if codec is Codec.H264 else unit[0] >> 1 & 63
        {32: vps, 33: sps, 7: sps}.get(kind, pps).append(unit)
    sets = ParameterSets(codec, tuple(vps), tuple(sps), tuple(pps))
    with suppress(CameraError):
        describe(sets)
        decoder_configuration(sets)


def chunk_file(data: bytes) -> None:
    """A whole file on a disk."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        with closing(ByteSource(os.dup(file.fileno()))) as source:
            for _ in problems(source):
                pass


def boxes(data: bytes) -> None:
    """The parts of a file, each alone."""
    for parse in (parse_moof, FragmentStamp.decode, ChunkFooter.decode):
        with suppress(IntegrityError):
            parse(data)
    with suppress(IntegrityError):
        ChunkHeader.decode(data, 0)


def rows_of_the_index(data: bytes) -> None:
    """Keys and values of the index; the key stands before its value, behind its length."""
    size = data[0] % 20 if data else 0
    key, value = data[1 : 1 + size], data[1 + size :]
    for decode in (records.decode, rows.decode_gap, rows.decode_run, rows.decode_head, rows.decode_init):
        with suppress(IntegrityError):
            decode(key, value)
    for decode_last in (rows.decode_usage, rows.decode_garbage):
        with suppress(IntegrityError):
            decode_last(key, value)
    with suppress(IntegrityError):
        rows.bounds_of_gap(value)


def key_frames(data: bytes) -> None:
    """The table of key frames in a row."""
    try:
        keyframes.check(data)
    except ValueError:
        return
    keyframes.unpack(data)
    keyframes.seek(data, 90_000)


def names(data: bytes) -> None:
    """Paths on a volume."""
    text = data.decode("utf-8", "replace")
    parse_name(text)
    parse_part(text)


def camera_list(data: bytes) -> None:
    """A spreadsheet of cameras."""
    with suppress(ConfigError):
        parse_camera_list(data.decode("utf-8", "replace"), is_toml=data[:1] == b"[", where="cameras.csv")


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        conversation, playing, description, message, challenge, report, parameter_sets, chunk_file, boxes,
        rows_of_the_index, key_frames, names, camera_list,
    )
}  # fmt: skip
