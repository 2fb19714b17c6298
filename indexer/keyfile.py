"""The key of the cameras' passwords: a file beside the registry, made once and never replaced in silence.

A key that is lost costs the passwords. A new one in its place would hide that, and what is encrypted with it is lost
when the right file is put back: so a new key is made only where nothing is encrypted yet, or where a person asks.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from nvr.ownership import hand_over

KEY_FILE = "registry.key"
_OTHERS = 0o077
_LIMIT_BYTES = 4096
PUT_BACK = (
    f"put {KEY_FILE} back from a copy; if it is lost for good: nvr registry new-key, then give each camera its "
    "password again with nvr cameras add --replace"
)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What was found."""

    fernet: Fernet | None  # None: passwords can be neither read nor stored
    trouble: str = ""  # why; one sentence without a full stop
    warning: str = ""  # what a person should know although it works


def read_or_make(path: Path, *, may_make: bool) -> KeyFile:
    """The key; made, whole or not at all, if it is missing and ``may_make``. Two processes may come here at once."""
    try:
        if may_make and not path.exists():
            _make(path)
        return _read(path)
    except FileNotFoundError:
        return KeyFile(None, f"the key of the passwords is missing: {path}")
    except OSError as error:
        return KeyFile(None, f"the key of the passwords cannot be read: {path}: {error.strerror}")


def renew(path: Path) -> Path | None:
    """Make a new key; gives where the old one is kept, None: there was none.

    Raises:
        OSError: it cannot be made.
    """
    aside = path.with_name(f"{path.name}.old-{secrets.token_hex(4)}") if path.exists() else None
    if aside is not None:
        path.rename(aside)
    _make(path)
    return aside


def _read(path: Path) -> KeyFile:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, _LIMIT_BYTES).strip()
        try:
            fernet = Fernet(data)
        except ValueError:
            return KeyFile(None, f"the key of the passwords is damaged: {path}")
        return KeyFile(fernet, warning=_closed(fd, path))
    finally:
        os.close(fd)


def _closed(fd: int, path: Path) -> str:
    """Let only its owner read the key; gives what to say where others could."""
    mode = os.fstat(fd).st_mode & 0o777
    if not mode & _OTHERS:
        return ""
    found = f"other users of this machine could read the key of the passwords ({path}, mode {mode:04o})"
    try:
        os.fchmod(fd, 0o600)
    except OSError:
        return f"{found}: its owner must type chmod 600 {path}"
    return f"{found}: it is closed now; change the cameras' passwords if somebody else uses this machine"


def _make(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as file, _Folder(path.parent) as folder_fd:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            hand_over(file.fileno(), folder_fd)
            try:
                os.link(draft, path)
            except FileExistsError:  # another process was faster: its key holds
                return
            os.fsync(folder_fd)
    finally:
        draft.unlink()


class _Folder:
    """An opened folder, for a ``with``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        self._fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
