"""Following the journals from a place on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak.journal.entry import Entry, Kind
from ulak.journal.sqlite import Settings, SqliteJournal
from ulak.journal.tail import Place, Tail, read


def write(folder: Path, *messages: str, begin: float = 1000.0) -> None:
    journal = SqliteJournal(folder, Settings(interval=0.01), clock=lambda: begin)
    for number, message in enumerate(messages):
        journal.write(Entry(begin + number, Kind.DELIVERED, message=message))
    journal.close()


def heard(tail: Tail, place: Place) -> tuple[list[str], Place]:
    found: list[str] = []
    while given := tail.after(place):
        place = given[-1][0]
        found += [entry.message for _, entry in given]
    return found, place


def test_all_is_heard_once_from_wherever_one_begins(tmp_path: Path) -> None:
    folders = [tmp_path / "0", tmp_path / "1"]
    write(folders[0], *(f"a{n}" for n in range(300)))
    write(folders[1], "b0", "b1", begin=1001.5)
    tail = Tail(folders)
    all_of_it, end = heard(tail, Place({}))
    assert sorted(all_of_it) == sorted([*(f"a{n}" for n in range(300)), "b0", "b1"])
    assert all_of_it[:5] == ["a0", "a1", "b0", "a2", "b1"]
    assert heard(tail, end) == ([], end)
    given = tail.after(Place({}))
    for place, _ in given[:: len(given) // 7]:
        written = read(str(place))
        assert written is not None
        index = [str(p) for p, _ in given].index(str(place))
        rest, _ = heard(tail, written)
        assert rest == [e.message for _, e in given[index + 1 :]] + all_of_it[len(given) :]


def test_the_end_is_behind_all_that_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "0"
    write(folder, "a", "b")
    tail = Tail([folder])
    end = tail.end()
    assert heard(tail, end)[0] == []
    write(folder, "c")
    assert heard(tail, end)[0] == ["c"]
    write(tmp_path / "1", "new")
    assert heard(Tail([folder, tmp_path / "1"]), end)[0] == ["c", "new"]


def test_what_is_kept_no_more_is_said_to_be_lost(tmp_path: Path) -> None:
    folder = tmp_path / "0"
    write(folder, "a")
    tail = Tail([folder])
    place = Place({"0": (0, 1, 0)})
    (path,) = folder.glob("journal-*.db")
    assert not tail.lost(tail.end())
    path.rename(folder / "journal-00000009.db")
    assert tail.lost(place)


NO_PLACES = ["", "x", "0-1-2", "0-1-2-3.", "0-1-2-3;", "-1-1-2-3", "0-1-2-x", "ü-1-2-3"]


@pytest.mark.parametrize("text", [*NO_PLACES, "0-1-2-3" * 999])
def test_what_is_no_place_is_none(text: str) -> None:
    assert read(text) is None


def test_a_place_is_read_as_it_is_written() -> None:
    place = Place({"0": (1, 20, 3), "web": (0, 1, 0)})
    assert read(str(place)) == place
