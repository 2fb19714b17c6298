"""The registry's own commands."""

from pathlib import Path

from indexer.keyfile import KEY_FILE
from indexer.registry import Registry
from tests.tools.command_line import nvr
from tools.main import ExitCode


def prepared(folder: Path) -> Path:
    config = folder / "nvr.toml"
    assert nvr("init", folder).code == 0
    (folder / "secret").write_text("pass word\n", encoding="utf-8")
    for number, more in ((1, ()), (2, ("--user", "nvr", "--password-file", folder / "secret"))):
        assert nvr("cameras", "add", number, "Gate", "rtsp://192.0.2.1/a", *more, "-c", config).code == 0
    return config


def test_camera_added_without_the_key_is_refused_and_makes_no_key(tmp_path: Path) -> None:
    config, key = prepared(tmp_path), tmp_path / "data" / "registry" / KEY_FILE
    key.unlink()
    words = ("cameras", "add", 3, "Bridge", "rtsp://192.0.2.3/a", "-c", config)
    refused = nvr(*words, "--user", "nvr", "--password-file", tmp_path / "secret")
    assert refused.code in (ExitCode.STORAGE, ExitCode.INTEGRITY)
    assert "nvr registry new-key" in refused.err
    assert not key.exists()
    with Registry.open(key.parent) as registry:
        assert registry.trouble


def test_new_key_lets_the_cameras_be_given_again(tmp_path: Path) -> None:
    config, key = prepared(tmp_path), tmp_path / "data" / "registry" / KEY_FILE
    old = key.read_bytes()
    made = nvr("registry", "new-key", "--yes", "-c", config)
    assert made.code == 0
    assert [path.read_bytes() for path in key.parent.glob(f"{KEY_FILE}.old-*")] == [old]
    words = ("cameras", "add", 2, "Gate", "rtsp://192.0.2.1/a", "-c", config, "--replace")
    assert nvr(*words, "--user", "nvr", "--password-file", tmp_path / "secret").code == 0
    with Registry.open(key.parent) as registry:
        assert [channel.password for channel in registry.channels()] == ["", "pass word"]
