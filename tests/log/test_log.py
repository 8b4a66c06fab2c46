"""Log lines: one a line whatever is in them, and nobody waits for them."""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import select
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.log import Event, Level, Log, Records
from ulak.log.lines import to_json, to_pretty

NOON = 1_700_000_000.125


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: the reading and the writing end."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue


def all_of(descriptor: int) -> list[str]:
    text = b""
    while select.select([descriptor], [], [], 0)[0] and (more := os.read(descriptor, 65536)):
        text += more
    return text.decode().split("\n")[:-1]


# -- lines --------------------------------------------------------------------------------------


def test_a_json_line_has_stable_keys_and_utc_time() -> None:
    line = to_json(NOON, Level.INFO, Event.MESSAGE_ACCEPTED, {"id": "x1", "size": 10, "ok": True})
    assert line == (
        '{"time": "2023-11-14T22:13:20.125Z", "level": "info", "event": "message-accepted", '
        '"id": "x1", "size": 10, "ok": true}'
    )


def test_a_pretty_line_is_for_reading() -> None:
    facts = {"id": "x1", "sender": "çağla@example.org", "reply": '250 "fine"', "none": ""}
    assert to_pretty(NOON, Level.WARNING, Event.DEFERRED, facts) == (
        "22:13:20.125 warning deferred           "
        'id=x1 sender=çağla@example.org reply="250 \\"fine\\"" none=""'
    )


def test_colour_is_only_our_own() -> None:
    facts = {"helo": "\x1b[31mred"}
    assert "\x1b" not in to_pretty(NOON, Level.ERROR, Event.INCIDENT, facts)
    coloured = to_pretty(NOON, Level.ERROR, Event.INCIDENT, facts, colour=True)
    assert coloured.startswith("22:13:20.125 \x1b[31merror  \x1b[0m \x1b[1mincident")
    assert coloured.count("\x1b") == 4


def test_a_fact_cannot_pose_as_the_lines_own_keys() -> None:
    facts = {"event": "x", "time": "y", "level": "z"}
    line = json.loads(to_json(NOON, Level.INFO, Event.CLOSED, facts))
    assert (line["event"], line["level"]) == ("closed", "info")
    assert (line["fact-event"], line["fact-time"], line["fact-level"]) == ("x", "y", "z")


def test_facts_that_cannot_be_told_lose_only_themselves() -> None:
    class Mute:
        def __str__(self) -> str:
            raise ZeroDivisionError

    facts = {"a": Mute(), "b": 10**5000, "c": float("nan"), "d": None, "e": 2**53 + 1}
    line = json.loads(to_json(float("nan"), Level.INFO, Event.CLOSED, facts))
    assert line["time"] == "1970-01-01T00:00:00.000Z"
    assert [line[k] for k in "abcde"] == ["<Mute>", "<int>", "nan", None, "9007199254740993"]
    to_pretty(1e300, Level.INFO, Event.CLOSED, facts)


def test_a_huge_fact_is_cut() -> None:
    assert len(to_json(NOON, Level.INFO, Event.CLOSED, {"x": "y" * 100_000})) < 2200


ANYTHING = st.dictionaries(
    st.text(st.characters(), max_size=5), st.text(st.characters(), max_size=40), max_size=4
)


@given(ANYTHING)
def test_nothing_in_a_fact_ends_colours_or_turns_a_line(facts: Mapping[str, str]) -> None:
    for line in (
        to_json(NOON, Level.INFO, Event.CLOSED, facts),
        to_pretty(NOON, Level.INFO, Event.CLOSED, facts),
    ):
        assert line.isprintable()  # no control, no line or paragraph separator, no bidi mark
        line.encode()


@given(ANYTHING)
def test_a_json_line_gives_every_fact_back_as_it_was(facts: Mapping[str, str]) -> None:
    line = json.loads(to_json(NOON, Level.INFO, Event.CLOSED, facts))
    for key, value in facts.items():
        name = f"fact-{key}" if key in {"time", "level", "event"} else key
        assert line[name] == value


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_a_pretty_fact_cannot_pose_as_another(text: str) -> None:
    line = to_pretty(NOON, Level.INFO, Event.CLOSED, {"a": text, "b": "end"})
    match = re.fullmatch(r'.* a=("(?:[^"\\]|\\.)*"|[^\s"\\]+) b=end', line)
    assert match
    assert "=" not in match[1] or match[1].startswith('"')


def test_every_event_has_its_own_name_and_a_meaning() -> None:
    words = [event.word for event in Event]
    assert len(set(words)) == len(words)
    for event in Event:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", event.word)
        assert event.word == event.name.lower().replace("_", "-")
        assert event.meaning


# -- writing ------------------------------------------------------------------------------------


def test_events_below_the_least_level_are_not_written(pipe: tuple[int, int]) -> None:
    with Log(pipe[1], clock=lambda: NOON, always={"worker": 2}) as log:
        log.emit(Event.CONNECTED, ip="192.0.2.1")
        log.emit(Event.CONNECTED, Level.WARNING, ip="192.0.2.2")
        log.emit(Event.READY)
    lines = [json.loads(line) for line in all_of(pipe[0])]
    assert [(x["event"], x["level"], x["worker"]) for x in lines] == [
        ("connected", "warning", 2),
        ("ready", "info", 2),
    ]


