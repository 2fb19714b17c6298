"""Whose files are ours: what root makes for a service's user belongs to that user, and to nobody else's eyes.

A person types ``sudo nvr …`` beside a service that runs as its own user. What root made would lock the service out, so
it is given to the owner of the folder in which it lies. A folder of root's keeps root's files.
"""

import os
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o750
PRIVATE_FOLDER_MODE = 0o700
PRIVATE_FILE_MODE = 0o600
_OTHERS = 0o077


def hand_over(fd: int, folder_fd: int) -> None:
    """Give an opened new file or folder to the owner of the folder in which it lies, where root runs us."""
    if os.geteuid() != 0:
        return
    owner, now = os.fstat(folder_fd), os.fstat(fd)
    if owner.st_uid != now.st_uid:
        os.fchown(fd, owner.st_uid, owner.st_gid)


def hand_over_path(path: Path, owned: Path) -> None:
    """Give a file or folder to the owner of another one, where root runs us; symbolic links are not followed."""
    if os.geteuid() == 0:
        owner = owned.stat()
        if path.lstat().st_uid != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def make_folder(path: Path, mode: int = FOLDER_MODE) -> None:
    """Make a folder and those above it that are missing, each its parent's owner's.

    Raises:
        OSError: it cannot be made.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(mode=mode)
    except FileExistsError:  # another process was faster, or a file is in its place
        if not path.is_dir():
            raise
    hand_over_path(path, path.parent)


def keep_private(folder: Path) -> None:
    """Let only its owner look into a folder of ours; who may not change that is not its owner, and leaves it."""
    with suppress(OSError):
        mode = folder.stat().st_mode
        if mode & _OTHERS:
            folder.chmod(mode & 0o777 & ~_OTHERS)
