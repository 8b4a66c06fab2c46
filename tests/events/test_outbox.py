"""The outbox: what is noted is on the disk when it matters, and goes when it was taken."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ulak.events.event import Event, Wanted, What
from ulak.events.outbox import EventsError, Outbox
from ulak.events.sqlite import SqliteOutbox

A, B = "https://a.example/", "https://b.example/"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteOutbox]:
    made = SqliteOutbox(tmp_path / "outbox.db")
    yield made
    made.close()


def event(number: int, what: What = What.DELIVERED, time: float = 1000.0) -> Event:
    return Event(what, time, f"M{number}", "ada@example.org")


def noted(store: SqliteOutbox, events: Sequence[Event], most: int = 100) -> list[BaseException]:
    incidents: list[BaseException] = []

    def incident(error: BaseException) -> str:
        incidents.append(error)
        return "I1"

    async def note() -> None:
        hooks = [(A, Wanted()), (B, Wanted(frozenset({"bounced"})))]
        outbox = Outbox(store, hooks, most=most, incident=incident)
        for one in events:
            outbox.note(one)
        await outbox.flush()

    asyncio.run(note())
    return incidents


def messages(store: SqliteOutbox, hook: str = A) -> list[str]:
    return [json.loads(one.body)["message"] for one in store.waiting(hook, 1000)]


def test_each_receiver_gets_what_it_wants(store: SqliteOutbox) -> None:
    noted(store, [event(1), event(2, What.BOUNCED), event(3)])
    assert messages(store) == ["M1", "M2", "M3"]
    assert messages(store, B) == ["M2"]
    state = store.state(A)
    assert (state.waiting, state.oldest, state.taken) == (3, 1000.0, 0.0)


def test_an_event_goes_with_the_last_who_waits_for_it(store: SqliteOutbox) -> None:
    noted(store, [event(1, What.BOUNCED), event(2)])
    first, second = store.waiting(A, 10)
    store.taken(A, [first.number], 1001.0)
    assert messages(store) == ["M2"]
    assert messages(store, B) == ["M1"]
    assert store.state(A).taken == 1001.0
    store.taken(A, [second.number], 1002.0)
    store.taken(B, [first.number], 1003.0)
    noted(store, [event(3)])
    assert store.waiting(A, 10)[0].number > second.number, "a number is never given twice"


def test_a_backlog_is_bounded_and_says_what_it_has_lost(store: SqliteOutbox) -> None:
    noted(store, [event(n) for n in range(10)], most=4)
    assert messages(store) == ["M6", "M7", "M8", "M9"]
    assert store.state(A).dropped == 6


def test_what_is_too_old_is_given_up(store: SqliteOutbox) -> None:
    noted(store, [event(1, time=100.0), event(2, time=2000.0)])
    assert store.failed(A, 3000.0, "HTTP 500", 1000.0) == 1
    assert messages(store) == ["M2"]
    state = store.state(A)
    assert (state.failures, state.problem, state.tried, state.dropped) == (1, "HTTP 500", 3000.0, 1)
    store.failed(A, 3001.0, "HTTP 502", 1000.0)
    assert store.state(A).failures == 2
    store.taken(A, [], 3002.0)
    state = store.state(A)
    assert (state.failures, state.problem, state.dropped) == (0, "", 1)


def test_a_receiver_is_switched_off_and_on(store: SqliteOutbox) -> None:
    assert store.state(A).off == 0.0
    store.switch(A, 5.0)
    assert store.state(A).off == 5.0
    store.taken(A, [], 6.0)
    assert store.state(A).off == 0.0


def test_looking_makes_no_file(store: SqliteOutbox, tmp_path: Path) -> None:
    assert store.waiting(A, 1) == []
    assert store.state(A).waiting == 0
    noted(store, [])
    assert not (tmp_path / "outbox.db").exists()


def test_an_outbox_that_cannot_be_written_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"nonsense" * 1000)
    incidents = noted(SqliteOutbox(tmp_path / "outbox.db"), [event(1), event(2)])
    assert len(incidents) == 1
    assert isinstance(incidents[0], EventsError)


def test_what_was_flushed_survives_a_kill(tmp_path: Path) -> None:
    """A process notes events and says which are flushed, until it is killed."""
    script = Path(__file__).with_name("noting.py")
    command = [sys.executable, str(script), str(tmp_path / "outbox.db")]
    for run in range(3):
        process = subprocess.Popen([*command, str(run)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        said = [process.stdout.readline().decode().strip() for _ in range(20 + 9 * run)]
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        store = SqliteOutbox(tmp_path / "outbox.db")
        kept = set(messages(store))
        store.close()
        assert set(said) <= kept
