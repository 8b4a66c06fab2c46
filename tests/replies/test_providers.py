"""What is to be done at one provider comes first, with its page."""

from __future__ import annotations

import pytest

from ulak.replies import explain, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.patterns import book

FAMILIES = {cause.family for cause in CATALOG.values()}


@pytest.mark.parametrize("written", texts.provider_steps_written())
def test_steps_are_for_a_provider_and_a_cause_that_exist(written: str) -> None:
    slug = max((s for s in book().providers if written.startswith(f"{s}.")), key=len)
    name = written.removeprefix(f"{slug}.")
    assert name in CATALOG or name in FAMILIES
    assert book().providers[slug].page
    # Some rule of theirs leads there, or the steps are never read.
    assert any(
        name in (rule.cause, CATALOG[rule.cause].family)
        for rule in book().rules
        if slug in (rule.provider, rule.identity.partition(":")[0])
    )


@pytest.mark.parametrize("language", texts.languages())
@pytest.mark.parametrize(
    ("reply", "link"),
    [
        (
            (
                "421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP "
                "address 192.0.2.22. - gsmtp"
            ),
            "https://support.google.com/mail/contact/gmail_bulk_sender_escalation",
        ),
        (
            (
                "550 5.7.606 Access denied, banned sending IP [192.0.2.22]. "
                "[AM0EUR02FT001.eop-EUR02.prod.protection.outlook.com]"
            ),
            "https://sender.office.com/",
        ),
        (
            (
                "554 IP=192.0.2.254 - A problem occurred. (Ask your postmaster for help or to "
                "contact tosa@rx.t-online.de to clarify.) (BL)"
            ),
            "mailto:tosa@rx.t-online.de",
        ),
    ],
)
def test_the_steps_of_a_provider_come_first_with_its_page(
    reply: str, link: str, language: str
) -> None:
    found = explain.explain(reply, language)
    assert found.provider is not None
    assert found.cause is not None
    steps = texts.provider_steps(found.provider, found.cause, found.family, language)
    assert steps
    assert tuple(fix.step for fix in found.fix[: len(steps)]) == steps
    assert found.fix[0].link == link
    assert {fix.who for fix in found.fix} == {"sender", "operator"}


def test_a_reply_of_an_unknown_server_has_the_general_steps_only() -> None:
    found = explain.explain("550 5.1.1 <ada@example.com>: User unknown")
    assert [f.step for f in found.fix if f.who == "sender"] == list(
        texts.cause("no-such-mailbox").fix_sender
    )


def test_what_is_written_of_a_cause_goes_before_what_is_written_of_its_family() -> None:
    of_cause = texts.provider_steps("microsoft", "listed-by-dnsbl", "ip-blocklisted")
    of_family = texts.provider_steps("microsoft", "listed-by-receiver", "ip-blocklisted")
    assert of_cause
    assert of_family
    assert of_cause != of_family
