"""No text sends people to a command or an option that does not exist."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from tests.house.repository import ROOT, files

from ulak.cli import COMMANDS

# Commands are meant where they stand as code: between backticks, or at the start of a line of an
# example. A Python file speaks of them in its docstrings and comments.
_SPAN = re.compile(r"`ulak ([^`\n]+)`")
_EXAMPLE = re.compile(r"^\s*(?:\$ )?(?:\.venv/bin/)?ulak ([^`\n]+)$", re.MULTILINE)
_WORD = re.compile(r"[a-z][a-z-]*")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def read() -> list[Path]:
    """Give the files that people read: the texts of the package, its code, and the pages."""
    told = [file for file in files() if file.suffix in {".md", ".toml", ".py", ".sql"}]
    return [file for file in told if ROOT / "tests" not in file.parents]


@cache
def command(name: str) -> click.Command:
    """Import a command as the command line does."""
    module, _, attribute = COMMANDS[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert isinstance(found, click.Command)
    return found


def wrong(line: str) -> str:
    """Say what in `COMMAND …` does not exist, or nothing."""
    words = line.split()
    name = words[0]
    if not _WORD.fullmatch(name):
        return ""  # `ulak --version`, `ulak COMMAND`
    if name not in COMMANDS:
        return f"ulak {name}"
    if find_spec(COMMANDS[name].partition(":")[0]) is None:
        return ""  # on its way: the command line does not list it yet
    found = command(name)
    if isinstance(found, click.Group) and len(words) > 1 and _WORD.fullmatch(words[1]):
        if words[1] not in found.commands:
            return f"ulak {name} {words[1]}"
        found = found.commands[words[1]]
    options = {"--help"} | {option for param in found.params for option in param.opts}
    return next((f"ulak {name} {o}" for o in _OPTION.findall(line) if o not in options), "")


def mentions(file: Path) -> Iterator[str]:
    """Give what follows `ulak` wherever a file names a command."""
    text = file.read_text("utf-8")
    yield from _SPAN.findall(text)
    if file.suffix == ".md":
        yield from _EXAMPLE.findall(text)


@pytest.mark.parametrize("file", read(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_command_that_is_named_exists(file: Path) -> None:
    found = [problem for line in mentions(file) if (problem := wrong(line))]
    assert not found, "name what a person can do today"


def test_what_does_not_exist_is_found() -> None:
    assert wrong("greet ip 192.0.2.1") == "ulak greet"
    assert wrong("queue lost") == "ulak queue lost"
    assert wrong("config check --wish") == "ulak config --wish"
    assert not wrong("queue list --domain example.org --json")
    assert not wrong("explain '554 5.7.1'")
    assert _EXAMPLE.findall("$ ulak demo\n    ulak serve\nulak: a courier\n") == ["demo", "serve"]
