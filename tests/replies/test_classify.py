"""A reply is led back to its cause: by the catalog's own words, else by its codes."""

from __future__ import annotations

from string import Formatter
from typing import Any, cast

import pytest

from ulak.replies.catalog import CATALOG, Action, Cause
from ulak.replies.classify import Classified, classify
from ulak.replies.parse import parse

FACTS = {
    "address": "ada@example.org",
    "sender": "grace@example.net",
    "hostname": "mx.example.org",
    "host": "mx.example.net [192.0.2.9]:25",
    "client": "client.example.net",
    "ip": "2001:db8::1",
    "zone": "zen.spamhaus.org",
    "domain": "example.org",
    "problem": "it is: quite (wrong)",
    "last": "451 4.3.0 later; really",
    "said": "550 no: not here",
}
# The same words as mailbox-verified, which comes first.
TWINS = {"list-expanded": "mailbox-verified"}


def facts_of(row: Cause) -> dict[str, str]:
    names = [name for _, name, _, _ in Formatter().parse(row.words) if name]
    return {name: FACTS.get(name, "17") for name in names}


@pytest.mark.parametrize("row", CATALOG.values(), ids=CATALOG)
def test_every_row_is_known_by_its_own_words_on_the_wire(row: Cause) -> None:
    facts = facts_of(row)
    for code in (row.code, *row.codes):
        parsed = parse(row.reply(code=code, **cast("dict[str, Any]", facts)).to_wire().decode())
        got = classify(code, parsed.enhanced, parsed.text)
        assert got == Classified(TWINS.get(row.name, row.name), "text", facts)


@pytest.mark.parametrize("row", CATALOG.values(), ids=CATALOG)
def test_words_that_say_enough_need_no_code(row: Cause) -> None:
    words = row.reply(**cast("dict[str, Any]", facts_of(row))).text
    got = classify(None, None, words)
    short = len(row.words) - sum(len(name) + 2 for name in facts_of(row)) < 12
    assert (got.cause, got.decided_by) == (("", "none") if short else (row.name, "text"))


def test_the_same_words_under_another_code_are_another_server_s() -> None:
    said = "The message has no From header field"
    assert classify(554, "5.6.0", said).cause == "missing-from"
    assert classify(550, "5.1.1", said).cause != "missing-from"
    assert classify(554, "4.6.0", said).cause != "missing-from"


@pytest.mark.parametrize(
    ("code", "enhanced", "cause", "decided_by"),
    [
        (550, "5.1.1", "no-such-mailbox", "enhanced"),
        (550, "5.1.10", "null-mx", "enhanced"),
        (552, "5.2.2", "mailbox-full", "enhanced"),
        (452, "4.2.2", "mailbox-full", "enhanced"),
        (554, "5.7.1", "policy-refused", "enhanced"),
        (451, "4.7.1", "policy-deferred", "enhanced"),
        (421, "4.7.0", "policy-deferred", "enhanced"),
        (421, "4.4.2", "timed-out", "enhanced"),
        (451, "4.4.2", "connection-lost", "enhanced"),
        (550, "5.4.1", "remote-refused", "code"),
        (550, "4.1.1", "no-such-mailbox", "enhanced"),
        (None, "5.1.1", "no-such-mailbox", "enhanced"),
        (None, "4.9.9", "remote-deferred", "code"),
        (250, "2.0.0", "remote-accepted", "code"),
        (250, "2.1.5", "recipient-ok", "enhanced"),
        (550, None, "remote-refused", "code"),
        (554, None, "remote-refused", "code"),
        (451, None, "remote-deferred", "code"),
        (599, "5.99.99", "remote-refused", "code"),
        (252, None, "vrfy-withheld", "code"),
        (354, None, "start-data", "code"),
        (556, None, "null-mx", "code"),
        (None, None, "", "none"),
    ],
)
def test_other_words_are_judged_by_their_codes(
    code: int | None, enhanced: str | None, cause: str, decided_by: str
) -> None:
    assert classify(code, enhanced, "as you like") == Classified(cause, decided_by)


def test_a_failure_is_never_taken_for_a_success() -> None:
    for code in range(400, 600):
        for enhanced in (
            None,
            *(f"{c}.{s}.{d}" for c in (2, 4, 5) for s in range(8) for d in range(31)),
        ):
            row = CATALOG[classify(code, enhanced, "").cause]
            assert row.code >= 400
            assert row.action is not Action.NONE or row.code >= 500
