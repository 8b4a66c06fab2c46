"""The repository speaks of itself alone: no machine, no folder of somebody's, no other registry."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from tests.house.repository import ROOT, files

# Folders of a machine. Standard ones such as /dev, /proc or /var/lib belong to every system.
_MACHINE = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|workspace|tmp|mnt|srv)/[\w.-]+")
_HOST = re.compile(r"https?://([^/\s\"'`)>\]]+)")
REGISTRIES = {"pypi.org", "files.pythonhosted.org"}
ALLOWED = {"tests/house/test_repository.py"}  # has to name what it looks for


def texts() -> list[tuple[str, str]]:
    """Give every file that is text, with its name in the repository."""
    found = []
    for file in files():
        name = str(file.relative_to(ROOT))
        try:
            found.append((name, file.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_folder_of_a_machine() -> None:
    found = [
        f"{name}: {path}"
        for name, text in texts()
        if name not in ALLOWED
        for path in _MACHINE.findall(text)
    ]
    assert not found


def test_the_lock_names_only_the_public_index() -> None:
    text = (ROOT / "uv.lock").read_text("utf-8")
    assert set(_HOST.findall(text)) <= REGISTRIES


def test_no_setting_names_another_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "uv" not in project.get("tool", {})
    for name, text in texts():
        if name not in ALLOWED and name != "uv.lock":
            assert "--index-url" not in text, name
            assert "PIP_INDEX_URL" not in text, name
            assert "UV_INDEX" not in text, name


def test_nothing_that_is_to_be_ignored_is_kept() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert not listed.stdout.decode().split("\n")[:-1]


@pytest.mark.parametrize("name", ["LICENSE", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_the_files_that_a_reader_looks_for_are_there(name: str) -> None:
    assert (ROOT / name).read_text("utf-8").strip()


def test_every_link_inside_the_repository_leads_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")
    broken = [
        f"{name}: {target}"
        for name, text in texts()
        if name.endswith(".md")
        for target in link.findall(text)
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert not broken
