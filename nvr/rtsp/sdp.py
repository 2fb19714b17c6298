"""Session descriptions (RFC 4566) as cameras write them: which video there is, and how to ask for it."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nvr.errors import CameraError
from nvr.media import Codec, ParameterSets
from nvr.rtsp.parametersets import ParameterSetStore
from nvr.rtsp.text import plain
from nvr.rtsp.url import join_control

VIDEO_CLOCK_RATE = 90_000  # RFC 6184 section 8.2.1, RFC 7798 section 7.1
CLOCK_RATES = range(10_000, 1_000_001)  # chosen: cameras say 30 000 and 180 000; below 10 000 it is the clock of audio
_CODECS = {"H264": Codec.H264, "H265": Codec.H265, "HEVC": Codec.H265}
_SPROPS = ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets")
_MEDIA_LIMIT = 32  # chosen: cameras have video, audio, metadata
_LINE_LIMIT = 16_384  # characters; chosen: three parameter sets of the largest size in Base64
_ATTRIBUTES_LIMIT = 256  # of the session or a medium; chosen: cameras write up to 20
_FORMATS_LIMIT = 16  # payload types of a medium; chosen: cameras name one or two
_CONTROL_LIMIT = 1024  # characters
_FORMAT_TEXT_LIMIT = 40  # characters of a format's name, in messages
_SPROPS_LIMIT = 64  # parameter sets in a description
_DYNAMIC = range(96, 128)  # payload types that say nothing of the format, RFC 3551 section 6
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

    def for_payload(self, name: str, payload_type: int, listed: Sequence[int]) -> str:
        """The value of e.g. ``a=fmtp:96 …`` for that payload type; a blank or a tab stands between the two.

        Where there is none for any type that is listed in ``m=``, the first of that name is meant, with or without one.
        """
        parts = [value.replace("\t", " ").partition(" ") for key, value in self.attributes if key == name]
        own = {number: rest.strip() for number, _, rest in reversed(parts)}
        if not parts or any(str(number) in own for number in listed):
            return own.get(str(payload_type), "")
        first, blank, rest = parts[0]
        return rest.strip() if first.isdigit() else f"{first}{blank}{rest}"


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
        kind, equals, value = line[:_LINE_LIMIT].strip().partition("=")
        if not equals:
            continue
        if kind.strip() == "m":
            sections.append(_Section(value.strip()))
            if len(sections) > _MEDIA_LIMIT + 1:
                break
        elif kind.strip() == "a" and len(sections[-1].attributes) < _ATTRIBUTES_LIMIT:
            name, _, rest = value.partition(":")
            sections[-1].attributes.append((name.strip().lower(), rest.strip()))
    return sections


@dataclass(frozen=True, slots=True)
class _Format:
    """One payload type of a medium."""

    payload_type: int
    encoding: list[str]  # name, clock rate…
    parameters: dict[str, str]
    codec: Codec | None


def _media(section: _Section, session_control_url: str) -> MediaDescription:
    words = section.first_line.split(None, _FORMATS_LIMIT + 4)
    kind = words[0].lower() if words else ""
    listed = [_number(word, 127) for word in words[3 : 3 + _FORMATS_LIMIT] or [""]]
    formats = [_format(section, kind, payload_type, listed) for payload_type in listed]
    best = next((one for one in formats if one.codec is not None), formats[0])
    nals = tuple(_parameter_nals(best.parameters))
    return MediaDescription(
        kind=kind,
        codec=best.codec,
        format=plain(best.encoding[0] or " ".join(words[3:4]), _FORMAT_TEXT_LIMIT),
        payload_type=best.payload_type,
        clock_rate=_number(best.encoding[1] if len(best.encoding) > 1 else "", 1 << 31) or VIDEO_CLOCK_RATE,
        control_url=join_control(session_control_url, (section.get("control") or "")[:_CONTROL_LIMIT]),
        parameter_sets=ParameterSetStore(best.codec, nals).current() if best.codec else None,
        parameter_nals=nals,
        packetization_mode=_number(best.parameters.get("packetization-mode", ""), 2),
        don=_number(best.parameters.get("sprop-max-don-diff", ""), 32767) > 0,
    )


def _format(section: _Section, kind: str, payload_type: int, listed: Sequence[int]) -> _Format:
    words = section.for_payload("rtpmap", payload_type, listed).split("/")
    parameters = _format_parameters(section.for_payload("fmtp", payload_type, listed))
    codec = _codec(words[0], parameters, payload_type) if kind == "video" else None
    return _Format(payload_type, words, parameters, codec)


def _codec(encoding: str, parameters: dict[str, str], payload_type: int) -> Codec | None:
    """The codec by its name, or, where a camera left it nameless, by its parameters, or the usual one."""
    if encoding:
        return _CODECS.get(encoding.strip().upper())
    if any(name in parameters for name in ("sprop-sps", "sprop-vps", "profile-id")):  # RFC 7798 section 7.1
        return Codec.H265
    is_h264 = "sprop-parameter-sets" in parameters or "profile-level-id" in parameters  # RFC 6184 section 8.1
    return Codec.H264 if is_h264 or payload_type in _DYNAMIC else None


def _format_parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip(' "') for name, _, value in pairs if name.strip()}


def _parameter_nals(parameters: dict[str, str]) -> list[bytes]:
    texts = [text for name in _SPROPS for text in parameters.get(name, "").split(",")]
    nals = [_START_CODE.sub(b"", _base64(text)) for text in texts[:_SPROPS_LIMIT]]
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
