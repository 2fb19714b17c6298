"""Holds at work: what they keep from deletion, where they are mirrored, and what they cost the other cameras."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from indexer.expiry import Expiry
from indexer.holds import Hold, Holds, decode_all, encode_all, is_held
from indexer.reader import IndexReader
from nvr.chunk import mirror
from nvr.chunk.volume import Volume
from nvr.errors import StorageError
from nvr.log import get_logger
from nvr.media import Track
from nvr.timebase import Clock, TimeRange
from retention.plan import IsHeld

log = get_logger()

Freeze = Callable[[], AbstractContextManager[IsHeld]]


class Standing:
    """The holds that stand now, for the sweeper's thread.

    Args:
        holds: the registry's table.
        clock: tells which have expired.
    """

    def __init__(self, holds: Holds, clock: Clock) -> None:
        self._holds = holds
        self._clock = clock
        self._known: list[Hold] = []
        self._mirrored: dict[int, bytes] = {}  # volume → what was written there last

    def refresh(self) -> None:
        """Look again: `is_held` answers from what was seen here.

        Raises:
            StorageError: the registry cannot be read: then nothing may be deleted.
        """
        self._known = self._holds.all()

    def is_held(self, track: Track, span: TimeRange) -> bool:
        """Whether any part of a range of a track is held, as far as was seen at the last `refresh`."""
        return is_held(self._known, track, span, self._clock.wall_us())

    @contextmanager
    def frozen(self) -> Iterator[IsHeld]:
        """The true answer, as long as the block lasts: whoever wants to lay a hold waits for its end."""
        with self._holds.frozen() as holds:
            yield lambda track, span: is_held(holds, track, span, self._clock.wall_us())

    def take_back(self, volumes: Iterable[Volume]) -> None:
        """At the start: enter holds that only a volume's mirror knows, because the registry was lost or is an old copy.

        A mirror that cannot be read is told and left alone.
        """
        for volume in volumes:
            try:
                data = volume.read_mirror(mirror.HOLDS)
                taken = self._holds.take_back(decode_all(data)) if data else []
            except (StorageError, ValueError) as error:
                log.exception("the mirror of the holds cannot be read", volume=volume.number, error=str(error))
                continue
            for hold in taken:
                log.warning("a hold was taken back from a volume", volume=volume.number, hold=hold.number)

    def mirror(self, volumes: Iterable[Volume]) -> dict[int, str]:
        """Write all holds to each volume that does not have them yet; gives the troubles by volume."""
        data, troubles = encode_all(self._known), {}
        for volume in volumes:
            if self._mirrored.get(volume.number) != data:
                try:
                    volume.write_mirror(mirror.HOLDS, data)
                    self._mirrored[volume.number] = data
                except StorageError as error:
                    troubles[volume.number] = f"the holds cannot be mirrored here: {error}"
        return troubles


@dataclass(frozen=True, slots=True)
class Kept:
    """What a hold keeps on each volume, in bytes."""

    bytes_on: Mapping[int, int]

    @property
    def bytes(self) -> int:
        return sum(self.bytes_on.values())


def kept_by(hold: Hold, reader: IndexReader) -> Kept:
    """What lies under a hold, from the index: no file is opened. A month of a camera takes some 0.5 s."""
    tracks = [track for track in reader.tracks() if not hold.channels or track.channel in hold.channels]
    found: Counter[int] = Counter()
    for track in tracks:
        for record in _under(hold, track, reader):
            found[record[0]] += record[1]
    return Kept(found)


def _under(hold: Hold, track: Track, reader: IndexReader) -> Iterator[tuple[int, int]]:
    """Volume and bytes of each chunk."""
    first = reader.floor(track, hold.start_us)
    for page in reader.pages(track, first.start_us if first else hold.start_us):
        for record in page:
            if record.start_us >= hold.end_us:
                return
            if record.end_us > hold.start_us and not record.lost:
                yield record.volume, record.bytes


def begins_us(reader: IndexReader) -> dict[int, int]:
    """Where the oldest footage of each volume begins."""
    expiry = Expiry(reader.store)
    found: dict[int, int] = {}
    for track, volume in reader.usage():
        first = next(expiry.oldest(track, volume=volume), None)
        if first is not None:
            found[volume] = min(first.start_us, found.get(volume, first.start_us))
    return found


def shortened_us(kept: Kept, used_bytes: Mapping[int, int], recorded_us: Mapping[int, int]) -> dict[int, int]:
    """How much shorter other footage is kept on each volume once it is full, in microseconds.

    A volume that took ``used_bytes`` in ``recorded_us`` fills that much time with as many bytes as the hold keeps.

    Args:
        kept: by a hold.
        used_bytes: of all footage, by volume.
        recorded_us: from a volume's oldest footage until now.
    """
    return {
        volume: size * recorded_us[volume] // used_bytes[volume]
        for volume, size in kept.bytes_on.items()
        if used_bytes.get(volume) and volume in recorded_us
    }
