"""A coded loop: the access units of a stream as the encoder gave them, and their file in the cache.

File: ``SIMLOOP1`` | length of the head, u32 big-endian | head, JSON (``offsets``, ``shown``, ``sync``) | the access
units, each NAL unit behind its 4-byte length. It is written under another name and then renamed: whole or not there.
"""

import json
import mmap
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from nvr.errors import IntegrityError
from nvr.media import Codec, ParameterSets
from tools.simcam.cadence import Cadence
from tools.simcam.recipe import Recipe

MAGIC = b"SIMLOOP1"
START_CODE = b"\0\0\0\1"
H264_SPS, H264_PPS = 7, 8
H265_VPS, H265_SPS, H265_PPS = 32, 33, 34


def nal_type(codec: Codec, nal: bytes) -> int:
    """``nal_unit_type`` from the header of a NAL unit."""
    return nal[0] & 0x1F if codec is Codec.H264 else nal[0] >> 1 & 0x3F


def is_parameter_set(codec: Codec, nal: bytes) -> bool:
    """Whether a NAL unit is a VPS, SPS or PPS."""
    kinds = (H264_SPS, H264_PPS) if codec is Codec.H264 else (H265_VPS, H265_SPS, H265_PPS)
    return nal_type(codec, nal) in kinds


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop in order of decoding. ``shown[d]`` is the picture in access unit ``d``: d itself without B-frames."""

    recipe: Recipe
    offsets: tuple[int, ...]  # of the access units in ``data``, one more than there are
    shown: tuple[int, ...]
    sync: tuple[bool, ...]
    data: bytes | mmap.mmap
    cadence: Cadence = field(init=False)
    delay: int = field(init=False)  # frame times that an access unit waits, lest it go before its picture is taken

    def __post_init__(self) -> None:
        object.__setattr__(self, "cadence", self.recipe.cadence)
        object.__setattr__(self, "delay", max(shown - place for place, shown in enumerate(self.shown)))

    @property
    def frames(self) -> int:
        return len(self.shown)

    @property
    def kbps(self) -> int:
        """The bit rate that came out, kbit/s without any framing."""
        return (self.offsets[-1] - self.offsets[0]) * 8 * self.recipe.fps // self.frames // 1000

    def place(self, number: int) -> int:
        """Which access unit of the loop is sent as the ``number``-th since 1970."""
        return self.cadence.picture(number)

    def shown_number(self, number: int) -> int:
        """The number of the picture that access unit ``number`` shows; the same without B-frames."""
        place = self.place(number)
        return number - place + self.shown[place]

    def nal_units(self, number: int) -> list[bytes]:
        """The NAL units of the access unit that is sent as the ``number``-th since 1970, in order, bare."""
        return self.units_at(self.place(number))

    def units_at(self, place: int) -> list[bytes]:
        """The NAL units of access unit ``place`` of the loop."""
        position, end, units = self.offsets[place], self.offsets[place + 1], []
        while position < end:
            start = position + 4
            position = start + int.from_bytes(self.data[position:start], "big")
            units.append(bytes(self.data[start:position]))
        return units

    def parameter_sets(self) -> ParameterSets:
        """The sets that stand before the first picture."""
        codec = self.recipe.codec
        found: dict[int, list[bytes]] = {}
        for unit in self.units_at(0):
            found.setdefault(nal_type(codec, unit), []).append(unit)
        kinds = (-1, H264_SPS, H264_PPS) if codec is Codec.H264 else (H265_VPS, H265_SPS, H265_PPS)
        return ParameterSets(codec, *(tuple(found.get(kind, ())) for kind in kinds))

    def forget_pages(self) -> None:
        """Let the kernel have the memory of the file back; reading it again brings it back."""
        if isinstance(self.data, mmap.mmap):
            self.data.madvise(mmap.MADV_DONTNEED)

    def annex_b(self) -> bytes:
        """The whole loop as a byte stream with start codes, for programs that read a file."""
        units = (unit for place in range(self.frames) for unit in self.units_at(place))
        return b"".join(part for unit in units for part in (START_CODE, unit))

    def save(self, path: Path) -> None:
        """Write the loop's file, whole or not at all."""
        first = self.offsets[0]
        offsets = [offset - first for offset in self.offsets]
        head = json.dumps({"offsets": offsets, "shown": self.shown, "sync": self.sync}).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(b"".join((MAGIC, len(head).to_bytes(4, "big"), head, self.data[first:])))
        draft.rename(path)

    @classmethod
    def load(cls, recipe: Recipe, path: Path) -> Self:
        """Read a loop; its pictures stay in the page cache until they are sent.

        Raises:
            FileNotFoundError: it is not in the cache.
            IntegrityError: the file is no loop.
        """
        with path.open("rb") as file:
            mark, size = file.read(len(MAGIC)), int.from_bytes(file.read(4), "big")
            if mark != MAGIC:
                raise IntegrityError("this is no loop of test pictures", where=str(path), hint="remove it")
            head = json.loads(file.read(size))
            start, data = file.tell(), mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        offsets = tuple(start + offset for offset in head["offsets"])
        return cls(recipe, offsets, tuple(head["shown"]), tuple(head["sync"]), data)
