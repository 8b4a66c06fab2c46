"""Wishes as the client says them: each on its command, and never a line of its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.mail import xtext
from ulak.mail.envelope import DeliverBy, RecipientWishes, Wishes
from ulak.smtp.client import ClientCore, Offer, PeerReply, Step, Transaction
from ulak.smtp.client.extensions import read_offer

OFFERED = ("PIPELINING", "DSN", "REQUIRETLS", "MT-PRIORITY", "DELIVERBY", "AUTH PLAIN")
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
BY = st.builds(DeliverBy, st.floats(-1e12, 1e12), TEXT, st.booleans())
WISHES = st.builds(
    Wishes,
    ret=st.one_of(TEXT, st.sampled_from(["FULL", "HDRS", ""])),
    envid=TEXT,
    require_tls=st.booleans(),
    priority=st.integers(-9, 9),
    deliver_by=st.one_of(st.none(), BY),
    auth=TEXT,
)
ASKED = st.builds(
    RecipientWishes,
    notify=st.frozensets(st.one_of(TEXT, st.sampled_from(["NEVER", "SUCCESS", "DELAY"]))),
    orcpt=TEXT,
    through=TEXT,
)


def opened(*keywords: str) -> ClientCore:
    core = ClientCore("client.example.org")
    core.feed(b"220 mx.example.net\r\n")
    lines = ["mx.example.net", *keywords]
    marks = ["-"] * (len(lines) - 1) + [" "]
    hello = "".join(f"250{m}{line}\r\n" for m, line in zip(marks, lines, strict=True))
    assert core.feed(hello.encode()) is Step.READY
    core.output()
    return core


@given(WISHES, ASKED)
def test_whatever_is_wished_every_command_stays_one_line_of_ascii(
    wishes: Wishes, asked: RecipientWishes
) -> None:
    core = opened(*OFFERED)
    core.begin(
        Transaction(
            "g@example.org",
            ("ada@example.net", "bob@example.net"),
            wishes=wishes,
            asked={"ada@example.net": asked},
        )
    )
    said = core.output()
    assert said.isascii()
    mail, ada, bob, data, rest = said.decode().split("\r\n")
    assert mail.startswith("MAIL FROM:<g@example.org>")
    assert ada.startswith("RCPT TO:<ada@example.net>")
    assert (bob, data, rest) == ("RCPT TO:<bob@example.net>", "DATA", "")
    assert all(part.isprintable() for part in (mail, ada))
    # Every parameter is one word, and ENVID can be read back as it was.
    words = dict(word.partition("=")[::2] for word in mail.split(" ")[2:])
    assert words.keys() <= {"RET", "ENVID", "REQUIRETLS", "MT-PRIORITY", "BY", "AUTH"}
    assert xtext.decode(words.get("ENVID", "")) == wishes.envid
    assert xtext.decode(words.get("AUTH", "")) == wishes.auth
    assert words.get("RET", "FULL") in ("FULL", "HDRS")
    assert re.fullmatch(r"-?[0-9]{1,9};[NR]T?", words.get("BY", "0;N"))
    words = dict(word.partition("=")[::2] for word in ada.split(" ")[2:])
    assert words.keys() <= {"NOTIFY", "ORCPT"}
    assert set(words.get("NOTIFY", "NEVER").split(",")) <= {"NEVER", "SUCCESS", "FAILURE", "DELAY"}


def offer_of(line: str) -> Offer:
    return read_offer(PeerReply(250, None, ("mx", line)))


@pytest.mark.parametrize(
    ("line", "limits"),
    [
        ("LIMITS RCPTMAX=100 MAILMAX=5 RCPTDOMAINMAX=1", (5, 100, 1)),
        ("limits rcptmax=7  OTHER=x FLAG", (0, 7, 0)),
        ("LIMITS RCPTMAX=5 RCPTMAX=9", (0, 5, 0)),
        ("LIMITS RCPTMAX=+5 MAILMAX=1_0 RCPTDOMAINMAX=٥", (0, 0, 0)),
        ("LIMITS RCPTMAX=9999999 MAILMAX= RCPTDOMAINMAX", (0, 0, 0)),
        ("LIMITS", (0, 0, 0)),
    ],
)
def test_limits_are_read_and_what_is_malformed_in_them_limits_nothing(
    line: str, limits: tuple[int, int, int]
) -> None:
    offer = offer_of(line)
    assert (offer.transactions, offer.recipients, offer.domains) == limits


@given(st.text(max_size=60))
def test_an_offer_is_read_whatever_stands_in_it(text: str) -> None:
    offer = offer_of(f"LIMITS {text}")
    assert all(0 <= n < 10**6 for n in (offer.transactions, offer.recipients, offer.domains))
    assert offer_of(f"DELIVERBY {text}").number("DELIVERBY") >= 0


@pytest.mark.parametrize(("letters", "said"), [(52, True), (53, False)])
def test_an_orcpt_that_ascii_makes_too_long_is_left_out(letters: int, *, said: bool) -> None:
    core = opened(*OFFERED)
    orcpt = "utf-8;" + "\U0001f4e7" * letters + "@örnek.example"
    asked = RecipientWishes(frozenset({"NEVER"}), orcpt)
    core.begin(Transaction("", ("ada@example.net",), asked={"ada@example.net": asked}))
    command = core.output().split(b"\r\n")[1]
    assert b" NOTIFY=NEVER" in command
    assert (b" ORCPT=" in command) == said
