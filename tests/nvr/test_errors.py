"""An error says what, where and how to mend it."""

import pytest

from nvr import errors
from nvr.errors import NvrError


def test_error_with_place_and_hint_reads_as_one_sentence() -> None:
    error = NvrError("the disk is full", where="volume 2", hint="add a disk")
    assert str(error) == "volume 2: the disk is full (add a disk)"
    assert (error.what, error.where, error.hint) == ("the disk is full", "volume 2", "add a disk")


def test_error_alone_is_only_its_sentence() -> None:
    assert str(NvrError("the disk is full")) == "the disk is full"


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (errors.ConfigError, NvrError),
        (errors.CameraError, NvrError),
        (errors.AuthenticationError, errors.CameraError),
        (errors.StorageError, NvrError),
        (errors.VolumeFull, errors.StorageError),
        (errors.IntegrityError, NvrError),
        (errors.NotRecorded, NvrError),
        (errors.Held, NvrError),
        (errors.Denied, NvrError),
    ],
)
def test_error_is_caught_with_its_kind(kind: type[NvrError], parent: type[NvrError]) -> None:
    with pytest.raises(parent):
        raise kind("something")
