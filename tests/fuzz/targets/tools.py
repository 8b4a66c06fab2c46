"""What visitors of the web give the tools: read, told what it is, and shown without secrets."""

from __future__ import annotations

import ipaddress
import re

from tests.fuzz.octets import Octets

from ulak.web.tools.reading import MOST, read
from ulak.web.tools.redact import redacted
from ulak.web.tools.target import Target, domain_of, ip_of, target_of

_NAME = re.compile(r"[a-z0-9_.-]{3,253}")
_GROWTH = 10  # `a@b.cc` becomes `user1@d1234.example.org` at most


def one(data: bytes) -> None:
    given = Octets(data)
    uploaded = given.flag()
    octets = given.rest()
    found = read(octets, uploaded=uploaded)
    assert len(found.quoted) <= MOST
    assert (found.bounce is not None) <= bool(found.quoted)
    assert found.more >= 0
    text = octets.decode("utf-8", "replace")
    target(text)
    assert len(redacted(text)) <= _GROWTH * len(text)


def target(text: str) -> None:
    """Hold a target against its form."""
    found = target_of(text)
    match found.kind:
        case "ip":
            assert str(ipaddress.ip_address(found.value)) == found.value
            assert ip_of(found.value) == found.value
        case "domain":
            assert _NAME.fullmatch(found.value)
            assert domain_of(found.value) == found.value
        case "message":
            assert found.value == text.strip()
        case _:
            assert found == Target()
