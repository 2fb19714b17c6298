"""The words and the struct that all answers share."""

from typing import Annotated, Literal, get_args

import msgspec

KindWord = Literal["main", "sub"]


StateWord = Literal["recording", "connecting", "starting", "waiting", "no_disk", "off", "stopped"]


# What is odd about a stream that is recorded all the same; "other": its message says what.
RemarkWord = Literal["coarse", "key_frames", "other"]


ReasonWord = Literal[
    "camera", "network", "authentication", "restart", "disk", "overload", "operator", "clock", "retention", "settings"
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
    "registry",
    "clock",
]


VerdictWord = Literal["found", "unsure", "alike", "unlike", "dark", "nothing"]


# Each is a schema of its own in the API's description, so that a client can be held to the whole list.
WORDS: dict[str, object] = {
    "KindWord": KindWord,
    "StateWord": StateWord,
    "RemarkWord": RemarkWord,
    "ReasonWord": ReasonWord,
    "VolumeTroubleWord": VolumeTroubleWord,
    "RecordsWord": RecordsWord,
    "MatterWord": MatterWord,
    "VerdictWord": VerdictWord,
}

# msgspec describes the values of a dict, not its keys.
SecondsByReason = Annotated[
    dict[ReasonWord, int], msgspec.Meta(extra_json_schema={"propertyNames": {"enum": sorted(get_args(ReasonWord))}})
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
