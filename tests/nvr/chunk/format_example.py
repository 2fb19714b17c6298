"""The worked example of nvr/chunk/FORMAT.md, made from a real file; run as a program, it prints itself."""

from collections.abc import Iterator
from functools import cache

from nvr.chunk.header import ChunkHeader
from nvr.chunk.stamp import STAMP_BYTES
from nvr.chunk.writer import ChunkWriter
from nvr.codec.bmff import init_segment
from nvr.codec.parameters import describe
from nvr.media import Codec, CutReason, Fragment, ParameterSets, Track, TrackKind

START_US = 1_795_000_000_250_000
SPS, PPS = bytes.fromhex("6742c00dda0a36840000030004000afc803c50aa80"), bytes.fromhex("68ce3c80")
SETS = ParameterSets(Codec.H264, (), (SPS,), (PPS,))
TRACK = Track(7, TrackKind.MAIN)
HEADER = ChunkHeader("Hồ Xá", bytes(range(16)), TRACK, 42, 3, START_US, SETS, 0, "example", name="Cổng chợ")
FIRST = Fragment(
    data=(b"\0\0\0\x04\x65key", b"\0\0\0\x05\x41next"),
    durations_90k=(3600, 3600),
    composition_90k=(0, 0),
    sync=(True, False),
    decode_90k=0,
    presentation_rtp_90k=900_000,
    wall_us=START_US,
    monotonic_us=1_000_000,
    ntp=0xED00_0000_8000_0000,
    lost_packets=0,
)
SECOND = Fragment(
    data=(b"\0\0\0\x05\x41last",),
    durations_90k=(3600,),
    composition_90k=(0,),
    sync=(False,),
    decode_90k=7200,
    presentation_rtp_90k=907_200,
    wall_us=START_US + 80_000,
    monotonic_us=1_080_000,
    ntp=0,
    lost_packets=2,
)

Field = tuple[int, str]  # width in bytes, meaning

_HEADER_FIELDS: tuple[Field, ...] = (
    (4, "size of the box: 170"),
    (4, "type: uuid"),
    (16, "usertype: header"),
    (1, "version 2"),
    (1, "kind 0: main"),
    (2, "flags: the clock was believed"),
    (4, "channel 7"),
    (4, "run 42"),
    (4, "sequence 3"),
    (8, "start_us 1795000000250000"),
    (4, "composition_delay_90k 0"),
    (16, "volume_uuid"),
    (32, "previous_root: not known"),
    (2, "8 bytes follow"),
    (8, "site: Hồ Xá"),
    (2, "7 bytes follow"),
    (7, "engine: example"),
    (2, "12 bytes follow"),
    (12, "name: Cổng chợ"),
    (1, "codec 1: H.264"),
    (3, "no VPS, 1 SPS, 1 PPS"),
    (2, "21 bytes follow"),
    (21, "SPS"),
    (2, "4 bytes follow"),
    (4, "PPS"),
    (4, "CRC-32 of the file up to here"),
)
_STAMP_FIELDS: tuple[Field, ...] = (
    (4, "size of the box: 108"),
    (4, "type: uuid"),
    (16, "usertype: stamp"),
    (4, "sequence"),
    (2, "flags"),
    (2, "reserved"),
    (8, "wall_us"),
    (8, "monotonic_us"),
    (8, "presentation_rtp_90k"),
    (8, "ntp"),
    (4, "lost_packets"),
    (4, "media_bytes"),
    (32, "SHA-256 of moof and mdat"),
    (4, "CRC-32 of the 104 bytes before"),
)
_MEDIA_FIELDS: tuple[Field, ...] = (
    (8, "moof"),
    (16, "mfhd: sequence 1"),
    (8, "traf"),
    (16, "tfhd: track 1, default-base-is-moof"),
    (20, "tfdt: decode time 0"),
    (20, "trun: 2 samples; their data stands at moof + 120"),
    (12, "3600 ticks, 8 bytes, sync sample"),
    (12, "3600 ticks, 9 bytes, needs others"),
    (8, "mdat"),
    (8, "first sample: a NAL unit of 4 bytes"),
    (9, "second sample: a NAL unit of 5 bytes"),
)
_FOOTER_FIELDS: tuple[Field, ...] = (
    (4, "type: uuid"),
    (16, "usertype: footer"),
    (1, "version 1"),
    (1, "cut 1: schedule"),
    (2, "flags: not recovered, not coarse"),
    (4, "preamble_bytes"),
    (4, "2 fragments"),
    (4, "3 samples"),
    (4, "2 lost packets"),
    (8, "media_90k 10800"),
    (8, "start_us"),
    (8, "duration_us 120000"),
    (4, "composition_delay_90k"),
    (32, "Merkle root"),
    (32, "leaf of the preamble"),
    (32, "leaf of stamp 1"),
    (32, "leaf of stamp 2"),
)


@cache
def example() -> tuple[bytes, dict[str, int]]:
    """The file, and where its parts stand."""
    writer = ChunkWriter(HEADER)
    places = {"header": len(init_segment(SETS, describe(SETS))), "first": writer.written_bytes}
    data = [writer.preamble(), *writer.append(FIRST)]
    places["second"] = writer.written_bytes
    data += writer.append(SECOND)
    places["footer"] = writer.written_bytes
    tail, _ = writer.seal(start_us=START_US, duration_us=120_000, cut=CutReason.SCHEDULE)
    return b"".join([*data, tail]), places


def rows(data: bytes, start: int, fields: tuple[Field, ...]) -> Iterator[str]:
    """One line for each 16 bytes of each field: offset, hex, meaning."""
    for width, meaning in fields:
        for at in range(0, width, 16):
            piece = data[start + at : start + min(width, at + 16)]
            yield f"{start + at:5d}  {piece.hex(' '):47}  {meaning if at == 0 else ''}".rstrip()
        start += width


def lines() -> list[str]:
    """The whole example. What zstd packed is left out: other versions of it pack otherwise."""
    data, places = example()
    first = places["first"]
    return [
        *rows(data, places["header"], _HEADER_FIELDS),
        "",
        *rows(data, first, _STAMP_FIELDS),
        *rows(data, first + STAMP_BYTES, _MEDIA_FIELDS),
        "",
        *rows(data, places["second"], _STAMP_FIELDS),
        "",
        *rows(data, places["footer"] + 4, _FOOTER_FIELDS),
    ]


if __name__ == "__main__":
    print("\n".join(lines()))
