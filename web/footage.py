"""One chunk's samples with their wall times: where the question "which picture was it at T?" is answered.

A sample is shown at ``start_us + us(decode_90k + composition_90k − composition_delay_90k)``, rounded once, so that
still, clip, list and table agree to the microsecond.
"""

import os
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock

import numpy as np
import numpy.typing as npt

from nvr.chunk import scan
from nvr.chunk.header import ChunkHeader
from nvr.chunk.reader import ChunkReader
from nvr.chunk.source import ByteSource
from nvr.chunk.tables import Array
from nvr.codec.parameters import PictureFormat, describe
from nvr.media import ParameterSets
from nvr.timebase import us_from_90k
from web.archive import Archive, StoredChunk

Times = npt.NDArray[np.int64]
CACHE_BYTES = 64 << 20  # chosen: some 800 chunks of a main stream


@dataclass(frozen=True, slots=True)
class FragmentRow:
    """One fragment as a player wants it."""

    offset: int  # of its stamp in the file
    end: int
    decode_90k: int
    duration_90k: int
    presentation_us: int  # of its first sample
    sync: bool


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """A chunk that has been opened and read. ``samples`` has `SAMPLE_DTYPE`, ``shown_us`` one i8 a sample."""

    chunk: StoredChunk
    parameter_sets: ParameterSets
    picture: PictureFormat
    delay_90k: int
    init_segment: bytes
    samples: Array
    shown_us: Times
    fragments: tuple[FragmentRow, ...]

    @property
    def memory_bytes(self) -> int:
        return self.samples.nbytes + self.shown_us.nbytes + 150 * len(self.fragments) + 2000

    def shown_at(self, instant_us: int) -> int:
        """The index of the sample that is on the screen at an instant; before the first, the first to be shown."""
        before = self.shown_us <= instant_us
        if not before.any():
            return int(self.shown_us.argmin())
        return int(np.where(before, self.shown_us, np.iinfo(np.int64).min).argmax())

    def start_for(self, index: int) -> int:
        """The index of the sync sample from which a sample can be decoded.

        A sync sample that is shown after the wanted one does not serve: pictures that lead a CRA refer to what stands
        before it (H.265 section 3.111).
        """
        serves = self.samples["sync"][: index + 1] & (self.shown_us[: index + 1] <= self.shown_us[index])
        (found,) = serves.nonzero()
        return int(found[-1]) if len(found) else 0


def shown_us_of(samples: Array, start_us: int, delay_90k: int) -> Times:
    """When each sample is shown, by `nvr.timebase.us_from_90k`'s rounding."""
    ticks = samples["decode_90k"] + samples["composition_90k"].astype(np.int64) - delay_90k
    shown: Times = start_us + (ticks * 100 + 4) // 9
    return shown


class FootageReader:
    """Opens chunks and reads their tables; keeps those of sealed ones, which never change. Safe between threads.

    Args:
        archive: where the files are.
        limit_bytes: how much memory the kept tables may take.
    """

    def __init__(self, archive: Archive, limit_bytes: int = CACHE_BYTES) -> None:
        self._archive = archive
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[StoredChunk, Footage] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def read(self, chunk: StoredChunk) -> Footage:
        """A chunk's tables.

        Raises:
            StorageError: the file cannot be read.
            IntegrityError: it holds something else.
        """
        footage = self._get(chunk)
        if footage is None:
            footage = self._archive.opened(chunk).call(partial(_read, chunk))
            self._keep(footage)
        return footage

    def _get(self, chunk: StoredChunk) -> Footage | None:
        with self._lock:
            found = self._kept.get(chunk)
            if found is not None:
                self._kept.move_to_end(chunk)
            return found

    def _keep(self, footage: Footage) -> None:
        if not footage.chunk.sealed:
            return
        with self._lock:
            if footage.chunk not in self._kept:
                self._kept[footage.chunk] = footage
                self._bytes += footage.memory_bytes
            while self._bytes > self._limit_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.memory_bytes


def _read(chunk: StoredChunk, fd: int) -> Footage:
    with ChunkReader(os.dup(fd)) as reader:
        footer = reader.footer if chunk.sealed else None
        if footer is not None:
            fragments, samples = footer.fragments, footer.samples
        else:  # it grows, or its end is damaged: the stamps tell as much
            source = ByteSource(fd)
            spans = scan.fragments(source, reader.preamble_bytes, end=chunk.readable_bytes, verify=False)
            found = scan.contents(scan.read_preamble(source), list(spans))
            fragments, samples = found.fragments, found.samples
        return _footage(chunk, reader.header, reader.init_segment, fragments, samples)


def _footage(chunk: StoredChunk, header: ChunkHeader, init: bytes, fragments: Array, samples: Array) -> Footage:
    delay_90k = header.composition_delay_90k
    shown_us = shown_us_of(samples, chunk.start_us, delay_90k)
    if not chunk.sealed and len(samples):
        # The board says about where it ends, the samples say exactly. What is still to come is shown no earlier than it
        # is decoded, so every picture before that is there; with B-frames some later ones are there as well.
        last = samples[-1]
        complete_90k = int(last["decode_90k"]) + int(last["duration_90k"]) - delay_90k
        chunk = replace(chunk, end_us=max(chunk.start_us, chunk.start_us + us_from_90k(complete_90k)))
    return Footage(
        chunk=chunk,
        parameter_sets=header.parameter_sets,
        picture=describe(header.parameter_sets),
        delay_90k=delay_90k,
        init_segment=init,
        samples=samples,
        shown_us=shown_us,
        fragments=_rows(fragments, samples, shown_us),
    )


def _rows(fragments: Array, samples: Array, shown_us: Times) -> tuple[FragmentRow, ...]:
    if not len(fragments):
        return ()
    counts = fragments["samples"].astype(np.int64)
    first = np.cumsum(counts) - counts
    durations = np.add.reduceat(samples["duration_90k"].astype(np.int64), first)
    columns = (fragments["offset"], fragments["end"], fragments["decode_90k"], durations, shown_us[first])
    rows = zip(*(column.tolist() for column in columns), samples["sync"][first].tolist(), strict=True)
    return tuple([FragmentRow(*row) for row in rows])
