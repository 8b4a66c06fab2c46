"""A whole server keeps to what other domains and its operator want of TLS, and tells why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.delivery.transporting import tlsa

from ulak.lab.certificate import Certificate, certificate

from .test_delivery import until
from .test_two_servers import BOB, TEXT, World

pytestmark = pytest.mark.slow

FAR = "mx.far.example"


@pytest.fixture
def there(served: Callable[..., Any], tmp_path: Path) -> Iterator[World]:
    made = World(served, tmp_path)
    made.zone.ttl = 1
    yield made
    made.stop()


def test_mail_waits_until_the_certificate_fits_the_signed_record(
    there: World, tmp_path: Path
) -> None:
    name = f"_{there.port}._tcp.{FAR}"
    there.zone.put(name, "TLSA", [tlsa(certificate(FAR))])
    there.start()
    identifier = there.send(TEXT, "", f"<{BOB}>")
    until(lambda: "fits none of the TLSA records" in there.why(identifier), "the deferral")
    shown = Certificate((tmp_path / f"{FAR}.pem").read_bytes(), b"")
    there.zone.put(name, "TLSA", [tlsa(shown)])
    there.bob()
    told = there.why(identifier)
    assert f"{FAR} has signed TLSA records (DANE)" in told
    assert f"it fits `{tlsa(shown)}`" in told
    assert "imzalı TLSA kayıtları var" in there.why(identifier, "tr")
    assert "سجلات TLSA موقّعة" in there.why(identifier, "ar")


def test_what_the_operator_wants_of_a_destination_decides(there: World) -> None:
    there.home.more += '[destinations."far.example"]\ntls = "mta-sts"\n'
    there.start()
    identifier = there.send(TEXT, "", f"<{BOB}>")
    until(lambda: "has no policy of MTA-STS" in there.why(identifier), "the deferral")
    assert "`mta-sts` for far.example" in there.why(identifier)
