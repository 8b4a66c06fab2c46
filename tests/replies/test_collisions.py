"""A code that a provider uses in its own sense, and what decides which sense it has.

The provider's full words decide by themselves (`text`); a bare code in its sense needs a sign of
who wrote it (`provider`); without one the registry's meaning stands (`enhanced`), or the basic
code where the registry has none (`code`).
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ulak.replies.classify import Classified, classify
from ulak.replies.parse import parse


class Collision(NamedTuple):
    """One code of one provider; `words` is what it says with it, `cause` what that means there.

    `bare` says how the code alone is to be read with a sign (`cause` where it is None) and
    `registry` what it is without one.
    """

    provider: str
    codes: str
    words: str
    cause: str
    registry: str
    decided_by: str = "enhanced"
    bare: str = ""


SIGN = {
    "google": "a1b2c3-20020a si1234567 - gsmtp",
    "microsoft": "[AM0EUR02FT001.eop-EUR02.prod.protection.outlook.com]",
    "yahoo": "https://senders.yahooinc.com/error-codes",
}
SPF_ENTRIES = "The SPF record of the sending domain has one or more suspicious entries."
COLLISIONS = [
    Collision("google", "550 5.7.24", SPF_ENTRIES, "spf-error", "spf-error"),
    Collision("google", "451 4.7.24", SPF_ENTRIES, "spf-error", "spf-error"),
    Collision(
        "google", "550 5.7.26",
        "This mail has been blocked because the sender is unauthenticated.",
        "unauthenticated", "unauthenticated",
    ),
    Collision(
        "google", "550 5.7.26",
        "The MAIL FROM domain [example.com] has an SPF record with a hard fail policy (-all).",
        "spf-fail", "unauthenticated", bare="unauthenticated",
    ),
    Collision(
        "google", "550 5.7.26",
        "Unauthenticated email from example.com is not accepted due to domain's DMARC policy.",
        "dmarc-reject", "unauthenticated", bare="unauthenticated",
    ),
    Collision(
        "google", "550 5.7.27",
        "This mail was blocked: Gmail requires bulk senders to authenticate their email with SPF.",
        "spf-fail", "sender-null-mx",
    ),
    Collision(
        "google", "421 4.7.27",
        "Your email has been rate limited because SPF authentication didn't pass.",
        "spf-fail", "sender-null-mx",
    ),
    *(
        Collision(
            "google", "421 4.7.28", f"Gmail has detected an unusual rate of mail {origin}.",
            "mail-flood", "mail-flood",
        )
        for origin in (
            "originating from your IP address 192.0.2.22",
            "originating from your IP Netblock 192.0.2.0/24",
            "originating from your DKIM domain example.com",
            "originating from your SPF domain example.com",
            "containing one of your URL domains",
        )
    ),
    Collision(
        "google", "421 4.7.28",
        "Gmail has detected this message exceeded its quota for sending messages with the same "
        "Message-ID.",
        "mail-flood", "mail-flood",
    ),
    Collision(
        "google", "550 5.7.29", "This message was not sent over a TLS connection.",
        "encryption-required", "arc-fail",
    ),
    Collision(
        "google", "421 4.7.29", "This message wasn't sent over a TLS connection.",
        "encryption-required", "arc-fail",
    ),
    Collision(
        "google", "550 5.7.30", "This mail has been blocked because DKIM does not pass.",
        "dkim-fail", "peer-lacks-requiretls",
    ),
    Collision(
        "google", "421 4.7.30", "Rate limited because DKIM authentication didn't pass.",
        "dkim-fail", "peer-lacks-requiretls",
    ),
    *(
        Collision(
            "google", codes,
            "The From: header isn't aligned with either the SPF or the DKIM domain.",
            "from-not-aligned", "remote-deferred", "code",
        )
        for codes in ("421 4.7.32", "421 5.7.32")
    ),
    Collision(
        "google", "550 5.7.40", "The sending domain doesn't have a DMARC record.",
        "no-dmarc-record", "remote-refused", "code",
    ),
    Collision(
        "google", "421 4.7.40", "The sending domain doesn't have a DMARC record.",
        "no-dmarc-record", "remote-deferred", "code",
    ),
    *(
        Collision(
            "google", "504 5.7.40", words, "mechanism-unknown", "remote-refused", "code"
        )
        for words in ("Unrecognized Authentication Type.", "XOAUTH is no longer supported.")
    ),
    Collision(
        "google", "535 5.7.80", "Username and Password not accepted.",
        "authentication-failed", "authentication-failed", "code",
    ),
    Collision(
        "google", "534 5.7.90", "Application-specific password required.",
        "mechanism-too-weak", "mechanism-too-weak", "code",
    ),
    Collision(
        "microsoft", "550 5.1.10",
        "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "no-such-mailbox", "null-mx",
    ),
    Collision(
        "microsoft", "550 5.4.1",
        "Recipient address rejected: Access denied. AS(201806281)",
        "no-such-mailbox", "remote-refused", "code",
    ),
    Collision(
        "microsoft", "550 5.7.515",
        "Access denied, sending domain example.com does not meet the required authentication "
        "level.",
        "unauthenticated", "remote-refused", "code",
    ),
    *(
        Collision(
            "microsoft", codes, "Access denied, banned sending IP [192.0.2.22].",
            "listed-by-receiver", "remote-refused", "code",
        )
        for codes in ("550 5.7.606", "550 5.7.649")
    ),
    Collision(
        "microsoft", "550 5.7.64", "TenantAttribution; Relay Access Denied",
        "relay-denied", "remote-refused", "code",
    ),
    Collision(
        "yahoo", "554 5.7.9", "Message not accepted for policy reasons.",
        "policy-refused", "mechanism-too-weak",
    ),
]  # fmt: skip


def found(text: str) -> Classified:
    reply = parse(text)
    return classify(reply.code, reply.enhanced, reply.text, text)


def named(collision: Collision) -> str:
    return f"{collision.provider} {collision.codes} {collision.cause}"


@pytest.mark.parametrize("collision", COLLISIONS, ids=named)
def test_the_providers_words_decide(collision: Collision) -> None:
    sign = SIGN[collision.provider]
    answer = found(f"{collision.codes} {collision.words} {sign}")
    assert (answer.cause, answer.decided_by) == (collision.cause, "text")
    assert answer.provider == collision.provider
    assert answer.rule.startswith(f"{collision.provider}:")


@pytest.mark.parametrize("collision", COLLISIONS, ids=named)
def test_a_bare_code_has_the_sense_of_the_provider_that_a_sign_shows(
    collision: Collision,
) -> None:
    answer = found(f"{collision.codes} {SIGN[collision.provider]}")
    assert (answer.cause, answer.decided_by) == (collision.bare or collision.cause, "provider")
    assert answer.provider == collision.provider


@pytest.mark.parametrize("collision", COLLISIONS, ids=named)
def test_a_bare_code_without_a_sign_has_the_sense_of_the_registry(collision: Collision) -> None:
    answer = found(collision.codes)
    assert (answer.cause, answer.decided_by) == (collision.registry, collision.decided_by)
    assert answer.provider == ""


@pytest.mark.parametrize(
    ("text", "cause", "provider"),
    [
        # What Gmail's code means elsewhere: the registry's sense, in another server's words.
        ("550 5.7.27 Sender address has null MX", "sender-null-mx", ""),
        ("550 5.7.29 ARC validation failure", "arc-fail", ""),
        # Codes that say little anywhere: the words are the whole sense.
        (
            (
                f"421 4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred due to "
                f"unexpected volume or user complaints - 4.16.55.1; see {SIGN['yahoo']}"
            ),
            "user-complaints",
            "yahoo",
        ),
        (f"421 4.7.0 [TSS04] {SIGN['yahoo']}", "user-complaints", "yahoo"),
        ("421 4.7.0", "policy-deferred", ""),
        (
            (
                "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.25, because the ip "
                f"is in Spamhaus's list; see {SIGN['yahoo']}"
            ),
            "listed-by-dnsbl",
            "yahoo",
        ),
        (f"553 5.7.1 [TSS07] {SIGN['yahoo']}", "listed-by-dnsbl", "yahoo"),
        ("553 5.7.1", "policy-refused", ""),
        (
            (
                "550 5.1.1 192.0.2.22 has sent to too many recipients this hour. IB607 "
                "[smtp.secureserver.net]"
            ),
            "sending-too-fast",
            "godaddy",
        ),
        ("550 5.1.1 IB607", "sending-too-fast", "godaddy"),
        ("550 5.1.1", "no-such-mailbox", ""),
        (
            (
                "554 5.7.1 Service unavailable; Client host [192.0.2.22] blocked using "
                "zen.spamhaus.org"
            ),
            "listed-by-dnsbl",
            "",
        ),
        ("554 5.7.1", "policy-refused", ""),
    ],
)
def test_words_decide_where_a_code_says_little(text: str, cause: str, provider: str) -> None:
    answer = found(text)
    assert (answer.cause, answer.provider) == (cause, provider)
    assert answer.decided_by == ("text" if answer.rule else "enhanced")
