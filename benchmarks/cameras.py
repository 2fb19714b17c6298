"""The cameras of a benchmark: a simulator whose loops are shared, and what it sent."""

from typing import NamedTuple

from nvr.media import Codec, TrackKind
from tools.simcam.fleet import Fleet
from tools.simcam.gate import Account, Scheme
from tools.simcam.options import Manners, Picture, Town

LOOPS = 55  # as many are drawn and coded; further channels play the same loops again, each in a session of its own
MAIN = Picture(1920, 1080, 25, 4096, Codec.H264)
FRAME_90K = 3600


class Count(NamedTuple):
    """What all sessions have been sent since they began."""

    bytes: int  # RTP with its framing
    lost: int  # access units that were due and were not sent, or not to everybody
    sessions: int  # begun so far


class Cameras:
    """Channels 1, 2, … of 1080p25 H.264 at 4 Mbit/s, main streams only, no password: the floor knows none.

    Args:
        channels: how many there are at most.
        trickle: packets in threes a millisecond apart, as from a network, not a picture at once.
    """

    def __init__(self, channels: int, *, trickle: bool) -> None:
        self.loops = min(LOOPS, channels)
        # Nobody is put out for want of keep-alives: the floor sends none.
        manners = Manners(account=Account("", "", Scheme.NONE), session_timeout_s=36_000, trickle=trickle)
        self.fleet = Fleet(Town(channels=self.loops, main=MAIN, sub=None), manners, _tell)

    def url(self, channel: int) -> str:
        """Where a channel plays."""
        return self.fleet.url((channel - 1) % self.loops + 1)

    def count(self, channels: int) -> Count:
        """What has been sent so far, if each of the first ``channels`` has one reader now."""
        total = lost = sessions = 0
        for (loop, kind), sent in self.fleet.all_sent().items():
            if kind is not TrackKind.MAIN:
                continue
            readers = len(range(loop, channels + 1, self.loops))
            total += sent.bytes * readers  # the simulator counts a picture once, however many readers it has
            due = sent.last - sent.first + 1 if sent.first is not None and sent.last is not None else 0
            lost += sent.dropped + (due - sent.access_units) * readers
            sessions += sent.sessions
        return Count(total, lost, sessions)


def _tell(done: int, of: int) -> None:
    print(f"\rdrawing the cameras' pictures: {done} of {of}", end="" if done < of else "\n", flush=True)
