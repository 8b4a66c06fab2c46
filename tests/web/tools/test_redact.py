"""A link to an explanation gives nothing private away, and still says the same."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ulak.replies.patterns
from ulak.replies import catalog
from ulak.replies.explain import explain
from ulak.replies.refusal import Marking
from ulak.web.tools.redact import redacted

RULES = Path(ulak.replies.patterns.__file__).parent / "rules"
# What the samples say in examples, said of somebody.
_REAL = {
    "192.0.2.": "81.17.33.",
    "198.51.100.": "81.17.34.",
    "203.0.113.": "81.17.35.",
    "example.org": "firma.com.tr",
    "example.net": "kisi.net",
    "example.com": "alici.de",
    ".example": ".co.at",
}
SAMPLES = [
    sample
    for file in sorted(RULES.glob("*.toml"))
    for rule in tomllib.loads(file.read_text("utf-8")).get("rule", [])
    for sample in rule.get("samples", [])
]


def test_every_reply_that_is_known_means_the_same_without_what_is_private() -> None:
    assert len(SAMPLES) > 1000
    for sample in SAMPLES:
        real = sample
        for example, somebody in _REAL.items():
            real = real.replace(example, somebody)
        before, after = explain(real), explain(redacted(real))
        assert (before.cause, before.provider) == (after.cause, after.provider), real
        assert "81.17.3" not in redacted(real), real


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 <Ada.Lovelace@firma.com.tr>: no", "550 <user1@example.org>: no"),
        ("550 ada@icloud.com no", "550 user1@icloud.com no"),
        ("550 ada@firma.de to eve@kisi.net", "550 user1@example.org to user2@example.net"),
        ("550 ada@firma.de, ada@firma.de", "550 user1@example.org, user1@example.org"),
        ("550 ada@firma.de from mail.firma.de", "550 user1@example.org from example.org"),
        ("550 notfirma.de ada@firma.de", "550 notfirma.de user1@example.org"),
        ("554 [81.17.33.2] and 81.17.33.3", "554 [192.0.2.1] and 192.0.2.2"),
        ("554 listed (127.0.0.2)", "554 listed (127.0.0.2)"),
        ("554 2a01:4f8:1:2::3 is", "554 2001:db8::1 is"),
        ("554 ec2-81-17-33-2.host", "554 ec2-192-0-2-1.host"),
        ("451 4.7.1 queued as 4F2B11A2C3D", "451 4.7.1 queued as id1"),
        ("451 1qXyZa-0001Ab-CD no", "451 id1 no"),
        ("550 6f1c2a3b-1234-5678-9abc-0123456789ab", "550 id1"),
        ("452 limit 10485760 octets", "452 limit 10485760 octets"),
        ("550 Unrouteable address", "550 Unrouteable address"),
        ("550 اسم@شركة.com", "550 user1@example.org"),
    ],
)
def test_what_is_private_becomes_an_example(text: str, shown: str) -> None:
    assert redacted(text) == shown


@given(
    st.text(max_size=40),
    st.from_regex(r"[a-z]{1,10}\.[a-z]{1,10}", fullmatch=True),
    st.ip_addresses(v=4).filter(lambda one: one.is_global),
)
def test_no_address_is_left(around: str, local: str, ip: object) -> None:
    text = f"550 <{local}@geheim-firma.de> from [{ip}] {around}"
    shown = redacted(text)
    assert f"{local}@" not in shown
    assert f"[{ip}]" not in shown
    assert "geheim-firma" not in shown


@pytest.mark.parametrize("address", ["", "https://mx.firm.de/why/", "http://[2001:db8::1]/w?id="])
@pytest.mark.parametrize("identifier", ["7k3m9q2xw4tz", "abcdefghjkmn", "123456789012"])
def test_the_id_of_a_refusal_of_ulak_is_taken_out_and_the_cause_stays(
    address: str, identifier: str
) -> None:
    """Who has the id reads of the sender on the page that it leads to."""
    reply = catalog.NO_SUCH_MAILBOX.reply(address="ada@firm.de")
    shown = redacted(str(Marking(lambda: identifier, address).mark(reply, identifier)))
    assert identifier not in shown
    assert "000000000001" in shown
    assert explain(shown).cause == "no-such-mailbox"
