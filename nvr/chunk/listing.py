"""The folders of a volume: which files are in them, without opening one."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from nvr.chunk.filesystem import Entry, FileSystem, explained
from nvr.chunk.name import hour_folder, hour_us


class Listing:
    """Looks into a volume's folders. Threads may share it.

    Args:
        fs: the system calls.
        root_fd: of the volume; -1 once it is closed, for its number may be another's folder by then.
        where: the volume's folder, for messages.

    Raises, everywhere:
        StorageError: a folder cannot be read.
    """

    def __init__(self, fs: FileSystem, root_fd: Callable[[], int], where: str) -> None:
        self._fs = fs
        self._root_fd = root_fd
        self._where = where

    def files(self, channel: int | None = None, since_us: int | None = None) -> Iterator[tuple[str, Entry]]:
        """Every file among the footage, with its path, by channel and time.

        Args:
            channel: only this one's.
            since_us: only those in folders of that hour or later.
        """
        for place in self._folders("v1") if channel is None else [_place(channel)]:
            oldest = "" if since_us is None else f"{place}/{hour_folder(since_us)}"
            for day in self._folders(place):
                if day < oldest[: len(day)]:
                    continue
                for hour in self._folders(day):
                    if hour >= oldest:
                        yield from ((f"{hour}/{e.name}", e) for e in self.entries(hour) if not e.is_folder)

    def by_age(self) -> Iterator[tuple[str, Entry]]:
        """The same files of all channels, the oldest day first."""
        places: dict[str, list[str]] = {}
        for place in self._folders("v1"):
            for day in self._folders(place):
                places.setdefault(day.rpartition("/")[2], []).append(day)
        for _, days in sorted(places.items()):
            for day in days:
                for hour in self._folders(day):
                    yield from ((f"{hour}/{e.name}", e) for e in self.entries(hour) if not e.is_folder)

    def oldest_us(self, channel: int) -> int | None:
        """The beginning of a channel's oldest hour; None: there is none."""
        place = _place(channel)
        for day in self._folders(place):
            for hour in self._folders(day):
                with suppress(ValueError):  # somebody else's folder
                    return hour_us(hour.removeprefix(f"{place}/"))
        return None

    def newest_us(self) -> int | None:
        """The beginning of the newest hour of all channels; None: there is none."""
        newest = []
        for place in self._folders("v1"):
            for day in self._folders(place)[-1:]:
                for hour in self._folders(day)[-1:]:
                    with suppress(ValueError):  # somebody else's folder
                        newest.append(hour_us(hour.removeprefix(f"{place}/")))
        return max(newest, default=None)

    def entries(self, path: str) -> list[Entry]:
        """What a folder holds, by name; nothing where there is no such folder."""
        try:
            return self._fs.entries(path, self._root_fd())
        except FileNotFoundError:  # nothing recorded yet, or removed while we look
            return []
        except OSError as error:
            raise explained(error, f"{self._where}/{path}") from error

    def _folders(self, path: str) -> list[str]:
        return [f"{path}/{entry.name}" for entry in self.entries(path) if entry.is_folder and entry.name.isdigit()]


def _place(channel: int) -> str:
    return f"v1/{channel:05d}"
