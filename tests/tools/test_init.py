"""`nvr init` writes a configuration that works as it is and shows every default truly."""

import re
from pathlib import Path

from pydantic import BaseModel

from nvr.chunk.volume import Volume
from nvr.config import ChannelRetention, GroupRetention, Settings, load
from tests.manual_clock import ManualClock
from tests.tools.command_line import nvr
from tools.init import configuration
from tools.main import ExitCode

BLOCKS: dict[str, type[BaseModel]] = {"group": GroupRetention, "channel": ChannelRetention}


def test_init_empty_folder_writes_a_file_that_loads(tmp_path: Path) -> None:
    ended = nvr("init", tmp_path / "site")
    settings = load(tmp_path / "site" / "nvr.toml")
    assert ended.code == 0
    assert "nvr run" in ended.out
    assert settings.volumes[0].path == tmp_path / "site" / "footage"


def test_init_with_volumes_numbers_them(tmp_path: Path) -> None:
    odd = tmp_path / 'disk "two"'
    nvr("init", tmp_path, "--volume", tmp_path / "one", "--volume", odd)
    volumes = load(tmp_path / "nvr.toml").volumes
    assert [(volume.number, volume.path) for volume in volumes] == [(1, tmp_path / "one"), (2, odd)]


def test_init_makes_the_volumes_ready(tmp_path: Path) -> None:
    ended = nvr("init", tmp_path)
    assert "Made volume 1" in ended.out
    with Volume.open(1, tmp_path / "footage", create=False, clock=ManualClock()) as volume:
        assert volume.uuid != bytes(16)


def test_init_again_keeps_the_file_and_makes_only_new_volumes(tmp_path: Path) -> None:
    nvr("init", tmp_path)
    path = tmp_path / "nvr.toml"
    text = path.read_text(encoding="utf-8") + '\n[[volumes]]\nnumber = 2\npath = "second"\n'
    path.write_text(text, encoding="utf-8")
    identity = (tmp_path / "footage" / "volume.json").read_bytes()
    ended = nvr("init", tmp_path)
    assert ended.code == 0
    assert "Volume 1 is ready" in ended.out
    assert "Made volume 2" in ended.out
    assert path.read_text(encoding="utf-8") == text
    assert (tmp_path / "footage" / "volume.json").read_bytes() == identity


def test_init_with_volume_beside_an_existing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nvr.toml"
    path.write_text("mine")
    ended = nvr("init", tmp_path, "--volume", tmp_path / "disk")
    assert ended.code == ExitCode.CONFIG
    assert "there already" in ended.err
    assert path.read_text() == "mine"


def test_init_below_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = nvr("init", tmp_path / "file" / "site")
    assert ended.code == ExitCode.STORAGE
    assert "cannot be written" in ended.err


def test_configuration_with_every_default_uncommented_means_the_same(tmp_path: Path) -> None:
    text = configuration([Path("footage")])
    plain, spelled = tmp_path / "plain.toml", tmp_path / "spelled.toml"
    plain.write_text(text, encoding="utf-8")
    spelled.write_text(text.replace("#: ", ""), encoding="utf-8")
    settings = load(spelled)
    assert settings.runtime_dir == tmp_path / "data" / "run"
    assert settings.model_copy(update={"runtime_dir": None}) == load(plain)


def test_configuration_names_every_setting() -> None:
    text = configuration([Path("footage")])
    for field in Settings.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert all(f"#: {name} = " in text for name in field.annotation.model_fields.keys() - BLOCKS.keys())


def test_configuration_shows_blocks_of_own_retention_that_can_be_used(tmp_path: Path) -> None:
    text = configuration([Path("footage")])
    for name, block in BLOCKS.items():
        shown = text.partition(f"# [[retention.{name}]]")[2].partition("[[")[0]
        assert all(f"# {setting} = " in shown for setting in block.model_fields)
    path = tmp_path / "nvr.toml"
    path.write_text(re.sub(r"^# (?=[a-z_]+ = |\[\[)", "", text, flags=re.MULTILINE), encoding="utf-8")
    retention = load(path).retention
    assert (len(retention.group), len(retention.channel)) == (1, 1)
    assert retention.days(12) == (1, 7)
