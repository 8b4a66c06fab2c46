"""What `ulak check` prints, in every language.

The texts in `outputs/` are what a person sees. When a change of them is meant, read the new ones
after `ULAK_WRITE_OUTPUTS=1 pytest tests/diagnose/test_outputs.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.diagnose.internet import FORGER, MX, NOW, changed, forged, genuine, sealed, tangled, zone

from ulak.app.diagnosing import answer
from ulak.checks.dnsbl import Blocklist
from ulak.diagnose import address, domain, message, sender
from ulak.diagnose.diagnosis import Diagnosis
from ulak.diagnose.domain.mta_sts import Fetched
from ulak.diagnose.message import Envelope
from ulak.diagnose.printed import printed
from ulak.replies import texts

OUTPUTS = Path(__file__).parent / "outputs"
LISTS = tuple(map(Blocklist, ("bl.example", "deaf.example", "all.example")))


def ip(what: str, *lists: Blocklist) -> Awaitable[Diagnosis]:
    return address.diagnose(zone(), ip=what, zones=lists, gather=asyncio.gather)


def known(what: str, greeting: str = "") -> Awaitable[Diagnosis]:
    return address.diagnose(zone(), ip=what, greeting=greeting, known=True, gather=asyncio.gather)


def name(what: str, *selectors: str) -> Awaitable[Diagnosis]:
    return domain.diagnose(zone(), domain=what, selectors=selectors, gather=asyncio.gather)


async def policy(_domain: str) -> Fetched:
    octets = b"version: STSv1\nmode: enforce\nmx: mx1.a.example\nmax_age: 86400\n"
    return Fetched(octets, "text/plain")


def whole() -> Awaitable[Diagnosis]:
    return domain.diagnose(
        tangled(),
        domain="a.example",
        selectors=(),
        gather=asyncio.gather,
        beyond=domain.Beyond(policy),
    )


def spf(what: str, who: str, helo: str = "mx.well.example") -> Awaitable[Diagnosis]:
    return sender.diagnose(
        zone(), ip=what, helo=helo, mail_from=who, now=NOW, gather=asyncio.gather
    )


def mail(octets: bytes, given: Envelope = Envelope()) -> Awaitable[Diagnosis]:  # noqa: B008 -- frozen
    return message.diagnose(
        zone(),
        octets,
        name="a.eml",
        given=given,
        now=NOW,
        gather=asyncio.gather,
        answering=answer,
    )


CASES: dict[str, tuple[bool, Callable[[], Awaitable[Diagnosis]]]] = {
    "ip_well": (True, lambda: ip(MX, LISTS[0])),
    "ip_listed": (False, lambda: ip(FORGER, *LISTS)),
    "ip_nameless": (False, lambda: ip("2001:db8::1")),
    "ip_swept": (False, lambda: known(FORGER, "mx.well.example")),
    "ip_neighbours": (True, lambda: known(MX)),
    "ip_private": (False, lambda: known("10.1.2.3")),
    "domain_well": (True, lambda: name("well.example", "s1")),
    "domain_ill": (False, lambda: name("ill.example", "old", "none")),
    "domain_bare": (False, lambda: name("bare.example")),
    "domain_without_mail": (True, lambda: name("nomail.example")),
    "domain_tangled": (False, whole),
    "domain_silent": (False, lambda: name("silent.example")),
    "domain_listed": (
        False,
        lambda: domain.diagnose(
            zone(),
            domain="forger.example",
            selectors=("s1",),
            gather=asyncio.gather,
            beyond=domain.Beyond(listed=True),
        ),
    ),
    "spf_pass": (True, lambda: spf(MX, "ada@well.example")),
    "spf_fail": (False, lambda: spf(FORGER, "ada@well.example")),
    "spf_broken": (False, lambda: spf(FORGER, "ada@ill.example")),
    "spf_null_sender": (False, lambda: spf(FORGER, "", "bare.example")),
    "message_genuine": (True, lambda: mail(genuine())),
    "message_forged": (False, lambda: mail(forged())),
    "message_changed": (False, lambda: mail(changed(), Envelope(mail_from=""))),
    "message_sealed": (
        False,
        lambda: mail(sealed(), Envelope(MX, "mx.list.example", "a@b.example")),
    ),
    "message_alone": (False, lambda: mail(b"Subject: x\r\n\r\nx\r\n")),
}


@pytest.mark.parametrize("language", texts.languages())
@pytest.mark.parametrize("case", CASES)
def test_what_is_printed(case: str, language: str) -> None:
    good, made = CASES[case]

    async def run() -> Diagnosis:
        return await made()

    diagnosis = asyncio.run(run())
    shown = printed(diagnosis, language)
    file = OUTPUTS / f"{case}.{language}.txt"
    if os.environ.get("ULAK_WRITE_OUTPUTS"):
        file.write_text(shown, "utf-8")
    assert shown == file.read_text("utf-8")
    assert diagnosis.good is good
    assert "{" not in shown


def test_every_output_is_of_a_case() -> None:
    assert {file.name.split(".")[0] for file in OUTPUTS.iterdir()} == set(CASES)
