"""A roster that is a program: real processes, and names that would like to be commands."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from ulak.rosters.command import CommandRoster
from ulak.rosters.roster import Answer, Known, RosterError

SCRIPT = """#!{python} -I
import os, sys, time
words = sys.argv[1:]
open({seen!r}, "w").write(repr((words, sys.stdin.read(), os.environ["LOCAL"])))
name = os.environ["LOCAL"]
if name == "none":
    sys.exit(67)
if name == "alias":
    print("ada@example.org\\n\\n far@example.net ")
if name == "bad":
    print("nonsense")
if name == "broken":
    print("\\x1b[31mno database", file=sys.stderr)
    sys.exit(1)
if name == "slow":
    time.sleep(60)
if name == "much":
    print("x" * 200_000)
if name == "killed":
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "seen"


@pytest.fixture
def program(tmp_path: Path, seen: Path) -> str:
    path = tmp_path / "has mailbox"
    path.write_text(SCRIPT.format(python=sys.executable, seen=str(seen)))
    path.chmod(0o700)
    return str(path)


def ask(program: str, address: str, *, by_input: bool = False, timeout: float = 20.0) -> Answer:
    roster = CommandRoster((program, "-v"), by_input=by_input, timeout=timeout)
    return asyncio.run(roster.ask(address))


def test_the_exit_code_is_the_answer_and_output_is_an_alias(program: str) -> None:
    assert ask(program, "ada@example.org") == Known()
    assert ask(program, "none@example.org") is None
    assert ask(program, "alias@example.org") == Known(("ada@example.org", "far@example.net"))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("bad", "the program wrote what is no address"),
        ("broken", "the program ended with exit code 1:  [31mno database"),
        ("killed", "the program ended with signal 9"),
        ("much", "the program wrote more than 65536 octets"),
    ],
)
def test_anything_else_is_trouble(program: str, name: str, problem: str) -> None:
    with pytest.raises(RosterError) as caught:
        ask(program, f"{name}@example.org")
    assert str(caught.value) == problem


def test_a_program_that_takes_too_long_is_ended(program: str) -> None:
    with pytest.raises(RosterError, match=r"not done within 0\.5 seconds"):
        ask(program, "slow@example.org", timeout=0.5)


@pytest.mark.parametrize(
    "address", ["-oq/tmp/x@example.org", "$(id)@example.org", '";id;"@example.org', "a`id`@b.org"]
)
@pytest.mark.parametrize("by_input", [False, True])
def test_no_name_is_an_option_or_a_command(
    program: str, seen: Path, address: str, *, by_input: bool
) -> None:
    assert ask(program, address, by_input=by_input) == Known()
    words, given, _ = eval(seen.read_text())
    assert words == (["-v"] if by_input else ["-v", "--", address])
    assert given == (f"{address}\n" if by_input else "")


def test_a_program_that_is_not_there_is_trouble(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ask(str(tmp_path / "none"), "ada@example.org")
