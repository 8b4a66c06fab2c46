"""An explanation says what it knows, on what it rests, and what to do."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ulak
from ulak.replies import texts
from ulak.replies.catalog import CATALOG, Action
from ulak.replies.explain import explain

LISTED = "554 5.7.1 No mail is taken from 192.0.2.1: it is listed by zen.spamhaus.org (127.0.0.2)"
FAMILIES = {
    "accepted", "verification-withheld", "recipient-unknown", "recipient-moved",
    "recipient-disabled", "recipient-refuses", "mailbox-full", "domain-unknown", "sender-unknown",
    "sender-refused", "ip-blocklisted", "domain-blocklisted", "low-reputation", "reverse-dns",
    "helo-refused", "spf-fail", "dkim-fail", "dmarc-fail", "unauthenticated", "spam-content",
    "virus", "content-refused", "malformed-message", "message-too-large", "too-many-recipients",
    "rate-limited", "greylisted", "relay-denied", "auth-required", "tls-required",
    "protocol-error", "system-full", "system-error", "connection-failed", "dns-failure",
    "routing-loop", "expired", "policy", "suppressed", "unknown",
}  # fmt: skip
KEYS = [
    "input", "reply", "cause", "family", "permanence", "decided_by", "rule", "provider", "facts",
    "title", "means", "seen_when", "fix", "sender_action", "links", "checks",
]  # fmt: skip


def test_a_reply_of_ours_is_explained_with_its_facts() -> None:
    told = explain(LISTED).to_json()
    assert list(told) == KEYS
    assert told["input"] == LISTED
    assert told["reply"] == {"code": 554, "enhanced": "5.7.1", "text": LISTED[10:]}
    assert (told["cause"], told["family"]) == ("listed-by-dnsbl", "ip-blocklisted")
    assert (told["decided_by"], told["rule"]) == ("text", "catalog:listed-by-dnsbl")
    assert (told["permanence"], told["sender_action"]) == ("permanent", "stop")
    assert told["facts"] == {
        "ip": "192.0.2.1",
        "zone": "zen.spamhaus.org",
        "reason": "127.0.0.2",
        "list": "spamhaus",
    }
    assert "192.0.2.1" in told["means"]
    linked = [fix for fix in told["fix"] if fix["link"]]
    assert [fix["link"] for fix in linked] == ["https://check.spamhaus.org/"]
    # 127.0.0.2 is the SBL, from which only the provider is heard.
    assert "the provider that is responsible for 192.0.2.1" in linked[0]["step"]
    assert told["links"][0] == "https://check.spamhaus.org/"
    assert (told["provider"], told["checks"]) == (None, [])


def test_a_list_that_is_not_well_known_has_no_link() -> None:
    told = explain(LISTED.replace("zen.spamhaus.org", "bl.evilspamhaus.org"))
    assert "list" not in told.facts
    assert all(fix.link is None for fix in told.fix)


def test_turkish_is_told_in_turkish() -> None:
    told = explain(LISTED, lang="tr_TR.UTF-8")
    assert told.language == "tr"
    assert told.title == "Gönderen IP adresi bir engelleme listesinde"


@pytest.mark.parametrize("name", CATALOG)
def test_every_cause_has_a_family_of_the_interface_and_a_permanence(name: str) -> None:
    row = CATALOG[name]
    assert row.family in FAMILIES
    for code in (row.code, *row.codes):
        told = explain(str(row.reply(code=code)) if "{" not in row.words else f"{code} x")
        assert told.permanence in ("permanent", "temporary", "success")


@pytest.mark.parametrize(
    ("text", "cause", "family", "permanence", "action", "decided_by"),
    [
        ("552 5.2.2 x", "mailbox-full", "mailbox-full", "temporary", "retry", "enhanced"),
        ("450 4.1.1 x", "no-such-mailbox", "recipient-unknown", "temporary", "retry", "enhanced"),
        ("550 hm", "remote-refused", "unknown", "permanent", "stop", "code"),
        ("450 later", "remote-deferred", "unknown", "temporary", "retry", "code"),
        ("250 OK", "remote-accepted", "accepted", "success", "none", "code"),
        ("354 go on", "start-data", "accepted", "success", "none", "code"),
        ("252 maybe", "vrfy-withheld", "verification-withheld", "success", "none", "code"),
        ("502 no", "not-implemented", "protocol-error", "permanent", "none", "code"),
        ("Ne kadar güzel", None, "unknown", "unclear", "none", "none"),
        ("", None, "unknown", "unclear", "none", "none"),
    ],
)  # fmt: skip
def test_other_servers_replies_are_judged_by_what_they_show(
    text: str, cause: str | None, family: str, permanence: str, action: str, decided_by: str
) -> None:
    told = explain(text)
    assert (told.cause, told.family, told.permanence) == (cause, family, permanence)
    assert (told.sender_action, told.decided_by) == (action, decided_by)


def test_an_answer_that_rests_on_the_code_alone_has_the_words_of_the_code() -> None:
    told = explain("550 hm")
    written = texts.code(550)
    assert written
    assert (told.title, told.means) == (written.name, written.means)
    assert told.rule == "code:550"


@given(st.text(max_size=300), st.sampled_from(texts.languages()))
def test_whatever_is_asked_has_an_answer_and_a_page(text: str, language: str) -> None:
    told = explain(text, language)
    found = json.loads(json.dumps(told.to_json()))
    assert list(found) == KEYS
    assert found["family"] in FAMILIES
    assert found["sender_action"] in {action.value for action in Action}
    assert (found["cause"] is None) == (found["decided_by"] == "none")
    assert found["title"]
    assert {fix["who"] for fix in found["fix"]} == {"sender", "operator"}
    assert told.to_document().title == told.title


def test_the_library_is_one_name_away_and_imports_nothing_before() -> None:
    program = (
        "import sys, ulak; quick = 'ulak.replies' not in sys.modules;"
        "print(quick, ulak.explain('550 5.1.1 x', lang='tr').title)"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], capture_output=True, check=True
    )
    assert done.stdout.decode() == "True Böyle bir posta kutusu yok\n"
    assert ulak.compare("252", "554").a.key == "252"
    assert ulak.dns.Zone({}) is not None
    assert ulak.checks.__getattr__("dmarc").check is not None
    with pytest.raises(AttributeError):
        ulak.checks.__getattr__("nonsense")
    with pytest.raises(AttributeError):
        ulak.__getattr__("nonsense")


@pytest.mark.parametrize(
    ("text", "cause", "facts"),
    [
        (
            "550 https://www.spamhaus.org/query/ip/192.0.2.9",
            "listed-by-dnsbl",
            {"list": "spamhaus", "ip": "192.0.2.9"},
        ),
        (
            "554 5.7.1 Client host [192.0.2.9] blocked using zen.spamhaus.org",
            "listed-by-dnsbl",
            {"list": "spamhaus", "ip": "192.0.2.9", "zone": "zen.spamhaus.org"},
        ),
        ("550 5.7.1 www.example.org is in SURBL", "domain-listed", {"list": "surbl"}),
    ],
)
def test_a_refusal_that_names_a_list_is_a_listing_whatever_its_other_words(
    text: str, cause: str, facts: dict[str, str]
) -> None:
    told = explain(text)
    assert (told.cause, told.decided_by) == (cause, "text")
    assert facts.items() <= told.facts.items()


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_step_that_speaks_of_the_list_has_its_page(language: str) -> None:
    told = explain("554 5.7.1 Client host [192.0.2.9] blocked by SpamCop", language)
    linked = [fix.step for fix in told.fix if fix.link is not None]
    assert len(linked) == 1
    assert told.links[0] == "https://www.spamcop.net/bl.shtml"


def test_a_success_that_names_a_list_is_none() -> None:
    assert explain("250 2.0.0 queued, not in zen.spamhaus.org").family == "accepted"