def test_a_terminal_gets_colours_and_a_file_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    ours, theirs = pty.openpty()
    with Log(theirs, clock=lambda: NOON) as log:
        log.emit(Event.READY)
    assert b"\x1b[32minfo" in os.read(ours, 1000)
    monkeypatch.setenv("NO_COLOR", "1")
    with Log(theirs, clock=lambda: NOON) as log:
        log.emit(Event.READY)
    assert b"\x1b" not in os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)
    with (tmp_path / "log").open("wb") as file, Log(file.fileno(), clock=lambda: NOON) as log:
        log.emit(Event.READY)
    assert (tmp_path / "log").read_text().startswith('{"time"')


def test_what_is_logged_is_written_soon_without_an_end(pipe: tuple[int, int]) -> None:
    with Log(pipe[1], clock=lambda: NOON) as log:
        log.emit(Event.READY)
        assert log.flush()
        assert len(all_of(pipe[0])) == 1


def test_a_reader_that_does_not_read_costs_lines_and_nobody_waits(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1], clock=lambda: NOON)
    started = time.monotonic()
    for number in range(30_000):
        log.emit(Event.MESSAGE_ACCEPTED, number=number, text="x" * 100)
    assert not log.flush(0.01)
    assert time.monotonic() - started < 20.0
    lines: list[str] = []

    def read() -> None:
        text = b""
        while b"last" not in text[-500:]:
            text += os.read(pipe[0], 65536)
        lines.extend(text.decode().split("\n")[:-1])

    reader = threading.Thread(target=read)
    reader.start()
    assert log.flush(30.0)
    log.emit(Event.READY, last="last")
    log.close()
    reader.join()
    events = [json.loads(line) for line in lines]
    lost = sum(e["count"] for e in events if e["event"] == "log-lost")
    kept = [e["number"] for e in events if e["event"] == "message-accepted"]
    assert lost > 0
    assert lost + len(kept) == 30_000
    assert kept == sorted(kept)


def test_a_non_blocking_descriptor_is_written_in_full(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    log = Log(pipe[1], clock=lambda: NOON)
    for _ in range(40):
        log.emit(Event.INCIDENT, traceback="z" * 10_000)  # longer than a pipe takes in one piece
    for number in range(2000):
        log.emit(Event.MESSAGE_ACCEPTED, number=number, text="x" * 200)
    assert not log.flush(0.1)  # the pipe is full, in the middle of a line
    text = ""
    while text.count("\n") < 2040 and select.select([pipe[0]], [], [], 30)[0]:
        text += os.read(pipe[0], 65536).decode()
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    assert len(lines) == 2040
    assert {len(line["traceback"]) for line in lines[:40]} == {10_000}
    log.close()


def test_a_closed_pipe_and_a_full_disk_do_not_raise(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    full = os.open("/dev/full", os.O_WRONLY)
    for descriptor in (pipe[1], full, 999):
        with Log(descriptor, clock=lambda: NOON) as log:
            for _ in range(3):
                log.emit(Event.READY)
                log.flush()
    os.close(full)


def test_lines_lost_to_a_full_disk_are_told_when_there_is_room(tmp_path: Path) -> None:
    place = tmp_path / "log"
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with place.open("wb") as file, Log(descriptor, clock=lambda: NOON) as log:
        log.emit(Event.READY)
        log.flush()
        os.dup2(file.fileno(), descriptor)  # room again
        log.emit(Event.DRAINING)
    os.close(descriptor)
    first, second = (json.loads(line) for line in place.read_text().splitlines())
    assert (first["event"], first["count"]) == ("log-lost", 1)
    assert second["event"] == "draining"


def test_lines_of_two_processes_are_not_mixed(pipe: tuple[int, int]) -> None:
    logs = [Log(pipe[1], clock=lambda: NOON, always={"worker": n}) for n in range(2)]
    for number in range(2000):
        for log in logs:
            log.emit(Event.READY, number=number, text="y" * 150)
    # Both are in the middle of a write when the reading begins.
    assert not any(log.flush(0.1) for log in logs)
    text = ""
    while text.count("\n") < 4000 and select.select([pipe[0]], [], [], 30)[0]:
        text += os.read(pipe[0], 4000).decode()
    lines = text.split("\n")[:-1]
    assert len([json.loads(line) for line in lines]) == 4000
    for log in logs:
        log.close()


def test_what_libraries_say_comes_in_as_one_line(pipe: tuple[int, int]) -> None:
    logger = logging.getLogger("ulak.tests.library")
    logger.propagate = False
    with Log(pipe[1], clock=lambda: NOON) as log:
        logger.addHandler(Records(log))
        logger.info("not this")
        logger.warning("slow %s", "callback\nforged line")
        logger.error("boom", exc_info=ZeroDivisionError("by hand"))
        logger.error("%d", "a mistake of the library")
    lines = [json.loads(line) for line in all_of(pipe[0])]
    assert [(x["event"], x["level"], x["logger"]) for x in lines] == [
        ("library", "warning", "ulak.tests.library"),
        ("library", "error", "ulak.tests.library"),
        ("library", "error", "ulak.tests.library"),
    ]
    assert lines[0]["said"] == "slow callback\nforged line"
    assert "ZeroDivisionError" in lines[1]["said"]
    assert lines[2]["said"] == "%d"
