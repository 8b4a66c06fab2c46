"""Reports about TLS are posted over HTTPS to whom a record names, and to nobody else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import pytest
from tests.delivery.policyhost import PolicyHost
from tests.delivery.transporting import AUTHORITY, believing

from ulak.app.posting import ReportPoster
from ulak.dns import Zone
from ulak.lab.certificate import certificate

HOST = "reports.example.org"
ZONE = Zone({(HOST, "A"): ["127.0.0.1"]})


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def wrapped() -> None:
        await main()

    asyncio.run(wrapped())


def poster(**settings: bool) -> ReportPoster:
    context: ssl.SSLContext = believing()
    return ReportPoster(ZONE, context, **({"reach_private": True} | settings))


def test_a_report_is_posted_as_it_is() -> None:
    async def main() -> None:
        async with PolicyHost(certificate(HOST, issuer=AUTHORITY)) as web:
            web.status = "201 Created"
            uri = f"https://{HOST}:{web.port}/tls?a=b"
            assert await poster()(uri, b"octets") == ""
            assert web.asked == ["POST /tls?a=b HTTP/1.1"]
            assert web.bodies == [b"octets"]
            assert web.names == [HOST]
            assert "content-type: application/tlsrpt+gzip" in web.heads[0].lower()

    run(main)


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "500 Broken"])
def test_another_answer_is_none(status: str) -> None:
    async def main() -> None:
        async with PolicyHost(certificate(HOST, issuer=AUTHORITY)) as web:
            web.status = status
            said = await poster()(f"https://{HOST}:{web.port}/", b"octets")
            assert said == f"HTTP status {status[:3]}"
            assert len(web.asked) == 1

    run(main)


def test_who_does_not_prove_himself_gets_nothing() -> None:
    async def main() -> None:
        async with PolicyHost(certificate("else.example", issuer=AUTHORITY)) as web:
            assert "certificate" in await poster()(f"https://{HOST}:{web.port}/", b"octets")
            assert web.asked == []

    run(main)


def test_private_networks_and_nobody_get_nothing() -> None:
    async def main() -> None:
        async with PolicyHost(certificate(HOST, issuer=AUTHORITY)) as web:
            uri = f"https://{HOST}:{web.port}/"
            assert "private" in await poster(reach_private=False)(uri, b"octets")
            assert "no address" in await poster()("https://nobody.example/", b"octets")
            assert await poster()("https://[nobody/", b"octets")
            assert web.asked == []

    run(main)
