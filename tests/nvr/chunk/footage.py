"""Real coded pictures as samples and fragments, and chunk files made of them."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from nvr.chunk.header import ChunkHeader
from nvr.chunk.name import ChunkName
from nvr.chunk.sealed import SealedChunk
from nvr.chunk.volume import Volume
from nvr.chunk.writer import ChunkWriter
from nvr.codec.nal import length_prefixed, split_annex_b
from nvr.media import Codec, CutReason, Fragment, ParameterSets, Track, TrackKind
from nvr.timebase import us_from_90k
from tests.manual_clock import ManualClock

START_US = 1_795_000_000_250_000  # 2026-11-18T11:06:40.250Z
FPS = 25
FRAME_90K = 90_000 // FPS
TRACK = Track(7, TrackKind.MAIN)
_ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}


@dataclass(frozen=True)
class Unit:
    """One access unit."""

    data: bytes
    decode_90k: int
    composition_90k: int
    sync: bool


@dataclass(frozen=True)
class Footage:
    sets: ParameterSets
    units: tuple[Unit, ...]

    @property
    def delay_90k(self) -> int:
        return self.units[0].composition_90k

    def fragments(self, start_us: int = START_US, per_fragment: int = 10) -> list[Fragment]:
        """The units in pieces that also break at sync samples, as the segmenter makes them."""
        pieces: list[list[Unit]] = []
        for unit in self.units:
            if not pieces or unit.sync or len(pieces[-1]) == per_fragment:
                pieces.append([])
            pieces[-1].append(unit)
        return [self._fragment(piece, start_us) for piece in pieces]

    def _fragment(self, piece: list[Unit], start_us: int) -> Fragment:
        first = piece[0]
        offset_us = us_from_90k(first.decode_90k + first.composition_90k - self.delay_90k)
        return Fragment(
            data=tuple(unit.data for unit in piece),
            durations_90k=(FRAME_90K,) * len(piece),
            composition_90k=tuple(unit.composition_90k for unit in piece),
            sync=tuple(unit.sync for unit in piece),
            decode_90k=first.decode_90k,
            presentation_rtp_90k=4_000_000_000 + first.decode_90k + first.composition_90k,
            wall_us=start_us + offset_us,
            monotonic_us=50_000_000 + offset_us,
            ntp=(3_900_000_000 << 32) + first.decode_90k * 47_721,
            lost_packets=0,
        )


@cache
def footage(
    codec: Codec = Codec.H264, frames: int = 50, gop: int = 10, b_frames: int = 0, width: int = 160, height: int = 96
) -> Footage:
    """A moving picture, coded once a test run."""
    encoder = av.CodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, 90_000)
    encoder.bit_rate = 200_000
    private = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:repeat-headers=1"
    if codec is Codec.H264:
        encoder.options = {"preset": "ultrafast", "x264-params": private}
    else:
        encoder.options = {"preset": "ultrafast", "x265-params": private + ":open-gop=0:log-level=none"}
    packets = []
    for number in range(frames):
        packets += encoder.encode(_picture(number, width, height))
    packets += encoder.encode(None)
    lowest = min(_ticks(packet.dts) for packet in packets)
    units = tuple(_unit(packet, lowest) for packet in packets)
    return Footage(_parameter_sets(codec, bytes(packets[0])), units)


def _unit(packet: "av.packet.Packet[av.VideoStream]", lowest: int) -> Unit:
    decode, presentation = _ticks(packet.dts), _ticks(packet.pts)
    return Unit(_length_prefixed(bytes(packet)), decode - lowest, presentation - decode, bool(packet.is_keyframe))


def _ticks(time: int | None) -> int:
    assert time is not None
    return time


def _picture(number: int, width: int, height: int) -> av.VideoFrame:
    row = (np.arange(width) * 3 + number * 5) % 200 + 20
    luma = np.tile(row, (height, 1)) + np.arange(height)[:, None] // 4
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = luma
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts = number * FRAME_90K
    frame.time_base = Fraction(1, 90_000)
    return frame


def _length_prefixed(annex_b: bytes) -> bytes:
    return length_prefixed(*(annex_b[start:end] for start, end in split_annex_b(annex_b)))


def _parameter_sets(codec: Codec, annex_b: bytes) -> ParameterSets:
    found: dict[int, list[bytes]] = {}
    for start, end in split_annex_b(annex_b):
        kind = annex_b[start] & 31 if codec is Codec.H264 else annex_b[start] >> 1 & 63
        found.setdefault(kind, []).append(annex_b[start:end])
    vps, sps, pps = ((), (7,), (8,)) if codec is Codec.H264 else ((32,), (33,), (34,))
    return ParameterSets(codec, *(tuple(found[kind[0]]) if kind else () for kind in (vps, sps, pps)))


def header(shown: Footage, **changes: object) -> ChunkHeader:
    values: dict[str, object] = {
        "site": "Hồ Xá",
        "volume_uuid": bytes(range(16)),
        "track": TRACK,
        "run": 0x2A,
        "sequence": 3,
        "start_us": START_US,
        "parameter_sets": shown.sets,
        "composition_delay_90k": shown.delay_90k,
        "engine": "hoxa-nvr 0.1.0",
        "previous_root": bytes(range(32)),
    }
    return ChunkHeader(**(values | changes))  # type: ignore[arg-type]


def chunk_bytes(shown: Footage, cut: CutReason = CutReason.SCHEDULE) -> tuple[bytes, SealedChunk]:
    """A whole chunk file."""
    writer = ChunkWriter(header(shown))
    pieces = [writer.preamble()]
    for fragment in shown.fragments():
        pieces += writer.append(fragment)
    tail, sealed = writer.seal(start_us=START_US, duration_us=len(shown.units) * 40_000, cut=cut)
    return b"".join((*pieces, tail)), sealed


def open_volume(path: Path, clock: ManualClock) -> Volume:
    return Volume.open(1, path, create=True, clock=clock)


def record(volume: Volume, shown: Footage, *, fragments: int | None = None, reserve_bytes: int = 0) -> str:
    """Write a part with so many fragments and leave it as a killed recorder would; its path."""
    made = header(shown, volume_uuid=volume.uuid)
    writer = ChunkWriter(made)
    part = volume.create(made, reserve_bytes)
    part.append([writer.preamble()])
    for fragment in shown.fragments()[:fragments]:
        part.append(writer.append(fragment))
    part.abandon()
    return part.path


def record_sealed(volume: Volume, shown: Footage) -> tuple[ChunkName, SealedChunk]:
    """Write and seal a chunk."""
    made = header(shown, volume_uuid=volume.uuid)
    writer = ChunkWriter(made)
    part = volume.create(made, 1 << 20)
    part.append([writer.preamble()])
    for fragment in shown.fragments():
        part.append(writer.append(fragment))
    tail, sealed = writer.seal(start_us=START_US, duration_us=len(shown.units) * 40_000, cut=CutReason.SCHEDULE)
    part.seal(tail, ChunkName.of(sealed))
    return ChunkName.of(sealed), sealed
