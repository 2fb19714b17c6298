"""A configuration file is read, anchored at its folder, and refused with every mistake at once."""

from pathlib import Path

import pytest

from nvr.config import Settings, load, refuse_shared_folders
from nvr.errors import ConfigError

SMALLEST = 'data_dir = "data"\n[[volumes]]\nnumber = 1\npath = "footage"\n'
SCHOOLS = '[[retention.group]]\nname = "Schools"\nchannels = [3, 7, "10-14"]\n'
MARKETS = '[[retention.group]]\nname = "Markets"\nchannels = [11, 20]\n'
GATE = "[[retention.channel]]\nchannel = 12\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "nvr.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str) -> Settings:
    return load(written(folder, text))


def refusal(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    return caught.value


def test_load_smallest_file_fills_the_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path, SMALLEST)
    assert settings.site.timezone == "Asia/Ho_Chi_Minh"
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8055)
    assert settings.recorder.main_chunk_s == 60


def test_load_relative_paths_count_from_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, 'runtime_dir = "r"\n' + SMALLEST)
    monkeypatch.chdir("/")
    settings = load(path)
    assert settings.volumes[0].path == tmp_path / "footage"
    assert settings.index_path == tmp_path / "data" / "index"
    assert settings.registry_path == tmp_path / "data" / "registry"
    assert settings.board_path == tmp_path / "r" / "board"


def test_load_without_runtime_dir_puts_the_board_beside_the_data(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALLEST).board_path == tmp_path / "data" / "run" / "board"


def test_load_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALLEST.replace("footage", "/srv/disk1")).volumes[0].path == Path("/srv/disk1")


def test_load_many_mistakes_lists_all_with_their_places(tmp_path: Path) -> None:
    error = refusal(
        tmp_path,
        SMALLEST
        + '[web]\nport = 99999\nhots = "127.0.0.1"\n[site]\ntimezone = "Mars/Base"\n[recorder]\nqueue_mib = 1\n',
    )
    message = str(error)
    for place in ("web.port", "web.hots", "site.timezone", "recorder.queue_mib"):
        assert place in message
    assert "4 settings" in message
    assert "Mars/Base" in message
    assert error.where.endswith("nvr.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('data_dir = "d"\n', "volumes"),
        (SMALLEST + '[[volumes]]\nnumber = 1\npath = "other"\n', "same number"),
        (SMALLEST + '[[volumes]]\nnumber = 2\npath = "footage"\n', "same folder"),
        (SMALLEST + "[retention]\nmin_days = 9\nmax_days = 3\n", "min_days"),
        (SMALLEST + SCHOOLS + "quota = 5\n", "retention.group.1.quota: there is no such setting"),
        (SMALLEST + SCHOOLS + "max_days = 0.5\n", "min_days 1 (the default) and max_days 0.5 (of the group 'Schools')"),
        (SMALLEST + SCHOOLS + GATE + "min_days = 40\n", "channel 12 would have min_days 40 (its own)"),
        (SMALLEST + SCHOOLS + SCHOOLS, "the name 'Schools'"),
        (SMALLEST + SCHOOLS + MARKETS, "channel 11 is in the groups 'Schools' and 'Markets'"),
        (SMALLEST + GATE + GATE, "channel 12 has two [[retention.channel]] blocks"),
        (SMALLEST + GATE + "quota_gb = 0\n", "retention.channel.1.quota_gb"),
        (SMALLEST + SCHOOLS.replace("10-14", "14-10"), "'14-10' is no channel"),
        (SMALLEST + SCHOOLS.replace("7", "true"), "True is no channel"),
        (SMALLEST + '[web]\nhost = "0.0.0.0"\n', "without accounts"),
        (SMALLEST + '[web]\nhost = "localhost"\n', "not an IP address"),
        ("data_dir = \n", "not TOML"),
    ],
)
def test_load_one_mistake_says_what_and_how_to_mend(tmp_path: Path, text: str, words: str) -> None:
    error = refusal(tmp_path, text)
    assert words in str(error)
    assert error.hint


def test_load_channels_own_setting_comes_before_its_groups_and_that_before_the_default(tmp_path: Path) -> None:
    text = (
        SMALLEST + SCHOOLS + "min_days = 5\nmax_days = 60\nquota_gb = 500\n" + GATE + "max_days = 7\nquota_gb = 0.5\n"
    )
    retention = loaded(tmp_path, text).retention
    assert retention.group[0].channels == {3, 7, 10, 11, 12, 13, 14}
    assert {channel: retention.days(channel) for channel in (1, 3, 12)} == {1: (1, 30), 3: (5, 60), 12: (5, 7)}
    assert (retention.group[0].quota_gb, retention.channel[0].quota_gb) == (500, 0.5)


