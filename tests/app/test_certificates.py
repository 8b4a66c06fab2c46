"""What becomes of a new certificate stands in the log."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from ulak.app.certificates import watch
from ulak.lab.certificate import certificate
from ulak.log import Form, Log
from ulak.server.tls import TlsContext, context

Told = Callable[[], Awaitable[dict[str, str]]]


def watching(
    live: TlsContext, what: Callable[[asyncio.Event, Told], Awaitable[None]], every: float
) -> None:
    """Do something while a context is watched, with the next line of the log at hand."""
    lines, into = os.pipe()
    log = Log(into, clock=lambda: 0.0, form=Form.JSON)

    async def main() -> None:
        look = asyncio.Event()
        task = asyncio.create_task(watch([live], log, look, every=every))
        await asyncio.sleep(0)

        async def told() -> dict[str, str]:
            return dict(json.loads(await asyncio.to_thread(stream.readline)))

        await what(look, told)
        task.cancel()

    with os.fdopen(lines) as stream:
        asyncio.run(main())
        log.close()
        os.close(into)


def test_the_log_tells_which_certificate_is_in_use_or_why_it_is_not(tmp_path: Path) -> None:
    chain, key = certificate("mx.example.org").write(tmp_path)

    async def what(look: asyncio.Event, told: Told) -> None:
        chain.write_bytes(b"half of it")
        look.set()
        line = await told()
        assert line["event"] == "certificate-refused"
        assert line["problem"] == f"{chain} cannot be used for TLS: there is no certificate in it."
        certificate("mx.example.org").write(tmp_path)
        look.set()
        line = await told()
        assert line["event"] == "certificate-renewed"
        assert line["certificate"] == str(chain)

    watching(context(chain, key), what, every=60)


def test_nobody_has_to_say_that_it_is_time(tmp_path: Path) -> None:
    chain, key = certificate("mx.example.org").write(tmp_path)

    async def what(_look: asyncio.Event, told: Told) -> None:
        certificate("mx.example.org").write(tmp_path)
        assert (await told())["event"] == "certificate-renewed"

    watching(context(chain, key), what, every=0.01)


def test_a_certificate_that_ends_soon_is_told_of_at_once(tmp_path: Path) -> None:
    chain, key = certificate("mx.example.org", expired=True).write(tmp_path)

    async def what(_look: asyncio.Event, told: Told) -> None:
        line = await told()
        assert line["event"] == "certificate-ends"
        assert line["certificate"] == str(chain)
        assert str(line["days_left"]) == "0"

    watching(context(chain, key), what, every=60)
