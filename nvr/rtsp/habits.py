"""What earlier sessions have taught of a camera: kept from one connection to the next."""

from collections.abc import Collection
from dataclasses import dataclass, field

from nvr.rtsp.auth import Challenge

ENDS_LIMIT = 2  # chosen: once can be chance
ENDS_WITHIN_US = 5_000_000  # chosen: a session that ends so soon behind a keep-alive ends because of it
_KEEP_ALIVES = ("GET_PARAMETER", "OPTIONS", "SET_PARAMETER")  # as players send them, the usual first


@dataclass(slots=True)
class Habits:
    """Mutable, and shared by the clients that follow each other for one stream.

    The challenge is kept because some cameras close the connection behind each 401 (retina's issue 45): the answer can
    only be in the first request of the next one.
    """

    challenge: Challenge | None = None
    refusals: int = 0  # of our answers, since one was accepted
    offered_digest: bool = False
    has_played: bool = False
    dislikes_options: bool = False  # it was not answered, or the connection ended at it
    ends: dict[str, int] = field(default_factory=dict)  # by keep-alive method: sessions that it ended

    def keep_alive(self, listed: Collection[str]) -> str | None:
        """The method for a keep-alive, None where each of them ends the session.

        Args:
            listed: what the camera says it understands.
        """
        usual = [] if self.dislikes_options else ["OPTIONS"]
        usable = [method for method in _KEEP_ALIVES if method in listed or method in usual]
        for method in (*usable, "GET_PARAMETER"):  # some list it not and live by it (go2rtc's pull request 2409)
            if self.ends.get(method, 0) < ENDS_LIMIT:
                return method
        return None

    def session_ended(self, method: str, after_us: int) -> None:
        """The camera ended the session so long after a keep-alive with that method."""
        if after_us <= ENDS_WITHIN_US:
            self.ends[method] = self.ends.get(method, 0) + 1
