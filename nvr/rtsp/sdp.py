"""Session descriptions (RFC 4566) as cameras write them: which video there is, and how to ask for it."""

import base64
import binascii
import re
from dataclasses import dataclass, field

from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from nvr.rtsp.parametersets import ParameterSetStore
from nvr.rtsp.url import join_control

VIDEO_CLOCK_RATE = 90_000  # RFC 6184 section 8.2.1, RFC 7798 section 7.1
_CODECS = {"H264": Codec.H264, "H265": Codec.H265, "HEVC": Codec.H265}
_SPROPS = ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets")
_MEDIA_LIMIT = 32  # chosen: cameras have video, audio, metadata
_START_CODE = re.compile(rb"\A\x00*\x00\x00\x01")


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One ``m=`` section."""

    kind: str  # "video", "audio", "application"…
    codec: Codec | None  # None: not video, or a video format that cannot be recorded
    format: str  # the format's name as the camera wrote it, for messages
    payload_type: int
    clock_rate: int
    control_url: str
    parameter_sets: ParameterSets | None  # if the description has them all
    parameter_nals: tuple[bytes, ...] = ()  # what it has of them
    packetization_mode: int = 0  # RFC 6184 section 6.2
    don: bool = False  # H.265 with decoding order numbers (RFC 7798 section 4.4.1), which cannot be read


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """What DESCRIBE gave."""

    control_url: str  # for PLAY and keep-alive
    media: tuple[MediaDescription, ...]

    def video(self) -> MediaDescription:
        """The first video that can be recorded.

        Raises:
            CameraError: there is none; the message names what there is.
        """
        for media in self.media:
            if media.codec is not None:
                return media
        formats = ", ".join(media.format or "?" for media in self.media if media.kind == "video")
        raise CameraError(
            f"the camera offers no H.264 or H.265 video, but {formats or 'no video at all'}",
            hint="set the stream's video format to H.264 or H.265 in the camera",
        )


@dataclass(slots=True)
class _Section:
    """Attributes as they stand, of the session or of one medium."""

    first_line: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.attributes if key == name), None)

    def for_payload(self, name: str, payload_type: int) -> str:
        """The value of e.g. ``a=fmtp:96 …`` for that payload type; cameras may name another one than in ``m=``."""
        values = [value for key, value in self.attributes if key == name]
        own = [value for value in values if re.match(rf"{payload_type}\b", value)]
        return (own or values or [""])[0].partition(" ")[2].strip()


def parse(text: str, base: str) -> list[MediaDescription]:
    """The media of a description. See `parse_description`."""
    return list(parse_description(text, base).media)


def parse_description(text: str, base: str) -> SessionDescription:
    """Read a description.

    Args:
        text: the body of the reply.
        base: what control URLs are relative to, see `nvr.rtsp.url.base_url`.

    Raises:
        CameraError: it names no media, or a control URL is none.
    """
    session, *media = _sections(text)
    if not media:
        raise CameraError("the camera describes no stream")
    control_url = join_control(base, session.get("control"))
    return SessionDescription(control_url, tuple(_media(section, control_url) for section in media[:_MEDIA_LIMIT]))


def _sections(text: str) -> list[_Section]:
    sections = [_Section()]
    for line in text.replace("\r", "\n").split("\n"):
        kind, equals, value = line.strip().partition("=")
        if not equals:
            continue
        if kind.strip() == "m":
            sections.append(_Section(value.strip()))
        elif kind.strip() == "a":
            name, _, rest = value.partition(":")
            sections[-1].attributes.append((name.strip().lower(), rest.strip()))
    return sections


def _media(section: _Section, session_control_url: str) -> MediaDescription:
    words = section.first_line.split()
    kind = words[0].lower() if words else ""
    payload_type = _number(words[3] if len(words) > 3 else "", 127)
    encoding = section.for_payload("rtpmap", payload_type).split("/")
    parameters = _format_parameters(section.for_payload("fmtp", payload_type))
    codec = _codec(encoding[0], parameters) if kind == "video" else None
    nals = tuple(_parameter_nals(parameters))
    return MediaDescription(
        kind=kind,
        codec=codec,
        format=encoding[0] or " ".join(words[3:4]),
        payload_type=payload_type,
        clock_rate=_number(encoding[1] if len(encoding) > 1 else "", 1 << 31) or VIDEO_CLOCK_RATE,
        control_url=join_control(session_control_url, section.get("control")),
        parameter_sets=ParameterSetStore(codec, nals).current() if codec else None,
        parameter_nals=nals,
        packetization_mode=_number(parameters.get("packetization-mode", ""), 2),
        don=_number(parameters.get("sprop-max-don-diff", ""), 32767) > 0,
    )


def _codec(encoding: str, parameters: dict[str, str]) -> Codec | None:
    """The codec by its name, or by the parameters of one that a camera left nameless."""
    if encoding:
        return _CODECS.get(encoding.strip().upper())
    if "sprop-parameter-sets" in parameters:
        return Codec.H264
    return Codec.H265 if "sprop-sps" in parameters else None


def _format_parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip(' "') for name, _, value in pairs if name.strip()}


def _parameter_nals(parameters: dict[str, str]) -> list[bytes]:
    texts = [text for name in _SPROPS for text in parameters.get(name, "").split(",")]
    nals = [_START_CODE.sub(b"", _base64(text)) for text in texts]
    return [nal for nal in nals if nal]


def _base64(text: str) -> bytes:
    """Lenient: cameras forget the padding."""
    kept = re.sub(r"[^A-Za-z0-9+/]", "", text)
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    try:
        return base64.b64decode(kept + "=" * (-len(kept) % 4))
    except binascii.Error:
        return b""


def _number(text: str, limit: int) -> int:
    digits = re.match(r"\d{1,10}", text.strip(), re.ASCII)
    number = int(digits[0]) if digits else 0
    return number if number <= limit else 0
