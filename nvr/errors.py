"""The errors of the project: one small tree; a class exists only because someone acts on it."""


class NvrError(Exception):
    """Something went wrong that a person can mend.

    Args:
        what: what happened, one plain sentence without a full stop.
        where: the place: a file, a channel, a setting's path, an address (never with a password).
        hint: how to mend it, one plain sentence; may be empty where nothing can be done.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{mend}"


class ConfigError(NvrError):
    """A setting cannot be used: the person who starts the program must mend it."""


class CameraError(NvrError):
    """A camera's bytes or answers cannot be used: its session ends and is tried again."""


class AuthenticationError(CameraError):
    """A camera refuses the credentials: it is tried again slowly, so that it does not lock us out."""


class NetworkError(CameraError):
    """A camera cannot be reached or has fallen silent: the fault may lie in cable, switch or power."""


class StorageError(NvrError):
    """A disk or an index cannot be read or written."""


class VolumeFull(StorageError):
    """A volume has no room left (ENOSPC, EDQUOT): room must be made, the disk is not broken."""


class TooManyFiles(StorageError):
    """The process may open no more files (EMFILE, ENFILE): what asked for one fails, the disk is not broken."""


class IntegrityError(NvrError):
    """Stored bytes are not what was written: a hash, a length or a structure does not match."""


class NotRecorded(NvrError):
    """Nothing was recorded at the instant or in the range that was asked for."""


class Held(NvrError):
    """Footage is held and must not be deleted."""


class LimitReached(NvrError):
    """There are as many of a kind as may be: something must be removed before one more is taken."""


class Denied(NvrError):
    """The user may not do this."""


def unforeseen(error: Exception) -> str:
    """What a person is told of an error that nobody foresaw: its kind alone. Its text may hold what was worked on."""
    return f"something unforeseen went wrong ({type(error).__name__}): the log says where"
