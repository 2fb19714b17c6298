"""The words and the struct that all answers share."""

from typing import Literal

import msgspec

KindWord = Literal["main", "sub"]


StateWord = Literal["recording", "connecting", "starting", "waiting", "no_disk", "off", "stopped"]


ReasonWord = Literal[
    "camera", "network", "authentication", "restart", "disk", "overload", "operator", "clock", "retention"
]


VolumeTroubleWord = Literal["away", "failed", "failing", "short", "single", "damaged", "worn", "unindexed"]


RecordsWord = Literal["all", "sub_only", "key_frames", "nothing"]


MatterWord = Literal[
    "away",
    "failed",
    "failing",
    "short",
    "single",
    "damaged",
    "worn",
    "unindexed",
    "sub_only",
    "key_frames",
    "nothing",
    "stopped",
    "index",
]


class Answer(msgspec.Struct, frozen=True):
    """A JSON answer."""


class Problem(Answer, frozen=True):
    """Every error: what happened in one plain sentence, where, and how to mend it."""

    error: str
    where: str = ""
    hint: str = ""


class Done(Answer, frozen=True):
    """It is done, and there is nothing to tell."""
