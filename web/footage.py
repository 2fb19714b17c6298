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
from nvr.chunk.reader import ChunkReader
from nvr.chunk.source import ByteSource
from nvr.chunk.stamp import StampFlags
from nvr.chunk.tables import Array
from nvr.codec.parameters import PictureFormat, describe
from nvr.errors import IntegrityError, StorageError
from nvr.media import ParameterSets
from nvr.timebase import us_from_90k
from web.archive import Archive, StoredChunk
from web.stored import Signature
from web.volume_threads import NoAnswer

Times = npt.NDArray[np.int64]
CACHE_BYTES = 64 << 20  # chosen: some 800 chunks of a main stream
_CHECK = "nvr check tells what is wrong"


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
    is_whole: bool  # as far as was written; False: its end is damaged or missing
    is_coarse: bool  # times in it are those of receipt, right to a second
    root: bytes  # Merkle root; empty where it is not sealed, or damaged
    previous_root: bytes  # of the chunk that was recorded before it

    @property
    def memory_bytes(self) -> int:
        return self.samples.nbytes + self.shown_us.nbytes + 150 * len(self.fragments) + 2000

    def shown_at(self, instant_us: int) -> int:
        """The index of the sample that is on the screen at an instant; before the first, the first to be shown."""
        before = self.shown_us <= instant_us
        if not before.any():
            return int(self.shown_us.argmin())
        return int(np.where(before, self.shown_us, np.iinfo(np.int64).min).argmax())

    def start_for(self, index: int) -> int | None:
        """The index of the sync sample from which a sample can be decoded; None: it stands in a chunk before.

        A sync sample that is shown after the wanted one does not serve: pictures that lead a CRA refer to what stands
        before it (H.265 section 3.111).
        """
        serves = self.samples["sync"][: index + 1] & (self.shown_us[: index + 1] <= self.shown_us[index])
        (found,) = serves.nonzero()
        return int(found[-1]) if len(found) else None

    @property
    def begins_in_group(self) -> bool:
        """Whether its first sample is no sync sample: the chunk was cut in the middle of a group of pictures."""
        return len(self.samples) > 0 and not self.samples["sync"][0]

    @property
    def first_sync(self) -> int:
        """The index of the first sync sample; the number of samples where there is none."""
        (found,) = self.samples["sync"].nonzero()
        return int(found[0]) if len(found) else len(self.samples)

    def fragments_from(self, index: int) -> tuple[FragmentRow, ...]:
        """The fragments from the one that holds a sample on."""
        if index >= len(self.samples):
            return ()
        offset = int(self.samples["offset"][index])
        return tuple([row for row in self.fragments if row.end > offset])


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
        self._kept: OrderedDict[StoredChunk, tuple[Signature, Footage]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def read(self, chunk: StoredChunk) -> Footage:
        """A chunk's tables. Of a sealed file whose end is damaged or missing: what stands before that.

        Raises:
            StorageError: the file cannot be read.
            IntegrityError: it holds something else.
        """
        signature = self.signature(chunk)
        footage = None if signature is None else self._get(chunk, signature)
        if footage is None:
            with self._archive.opened(chunk) as file:
                footage = file.call(partial(_read, chunk))
            if signature is not None:
                self._keep(chunk, signature, footage)
        return footage

    def signature(self, chunk: StoredChunk) -> Signature | None:
        """What tells a chunk's file from another; None: it grows, or cannot be had, and `read` says why.

        Raises:
            NoAnswer: its disk hangs.
        """
        try:
            return self._archive.signature(chunk) if chunk.sealed else None
        except NoAnswer:
            raise
        except StorageError:
            return None

    def before(self, footage: Footage) -> Footage | None:
        """The chunk of which this one is the continuation, picture by picture; None: there is none.

        Raises:
            StorageError: its file cannot be read.
            IntegrityError: it holds something else.
        """
        chunk = self._archive.before(footage.chunk)
        if chunk is None and footage.begins_in_group:
            chunk = self._archive.before_run(footage.chunk)
        found = None if chunk is None else self.read(chunk)
        return found if found is not None and follows(found, footage) else None

    def after(self, footage: Footage) -> Footage | None:
        """The chunk that continues this one; as `before`."""
        chunk = self._archive.after(footage.chunk)
        found = None if chunk is None else self.read(chunk)
        return found if found is not None and follows(footage, found) else None

    def _get(self, chunk: StoredChunk, signature: Signature) -> Footage | None:
        """What is kept of a chunk, unless its file is another one by now."""
        with self._lock:
            kept = self._kept.get(chunk)
            if kept is None or kept[0] != signature:
                return None
            self._kept.move_to_end(chunk)
            return kept[1]

    def _keep(self, chunk: StoredChunk, signature: Signature, footage: Footage) -> None:
        with self._lock:
            if chunk in self._kept:
                self._bytes -= self._kept.pop(chunk)[1].memory_bytes
            self._kept[chunk] = signature, footage
            self._bytes += footage.memory_bytes
            while self._bytes > self._limit_bytes:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._bytes -= dropped.memory_bytes


def follows(before: Footage, after: Footage) -> bool:
    """Whether decoding goes on from one chunk to another: pictures of the second may need those of the first.

    A camera that is silent for a while leaves a hole inside a run, and no picture of the run is lost by that.
    """
    first, second = before.chunk, after.chunk
    same_run = (first.track, first.run, first.sequence + 1) == (second.track, second.run, second.sequence)
    # When the server's clock is set a new run begins, and no picture is left out: in the middle of a group then.
    clock_was_set = after.begins_in_group and before.root != b"" and before.root == after.previous_root
    same_sets = before.parameter_sets == after.parameter_sets
    return (same_run or clock_was_set) and same_sets and before.is_whole and len(before.samples) > 0


def _read(chunk: StoredChunk, fd: int) -> Footage:
    with ChunkReader(os.dup(fd)) as reader:
        footer = reader.footer if chunk.sealed else None
        if footer is not None and chunk.root and not footer.root.startswith(chunk.root):
            raise IntegrityError("another file lies in the place of this one", where=chunk.path, hint=_CHECK)
        if footer is not None:
            fragments, samples, is_coarse = footer.fragments, footer.samples, footer.is_coarse
        else:  # it grows, and the stamps tell as much; or its end is damaged, and only the hashes tell what is sound
            source = ByteSource(fd)
            spans = scan.fragments(source, reader.preamble_bytes, end=chunk.readable_bytes, verify=chunk.sealed)
            scanned = list(spans)
            found = scan.contents(scan.read_preamble(source), scanned)
            fragments, samples = found.fragments, found.samples
            is_coarse = any(one.span.stamp.flags & StampFlags.COARSE for one in scanned)
        is_whole = footer is not None or not chunk.sealed
        if footer is None:
            chunk = _ended(chunk, samples, reader.header.composition_delay_90k)
        root = b"" if footer is None else footer.root
        return _footage(chunk, reader, fragments, samples, is_coarse=is_coarse, root=root, is_whole=is_whole)


def _ended(chunk: StoredChunk, samples: Array, delay_90k: int) -> StoredChunk:
    """A chunk with the end that its samples give it.

    Of one that grows the board says about where it ends. What is still to come is shown no earlier than it is decoded,
    so every picture before that is there; with B-frames some later ones are there as well. Of a damaged one the name
    says where it ended.
    """
    complete_90k = 0
    if len(samples):
        complete_90k = int(samples[-1]["decode_90k"]) + int(samples[-1]["duration_90k"]) - delay_90k
    return replace(chunk, end_us=max(chunk.start_us, chunk.start_us + us_from_90k(complete_90k)))


def _footage(
    chunk: StoredChunk,
    reader: ChunkReader,
    fragments: Array,
    samples: Array,
    *,
    is_coarse: bool,
    root: bytes,
    is_whole: bool,
) -> Footage:
    header = reader.header
    delay_90k = header.composition_delay_90k
    shown_us = shown_us_of(samples, chunk.start_us, delay_90k)
    return Footage(
        chunk=chunk,
        parameter_sets=header.parameter_sets,
        picture=describe(header.parameter_sets),
        delay_90k=delay_90k,
        init_segment=reader.init_segment,
        samples=samples,
        shown_us=shown_us,
        fragments=_rows(fragments, samples, shown_us),
        is_whole=is_whole,
        is_coarse=is_coarse,
        root=root,
        previous_root=header.previous_root,
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
