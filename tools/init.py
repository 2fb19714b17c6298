"""``nvr init``: writes a configuration to start from, in which every setting stands with its default."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nvr.errors import ConfigError, StorageError
from nvr.ownership import hand_over_path, make_folder
from tools.config_text import quoted
from tools.options import settings_from

if TYPE_CHECKING:
    from nvr.config import Settings

FILE_NAME = "nvr.toml"

HEAD = """\
# The configuration of one recorder. Relative paths count from the folder of this file.
# A line that starts with #: shows a default: remove the #: to change it.
# "nvr run" checks the whole file and tells every mistake at once.

# Index, camera list and keys: a few GB, best on an SSD, never on a network file system.
data_dir = "data"

# What the processes tell each other while they run; best on tmpfs, such as /run/nvr.
#: runtime_dir = "data/run"

[site]
# Written into every chunk file.
#: name = "Hồ Xá"
# People read times in this zone; files and index keep UTC.
#: timezone = "Asia/Ho_Chi_Minh"
"""

VOLUMES = """
# One block for each disk that holds footage. The number stands for the disk in the index: never change or reuse it.
# "nvr volumes add PATH" makes a mounted disk ready and enters it here; a running recorder takes it at once.
# About 50 GB a day for a camera of 4 Mbit/s with its sub stream.
"""

VOLUME = """\
[[volumes]]
number = {number}
path = {path}
#: weight = 1            # a disk of weight 2 takes twice the share of one of weight 1
"""

TAIL = """
[retention]
#: min_days = 1.0        # younger footage never goes for want of room
#: max_days = 30.0       # older footage is always deleted; inf: as long as there is room
#: reserve_percent = 5.0 # of each disk is kept free
#: last_resort = "record_less"   # when only footage younger than min_days is left; or "delete_younger"
#: copies = 1            # 2: what is younger than min_days lies on two disks, so that a dead one costs no footage
#: ballast_mib = 1024    # room on each disk, a hundredth of it at most, for when it runs full all the same
#: scrub_days = 30.0     # every file is read and verified once in so long, or once in max_days if that is less
#
# Cameras that are kept for another time, and quotas, have blocks of their own: remove the # before each line of one.
# A camera's own setting comes before its group's, and that before those above. All quotas hold.
#
# [[retention.group]]
# name = "Schools"
# channels = [3, 7, "10-14"]
# min_days = 30.0
# max_days = 60.0
# quota_gb = 500.0        # 10^9 bytes each, for all of the group together
# copies = 2
#
# [[retention.channel]]
# channel = 12
# min_days = 1.0
# max_days = 7.0
# quota_gb = 40.0         # beyond it the oldest goes, even if it is younger than min_days: the log and the page warn
# copies = 1

[recorder]
#: sync_interval_s = 2.0          # how often footage is made safe against a power cut
#: queue_mib = 512                # RAM for a disk that is slow: about 15 s of 55 cameras
#: fragment_ms = 500              # a crash costs at most one fragment of each camera
#: main_chunk_s = 60              # length of a file, main stream
#: sub_chunk_s = 300              # length of a file, sub stream
#: silence_s = 10.0               # a camera that sends nothing for so long is connected anew
#: reconnect_max_s = 30.0         # longest wait between two attempts
#: authentication_retry_s = 60.0  # slower after a wrong password, so that a camera does not lock us out
#: tls_verify = false             # true: rtsps only from cameras with a certificate of a known authority
#: basic_in_clear = false         # true: a camera that knows only Basic gets its password readable over plain rtsp

[web]
#: host = "127.0.0.1"    # only this machine, until there are accounts
#: port = 8055
#: stills_mib = 256      # room in data_dir for decoded pictures, so that thumbnails come at once; 0: none
"""


def configuration(volumes: list[Path]) -> str:
    """The text of a new ``nvr.toml`` with these volumes, numbered from 1."""
    blocks = [VOLUME.format(number=number, path=quoted(path)) for number, path in enumerate(volumes, 1)]
    return HEAD + VOLUMES + "\n".join(blocks) + TAIL


def init(
    directory: Annotated[Path, typer.Argument(help="Where nvr.toml goes; made if it is not there.")] = Path(),
    volume: Annotated[
        list[Path] | None, typer.Option(help="A folder for footage, once for each disk. By default DIRECTORY/footage.")
    ] = None,
) -> None:
    """Write a commented nvr.toml to start from, and make its volumes ready.

    Where there is an nvr.toml already, it stays as it is, and only volumes that are new in it are made ready.
    The recorder itself never does this: a folder that is not yet a volume may be a disk that is not mounted.
    """
    from nvr.config import refuse_shared_folders

    path = directory / FILE_NAME
    is_new = not path.exists()
    if is_new:
        _write(path, configuration([folder.absolute() for folder in volume or []] or [Path("footage")]))
        print(f"Wrote {path}")
    elif volume:
        raise ConfigError("it is there already", where=str(path), hint="add the volume in it, then nvr init again")
    settings = settings_from(path)
    refuse_shared_folders(settings, path)
    for line in make_volumes(settings, path):
        print(line)
    if is_new:
        print("Next:")
        print("  1. look through the file; after adding a disk to it: nvr init again")
        print(f"  2. nvr cameras add 1 'Gate' rtsp://… -c {path}    or: nvr cameras import cameras.csv -c {path}")
        print(f"  3. nvr run -c {path}")


def _write(path: Path, text: str) -> None:
    try:
        make_folder(path.parent)
        with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o640)) as file:
            file.write(text)
        hand_over_path(path, path.parent)
    except OSError as error:
        raise StorageError(f"it cannot be written: {error.strerror}", where=str(path)) from error


def make_volumes(settings: "Settings", config: Path | None = None) -> list[str]:
    """Make the volumes of a configuration that are none yet; says what was done, a line each.

    Args:
        settings: what nvr.toml says.
        config: nvr.toml, whose owner gets them where root types this; None: who types it keeps them.

    Raises:
        StorageError: a folder cannot be made a volume.
    """
    from nvr.chunk import identity

    said, known = [], _known(settings)
    for wanted in settings.volumes:
        if (wanted.path / identity.FILE).exists():
            said.append(f"Volume {wanted.number} is ready: {wanted.path}")
            continue
        if wanted.number in known:
            hint = f"mount that disk; if another one takes its place for good: nvr volumes replace {wanted.number}"
            raise StorageError(f"volume {wanted.number} is a disk that is not here", where=str(wanted.path), hint=hint)
        free_bytes = make_volume(wanted.number, wanted.path, owned=config)
        said.append(f"Made volume {wanted.number}: {wanted.path}, {free_bytes // 10**9} GB free")
    return said


def _known(settings: "Settings") -> set[int]:
    """The numbers of all volumes that the index has ever seen: none is ever used again."""
    from indexer.reader import IndexReader

    with suppress(StorageError), IndexReader.open(settings.index_path) as reader:
        return set(reader.volumes())
    return set()


def make_volume(number: int, path: Path, *, owned: Path | None) -> int:
    """Make a folder a volume, for the owner of the file ``owned`` where root types this; gives its room in bytes.

    Raises:
        StorageError: it cannot be made one.
    """
    from nvr.chunk import identity
    from nvr.chunk.volume import Volume
    from nvr.timebase import SystemClock

    with Volume.open(number, path, create=True, clock=SystemClock()) as made:
        if owned is not None:
            for ours in (path, path / identity.FILE):
                hand_over_path(ours, owned)
        return made.free_bytes()
