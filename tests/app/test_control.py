"""The command line speaks to a running worker."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from ulak.app.control import Answer, Control, ControlError, Request, ask, decode, encode
from ulak.app.supervisor import DataInUseError, lock, running
from ulak.journal.deed import By
from ulak.queue.item import Selection, State

REQUEST = Request(
    "retry",
    Selection(
        ("a", "b"),
        ("x.example",),
        "greylisted",
        state=State.HELD,
        before=3.5,
        after=1,
        address="a@b",
    ),
    By("ada", "console", "192.0.2.1"),
    7,
    facts={"recipient": "bob@example.net"},
)


def serve(path: Path, handler: object) -> object:
    """Run a control socket for as long as one question takes."""

    async def main() -> object:
        control = Control(path, handler)  # type: ignore[arg-type]
        await control.start()
        try:
            return await asyncio.to_thread(ask, path, REQUEST)
        finally:
            await control.stop()

    return asyncio.run(main())


def test_a_request_arrives_as_it_was_asked_even_in_a_deep_directory(tmp_path: Path) -> None:
    seen: list[Request] = []

    async def handler(request: Request) -> Answer:
        seen.append(request)
        return {"count": 2}

    deep = tmp_path / ("d" * 100) / ("e" * 100) / "worker-0.sock"
    assert serve(deep, handler) == {"count": 2}
    assert seen == [REQUEST]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b'{"verb": "drop", "which": 3}',
        b'{"verb": "drop", "which": {"ids": "a"}}',
        b'{"verb": "drop", "which": {"ids": [1]}}',
        b'{"verb": "drop", "which": {"domains": "a.example"}}',
        b'{"verb": "drop", "which": {"everything": true, "of-tomorrow": "x"}}',
        b'{"verb": "drop", "which": {"everything": true, "state": "lost"}}',
        b'{"verb": "drop", "which": {"everything": true, "before": "noon"}}',
        b'{"verb": "drop", "which": {"everything": true, "after": true}}',
        b'{"verb": "drop", "limit": -1}',
        b'{"verb": "drop", "limit": "many"}',
        b'{"verb": "drop", "by": "ada"}',
    ],
)
def test_a_condition_that_makes_no_sense_is_no_request_rather_than_one_for_more_mail(
    line: bytes,
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- whichever it is: the client is told
        decode(line)


def test_a_request_without_conditions_means_nothing() -> None:
    assert decode(b'{"verb": "drop"}') == Request("drop")
    assert decode(encode(Request("drop"))).which.empty


def test_an_error_of_the_server_reaches_the_one_who_asked(tmp_path: Path) -> None:
    async def handler(_request: Request) -> Answer:
        return {"error": "The disk is full."}

    with pytest.raises(ControlError, match="The disk is full"):
        serve(tmp_path / "s", handler)


def test_a_line_that_is_no_request_closes_only_its_own_connection(tmp_path: Path) -> None:
    async def handler(_request: Request) -> Answer:
        return {"count": 0}

    async def main() -> bytes:
        control = Control(tmp_path / "s", handler)
        await control.start()

        def babble() -> bytes:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(tmp_path / "s"))
                sock.sendall(b"\xff\x00 nonsense\n")
                return sock.recv(1000)

        answer = await asyncio.to_thread(babble)
        await asyncio.to_thread(ask, tmp_path / "s", Request("hold", Selection(everything=True)))
        await control.stop()
        return answer

    assert b'"error"' in asyncio.run(main())


def test_a_second_server_on_the_same_data_is_refused_by_name(tmp_path: Path) -> None:
    assert not running(tmp_path)
    lock(tmp_path)
    assert running(tmp_path)
    with pytest.raises(DataInUseError, match="works on"):
        lock(tmp_path)
