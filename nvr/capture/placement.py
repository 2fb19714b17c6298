"""Which volume takes a channel's hour: weighted rendezvous hashing.

Every (channel, hour) ranks the volumes by a hash of its own, so that each volume gets its weight's share, a dead disk
costs every camera the same small share of hours, and a new disk moves nothing that is already placed
(Thaler and Ravishankar 1998; weights after Schindelhauer and Schomaker 2005).
"""

import hashlib
import math
from collections.abc import Iterable
from typing import Protocol, TypeVar

from nvr.timebase import US_PER_S

HOUR_US = 3600 * US_PER_S


class Placeable(Protocol):
    """What placement must know of a volume."""

    @property
    def uuid(self) -> bytes: ...
    @property
    def weight(self) -> int: ...


V = TypeVar("V", bound=Placeable)


def ranked(channel: int, wall_us: int, volumes: Iterable[V]) -> list[V]:
    """The volumes in the order in which this channel's hour should try them."""
    hour = wall_us // HOUR_US
    return sorted(volumes, key=lambda volume: _score(channel, hour, volume), reverse=True)


def _score(channel: int, hour: int, volume: Placeable) -> float:
    digest = hashlib.blake2b(volume.uuid + channel.to_bytes(4, "big") + hour.to_bytes(8, "big"), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 0.5) / 2**64
    return -volume.weight / math.log(uniform)
