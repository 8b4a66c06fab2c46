"""What a load balancer is told of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from ulak.app.control import Answer, Control, Request
from ulak.app.membership import stand_told
from ulak.app.places import Places
from ulak.app.web.health import Health
from ulak.cluster.member import Duty, Stand


async def _other(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"other"})


def _said(folder: Path, duties: Mapping[int, Duty], path: str, method: str) -> tuple[int, bytes]:
    """Ask a server whose workers are about this."""

    async def main() -> tuple[int, bytes]:
        places = Places(folder)

        def answering(number: int, duty: Duty) -> Control:
            async def answer(_: Request) -> Answer:
                return stand_told(Stand(duty, 0.0))

            return Control(places.control(number), answer)

        controls = []
        for number, duty in duties.items():
            controls.append(answering(number, duty))
            await controls[-1].start()
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        scope = {"type": "http", "path": path, "method": method, "headers": []}
        await Health(_other, places)(scope, receive, send)
        for control in controls:
            await control.stop()
        return sent[0]["status"], sent[1]["body"]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("duties", "status", "text"),
    [
        ({0: Duty.SERVING, 1: Duty.SERVING}, 200, b"serving\n"),
        ({0: Duty.DRAINING, 1: Duty.DRAINED}, 503, b"draining\n"),
        ({0: Duty.DRAINED, 1: Duty.DRAINING}, 503, b"draining\n"),
        ({0: Duty.DRAINED, 1: Duty.DRAINED}, 503, b"drained\n"),
        ({}, 503, b"down\n"),
    ],
)
def test_only_a_server_that_serves_is_healthy(
    tmp_path: Path, duties: Mapping[int, Duty], status: int, text: bytes
) -> None:
    assert _said(tmp_path, duties, "/health", "GET") == (status, text)
    assert _said(tmp_path, duties, "/health", "HEAD") == (status, b"")


def test_a_worker_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "worker-0.sock").touch()
    assert _said(tmp_path, {1: Duty.SERVING}, "/health", "GET") == (200, b"serving\n")


def test_what_else_is_asked_for_the_application_answers(tmp_path: Path) -> None:
    assert _said(tmp_path, {}, "/healthy", "GET") == (418, b"other")
