"""The doors of the project keep their word: documents, locked packages, the command of the CI."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer

from tests.architecture import LAYERS, ROOMS, committed, imports, python
from tools.main import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*.md"))
LOCKS = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def dependencies() -> set[str]:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    return {re.split(r"[^\w-]", line)[0] for line in project["dependencies"]}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", text_of(name))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_readme_names_the_two_commands_that_make_has() -> None:
    readme = text_of("README.md")
    for target in ("demo", "test"):
        assert f"\nmake {target}\n" in readme
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_readme_table_names_every_command() -> None:
    command = typer.main.get_command(app)
    table = re.findall(r"^\| (`nvr .*?) \|", text_of("README.md"), re.MULTILINE)
    named = set(re.findall(r"`nvr ([a-z]+)", " ".join(table)))
    assert named >= set(getattr(command, "commands", {}))


def test_ci_runs_the_readmes_test_command() -> None:
    assert text_of(".ci/run").rstrip().endswith("\nmake test")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_a_hash_for_each_version_and_no_host(name: str) -> None:
    text = text_of(f"requirements/{name}")
    assert "://" not in text
    entries = text.replace("\\\n", " ").splitlines()
    assert entries
    assert [entry for entry in entries if not re.fullmatch(r"[\w.-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", entry)] == []


def test_lock_of_the_runtime_holds_every_dependency() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", text_of("requirements/runtime.txt"), re.MULTILINE))
    assert dependencies() <= locked


def test_locks_agree_on_every_version() -> None:
    runtime, dev = (
        set(re.findall(r"^\S+==.*", text_of(f"requirements/{name}.txt"), re.MULTILINE)) for name in ("runtime", "dev")
    )
    assert runtime <= dev


def test_every_dependency_is_imported_somewhere() -> None:
    sources = [source for source in python(committed(ROOT)) if source.package in LAYERS]
    imported = {found.target.split(".")[0] for source in sources for found in imports(source)}
    missing = {name for name in dependencies() if name.replace("-", "_") not in imported}
    assert missing == {"tzdata"}  # zoneinfo finds it by itself


def test_decisions_give_a_reason_for_each_dependency() -> None:
    reasons = " ".join(re.findall(r"^\| ([\w, ()-]+) \|", text_of("DECISIONS.md"), re.MULTILINE))
    assert {name for name in dependencies() | {*ROOMS} - {"gi"} if name not in reasons} == set()


def test_debian_list_and_messages_come_from_one_table() -> None:
    listing = ["sh", "requirements/debian.sh", "list"]
    packages = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {"python3-venv", "ffmpeg", "chromium", "gir1.2-gst-rtsp-server-1.0"} <= {*packages}
    assert len(packages) == len({*packages})


def test_debian_missing_venv_is_said_with_the_line_to_type() -> None:
    without = {"PATH": "/usr/bin:/bin", "PYTHON": "/bin/false"}
    done = subprocess.run(
        ["sh", "requirements/debian.sh", "setup"], cwd=ROOT, env=without, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "python3-venv: makes the virtual environment" in done.stderr
    assert re.search(r"apt-get install.* python3-venv", done.stderr)
