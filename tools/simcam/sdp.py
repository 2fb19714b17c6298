"""The description of a stream (RFC 4566, fmtp as RFC 6184 section 8.1 and RFC 7798 section 7.1 say)."""

import base64
from collections.abc import Iterable

from nvr.media import Codec, ParameterSets
from tools.simcam.behaviour import Behaviour
from tools.simcam.packets import PAYLOAD_TYPE, SetsPlace
from tools.simcam.recipe import Recipe

CONTROL = "trackID=0"
SOUND = ["m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=control:trackID=1"]


def describe(recipe: Recipe, sets: ParameterSets, behaviour: Behaviour, url: str) -> bytes:
    """The SDP of the stream at ``url`` as the camera behaves at the moment."""
    controls = {"relative": [f"a=control:{CONTROL}"], "absolute": [f"a=control:{url}/{CONTROL}"], "missing": []}
    encoding = "H264" if recipe.codec is Codec.H264 else "H265"
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", f"s=ch{recipe.channel:02d} {recipe.kind.word}"]
    lines += ["c=IN IP4 0.0.0.0", "t=0 0", "a=control:*", "a=range:npt=now-"]
    lines += [f"m=video 0 RTP/AVP {PAYLOAD_TYPE}", f"a=rtpmap:{PAYLOAD_TYPE} {encoding}/90000"]
    lines += [f"a=framerate:{recipe.fps}", f"a=fmtp:{PAYLOAD_TYPE} {_format(sets, behaviour)}"]
    lines += controls[behaviour.control]
    return "".join(f"{line}\r\n" for line in [*lines, *(SOUND if behaviour.audio else [])]).encode()


def _format(sets: ParameterSets, behaviour: Behaviour) -> str:
    style = behaviour.style
    tail = b"\0\0\0" if style.trailing else b""

    def coded(units: Iterable[bytes]) -> str:
        return ",".join(base64.b64encode(unit + tail).decode() for unit in units)

    tells = style.sets is not SetsPlace.BAND
    if sets.codec is Codec.H264:
        words = ["packetization-mode=1", f"profile-level-id={sets.sps[0][1:4].hex().upper()}"]
        words += [f"sprop-parameter-sets={coded(sets.sps + sets.pps)}"] if tells else []
        return "; ".join(words)
    named = (("vps", sets.vps), ("sps", sets.sps), ("pps", sets.pps)) if tells else ()
    return "; ".join(["sprop-max-don-diff=0", *(f"sprop-{name}={coded(units)}" for name, units in named)])
