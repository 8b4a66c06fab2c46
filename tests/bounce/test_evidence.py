"""A report says what this server knows besides the answer, and only where that is about it."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

import pytest

from ulak.bounce.notice import Action, Fate, Office, Original, explain
from ulak.bounce.report import write
from ulak.replies.catalog import CATALOG

NOON = 1_793_707_200.0
MESSAGE = b"From: Ada <ada@example.org>\r\nSubject: Lunch\r\n\r\nx\r\n"
LISTED = Fate(
    "grace@example.net",
    "listed-by-dnsbl",
    "554 5.7.1 Client host [192.0.2.10] blocked",
    NOON,
    "mx.example.net [192.0.2.1]:25",
    remote=True,
    facts={"from-address": "192.0.2.10", "source": "north", "site-until": str(int(NOON) + 1800)},
    until=NOON + 86_400,
)
BROKEN = replace(
    LISTED,
    cause="tls-failed",
    reply="451 4.7.5 TLS with mx.example.net failed: its certificate is not valid",
    remote=False,
    facts={"tls-policy": "mta-sts-enforce", "sts-domain": "example.net"},
)


def text(*fates: Fate, action: Action = Action.FAILED, language: str = "en") -> str:
    about = Original("M1", "ada@example.org", NOON, MESSAGE, whole=True, language=language)
    made = write(
        Office("mx.example.org", ("en", "tr", "ar")), about, fates, action, identifier="R", now=NOON
    )
    parsed = email.message_from_bytes(made.data, policy=email.policy.default)
    words: str = next(parsed.iter_parts()).get_content()
    return " ".join(words.split())


def test_the_address_that_the_other_server_saw_is_named() -> None:
    assert "came to that server from the address 192.0.2.10." in text(LISTED)
    assert "192.0.2.10" in text(LISTED, language="tr")


def test_a_site_that_is_left_alone_is_told_of_while_the_message_waits() -> None:
    told = "sends nothing to that provider until 3 November 2026, 12:30 UTC"
    assert told in text(LISTED, action=Action.DELAYED)
    assert told not in text(LISTED)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("mta-sts-enforce", "example.net has a policy (MTA-STS"),
        ("dane", "publishes signed TLSA records"),
        ("requiretls", "You asked that the message go only over TLS"),
        ("destination", "The operator of this server has said"),
    ],
)
def test_the_policy_that_wanted_tls_is_named(policy: str, words: str) -> None:
    fate = replace(BROKEN, facts={**BROKEN.facts, "tls-policy": policy})
    assert words in text(fate)
    assert words not in text(replace(fate, cause="listed-by-dnsbl"))


@pytest.mark.parametrize(
    ("cause", "policy"), [("dane-failed", "dane"), ("mta-sts-failed", "mta-sts-enforce")]
)
@pytest.mark.parametrize("language", ["en", "tr", "ar"])
@pytest.mark.parametrize("action", [Action.FAILED, Action.DELAYED])
def test_who_has_to_mend_a_policy_that_is_not_kept_is_told(
    cause: str, policy: str, language: str, action: Action
) -> None:
    host = "mx.example.net [192.0.2.1]:25"
    problem = "its certificate is not for mx.example.net"
    reply = CATALOG[cause].reply(host=host, domain="example.net", problem=problem)
    facts = {**reply.facts, "tls-policy": policy, "sts-domain": "example.net"}
    fate = Fate(
        "grace@example.net", cause, str(reply), NOON, host, facts=facts, until=NOON + 86_400
    )
    told = text(fate, action=action, language=language)
    words = explain(cause, language, facts)
    assert words.title in told
    assert words.means in told
    assert words.fix_sender
    assert all(step in told for step in words.fix_sender)
    assert "example.net" in words.means
    assert problem in words.means


@pytest.mark.parametrize("cause", ["tls-unproven", "peer-lacks-requiretls"])
def test_who_asked_for_requiretls_is_reminded_of_it(cause: str) -> None:
    assert "You asked that" in text(
        replace(BROKEN, cause=cause, facts={"tls-policy": "requiretls"})
    )


def test_what_holds_for_one_is_not_said_of_all() -> None:
    other = replace(LISTED, recipient="b@example.net", facts={"from-address": "192.0.2.11"})
    assert "from the address" not in text(LISTED, other)


@pytest.mark.parametrize("odd", ["", "x", "-5", "9" * 40, "١٢"])
def test_a_time_that_is_none_harms_nothing(odd: str) -> None:
    fate = replace(LISTED, facts={"site-until": odd, "from-address": "a\r\nb"})
    assert "a??b" in text(fate, action=Action.DELAYED)
