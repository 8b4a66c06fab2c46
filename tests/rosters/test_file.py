"""A roster that is a file, on a real disk."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ulak.rosters.file import FileRoster, Told
from ulak.rosters.roster import UNSURE, Answer, Known


class Times:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def write(path: Path, text: str | bytes) -> None:
    """Write as docs/addresses.md says: another file, put in the place of the old one."""
    fresh = path.with_name("fresh")
    fresh.write_bytes(text.encode() if isinstance(text, str) else text)
    fresh.replace(path)


def ask(roster: FileRoster, *addresses: str) -> list[Answer]:
    async def main() -> list[Answer]:
        return [await roster.ask(address) for address in addresses]

    return asyncio.run(main())


def test_mailboxes_and_aliases_are_found_whole_or_by_their_names_alone(tmp_path: Path) -> None:
    path = tmp_path / "list"
    write(path, "ada\nGrace@example.org\nboss: ada, far@example.net\ninfo@example.com: ada\n")
    roster = FileRoster(path, Times())
    assert ask(
        roster,
        "ada@example.org",
        "ada@example.com",
        "grace@example.org",
        "grace@example.com",
        "boss@example.org",
        "info@example.org",
        "info@example.com",
        "nobody@example.org",
    ) == [
        Known(),
        Known(),
        Known(),
        None,
        Known(("ada@example.org", "far@example.net")),
        None,
        Known(("ada@example.com",)),
        None,
    ]


def test_what_has_changed_is_read_anew_and_in_between_memory_answers(tmp_path: Path) -> None:
    path, clock, told = tmp_path / "list", Times(), list[Told]()
    write(path, "ada\n")
    roster = FileRoster(path, clock, told.append)
    assert roster.glance("ada@example.org") is UNSURE
    assert ask(roster, "ada@example.org") == [Known()]
    assert roster.glance("ada@example.org") == Known()
    write(path, "grace\na b\n")
    assert ask(roster, "ada@example.org") == [Known()]
    clock.now += 1.5
    assert roster.glance("ada@example.org") is UNSURE
    assert ask(roster, "ada@example.org", "grace@example.org") == [None, Known()]
    assert [(one.lines, one.bad) for one in told] == [(1, 0), (1, 1)]
    assert told[1].first_bad.startswith("line 2: no address")


def test_a_file_that_is_away_leaves_what_was_known(tmp_path: Path) -> None:
    path, clock, told = tmp_path / "list", Times(), list[Told]()
    write(path, "ada\n")
    roster = FileRoster(path, clock, told.append)
    assert ask(roster, "ada@example.org") == [Known()]
    path.unlink()
    clock.now += 2
    assert ask(roster, "ada@example.org", "eve@example.org") == [Known(), None]
    assert told[-1].first_bad == "No such file or directory"


def test_a_file_that_never_was_gives_no_answer(tmp_path: Path) -> None:
    roster = FileRoster(tmp_path / "list", Times())
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            ask(roster, "ada@example.org")


def test_of_two_lines_the_later_one_counts_and_many_are_found(tmp_path: Path) -> None:
    path, told = tmp_path / "list", list[Told]()
    lines = [f"user{n}@example.org" for n in range(20_000)]
    write(path, "\n".join([*lines, "user7@example.org: ada@example.org"]))
    roster = FileRoster(path, Times(), told.append)
    assert ask(roster, "user0@example.org", "user19999@example.org", "user7@example.org") == [
        Known(),
        Known(),
        Known(("ada@example.org",)),
    ]
    assert ask(roster, *(f"nobody{n}@example.org" for n in range(100))) == [None] * 100
    assert told == [Told(20_000, 0)]


def test_a_file_that_nobody_may_read_is_trouble(tmp_path: Path) -> None:
    path = tmp_path / "list"
    write(path, "ada\n")
    path.chmod(0)
    if os.geteuid() == 0:  # root reads everything: a folder is what it cannot read as a file
        path.unlink()
        path.mkdir()
    with pytest.raises(OSError, match=r"denied|directory"):
        ask(FileRoster(path, Times()), "ada@example.org")