def test_load_missing_file_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "nvr.toml")
    assert "nvr init" in caught.value.hint


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_load_file_of_notepad_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "nvr.toml"
    path.write_bytes((SMALLEST + '[site]\nname = "Hồ Xá"\n').replace("\n", "\r\n").encode(encoding))
    assert load(path).site.name == "Hồ Xá"


def test_load_file_in_a_code_page_is_refused_with_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "nvr.toml"
    path.write_bytes(b'[site]\nname = "Ch\xf5\xf2"\n')  # Windows-1258
    with pytest.raises(ConfigError, match="line 2") as caught:
        load(path)
    assert "UTF-8" in caught.value.hint


def test_load_typographic_quotes_are_named(tmp_path: Path) -> None:
    assert 'write " instead' in refusal(tmp_path, SMALLEST.replace('"data"', "\u201cdata\u201d")).hint


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e300", "36501", "true", '"x"'])
@pytest.mark.parametrize("name", ["min_days", "scrub_days", "reserve_percent"])
def test_load_number_that_is_none_is_refused_with_its_place(tmp_path: Path, name: str, value: str) -> None:
    assert "retention" in str(refusal(tmp_path, f"{SMALLEST}[retention]\n{name} = {value}\n"))


@pytest.mark.parametrize("value", ["-inf", "nan", "true", "0"])
def test_load_max_days_that_means_nothing_is_refused(tmp_path: Path, value: str) -> None:
    assert "max_days" in str(refusal(tmp_path, f"{SMALLEST}[retention]\nmin_days = 0\nmax_days = {value}\n"))


@pytest.mark.parametrize("value", ["inf", "1e300", "40000"])
def test_load_max_days_for_ever_is_a_century(tmp_path: Path, value: str) -> None:
    text = f"{SMALLEST}[retention]\nmax_days = {value}\n{GATE}max_days = {value}\n"
    retention = loaded(tmp_path, text).retention
    assert (retention.days(1), retention.days(12)) == ((1, 36_500), (1, 36_500))


@pytest.mark.parametrize("value", ["inf", "nan", "1e300"])
def test_load_quota_that_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    assert "quota_gb" in str(refusal(tmp_path, f"{SMALLEST}{GATE}quota_gb = {value}\n"))


def test_load_tilde_is_the_home_of_whoever_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = loaded(tmp_path, SMALLEST.replace('"footage"', '"~/footage"').replace('"data"', '"~/data"'))
    assert settings.volumes[0].path == tmp_path / "home/footage"
    assert settings.data_dir == tmp_path / "home/data"


@pytest.mark.parametrize("path", ["", "  ", "~nobody-of-this-name/x"])
def test_load_path_that_names_no_folder_is_refused(tmp_path: Path, path: str) -> None:
    assert "volumes.1.path" in str(refusal(tmp_path, SMALLEST.replace("footage", path)))


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("footage/.", "same folder"),
        ("other/../footage", "same folder"),
        ("footage/v1", "in one another"),
        (".", "in one another"),
        ("data", "lies in data_dir"),
        ("data/footage", "lies in data_dir"),
        ("data/index", "lies in index in data_dir"),
    ],
)
def test_load_folders_that_are_one_anothers_are_refused(tmp_path: Path, second: str, words: str) -> None:
    error = refusal(tmp_path, f'{SMALLEST}[[volumes]]\nnumber = 2\npath = "{second}"\n')
    assert words in error.what
    assert error.hint


@pytest.mark.parametrize(("second", "words"), [("link", "same folder"), ("link/inner", "in one another")])
def test_folders_that_are_one_anothers_through_links_are_refused_where_a_person_waits(
    tmp_path: Path, second: str, words: str
) -> None:
    (tmp_path / "footage").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "footage")
    settings = loaded(tmp_path, f'{SMALLEST}[[volumes]]\nnumber = 2\npath = "{second}"\n')
    with pytest.raises(ConfigError, match=words):
        refuse_shared_folders(settings, tmp_path / "nvr.toml")


def test_load_volume_beside_the_data_of_the_files_own_folder_is_fine(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALLEST.replace('"data"', '"."')).volumes[0].path == tmp_path / "footage"


def test_load_folder_instead_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
