"""Stories read well in every language, say where a message stands, and are harmless to print.

The texts in `stories/` are what `ulak why` would print. When a change of them is meant, read the
new ones after `ULAK_WRITE_STORIES=1 pytest tests/journal/test_story.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.accounts.denied import Why
from ulak.checks.reason import Reason, because, packed
from ulak.journal.entry import Entry, Kind
from ulak.journal.memory import MemoryJournal
from ulak.journal.printed import printed
from ulak.journal.standing import Stand, standings
from ulak.journal.story import Story, moment, tell, to_dict
from ulak.journal.trace import Trace, What
from ulak.journal.words import words
from ulak.replies import catalog, texts

STORIES = Path(__file__).parent / "stories"
START = 1_778_000_000.0
SESSION, MESSAGE, REPORT = "01k5v9x3z7session", "01k5v9x40amessage", "01k5ve7k2bareport"
REMOTE = "mx.example.net [192.0.2.8]:25"
MORE_OF_IT = {"sender": "ada@example.org", "ip": "192.0.2.10"}


class Day:
    """Writes the entries of a day, as the rooms do."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()

    def note(self, after: float, kind: Kind, cause: str = "", **more: object) -> None:
        entry = Entry(START + after, kind, cause, **more)  # type: ignore[arg-type] # its own names
        self.journal.write(entry)

    def accept(self, recipients: str = "grace@example.net") -> None:
        facts = {"ip": "192.0.2.10", "listener": "mx", "tls": "TLSv1.3"}
        self.note(0, Kind.CONNECTED, session=SESSION, facts=facts)
        reply = catalog.MESSAGE_QUEUED.reply(id=MESSAGE)
        facts = MORE_OF_IT | {"recipients": recipients, "size": "10240", "reply": str(reply)}
        self.note(0.2, Kind.ACCEPTED, reply.cause, session=SESSION, message=MESSAGE, facts=facts)
        facts = {"ip": "192.0.2.10", "accepted": "1", "refused": "0"}
        self.note(0.3, Kind.CLOSED, session=SESSION, facts=facts)

    def fail(self, after: float, kind: Kind, reply: str, cause: str, **facts: str) -> None:
        dialogue = (
            "S: 220 mx.example.net ESMTP",
            "C: EHLO mx.example.org",
            "S: 250 mx.example.net",
            "C: MAIL FROM:<ada@example.org>",
            "S: 250 2.1.0 Ok",
            "C: RCPT TO:<grace@example.net>",
            f"S: {reply}",
        )
        known = {
            "recipient": "grace@example.net",
            "host": REMOTE,
            "remote": "yes",
            "reply": reply,
            **facts,
        }
        self.note(after, kind, cause, message=MESSAGE, facts=known, dialogue=dialogue)

    def story(self, identifier: str, language: str = "en") -> Story:
        found = self.journal.trace(identifier)
        assert found is not None
        return tell(found, language)


def deferred_then_delivered() -> Day:
    day = Day()
    day.accept()
    day.fail(
        1,
        Kind.DEFERRED,
        "451 4.7.1 Greylisted, please come back later",
        "remote-deferred",
        said="Greylisted, please come back later",
        due=str(START + 900),
    )
    facts = {
        "recipient": "grace@example.net",
        "host": REMOTE,
        "remote": "yes",
        "reply": "250 2.0.0 Ok: queued as 7",
        "attempt": "2",
        "tls": "TLSv1.3",
    }
    day.note(901, Kind.DELIVERED, "delivered", message=MESSAGE, facts=facts)
    return day


def bounced() -> Day:
    day = Day()
    day.accept("grace@example.net alan@example.org")
    facts = {"recipient": "alan@example.org", "where": "the mailbox of alan@example.org"}
    day.note(1, Kind.DELIVERED, "delivered", message=MESSAGE, facts=facts)
    day.fail(
        2,
        Kind.FAILED,
        "550 5.1.1 <grace@example.net>: no such user",
        "no-such-mailbox",
        address="grace@example.net",
    )
    facts = {
        "report": REPORT,
        "to": "ada@example.org",
        "recipients": "grace@example.net",
        "action": "failed",
    }
    day.note(2, Kind.REPORTED, message=MESSAGE, facts=facts)
    facts = {"report-for": MESSAGE, "sender": "", "recipients": "ada@example.org"}
    day.note(2, Kind.ACCEPTED, "message-queued", message=REPORT, facts=facts)
    facts = {"recipient": "ada@example.org", "where": "the mailbox of ada@example.org"}
    day.note(3, Kind.DELIVERED, "delivered", message=REPORT, facts=facts)
    return day


def refused() -> Day:
    day = Day()
    facts = {"ip": "192.0.2.10", "listener": "mx"}
    day.note(0, Kind.CONNECTED, session=SESSION, facts=facts)
    unknown = catalog.NO_SUCH_MAILBOX.reply(address="nobody@example.org")
    day.note(
        1, Kind.REFUSED, unknown.cause, session=SESSION, facts={**unknown.facts, "ip": "192.0.2.10"}
    )
    reply = catalog.SEVERAL_FROM.reply(count=2)
    facts = MORE_OF_IT | {"recipients": "grace@example.org", "reply": str(reply), "count": "2"}
    day.note(2, Kind.REFUSED, reply.cause, session=SESSION, message=MESSAGE, facts=facts)
    facts = {"ip": "192.0.2.10", "accepted": "0", "refused": "2"}
    day.note(3, Kind.CLOSED, session=SESSION, facts=facts)
    return day


def asked_for() -> Day:
    """A sender asked to hear of success, and of no failure at one address."""
    day = Day()
    day.accept("grace@example.net alan@example.org team@example.org bob@example.net")
    facts = {"recipient": "team@example.org"}
    day.note(1, Kind.DELIVERED, "expanded", message=MESSAGE, facts=facts)
    facts = {"recipient": "alan@example.org", "where": "the mailbox of alan@example.org"}
    day.note(1, Kind.DELIVERED, "delivered", message=MESSAGE, facts=facts)
    facts = {
        "recipient": "grace@example.net",
        "host": REMOTE,
        "remote": "yes",
        "reply": "250 2.0.0 Ok: queued as 7",
        "dsn": "not-offered",
    }
    day.note(2, Kind.DELIVERED, "delivered", message=MESSAGE, facts=facts)
    reply = "550 5.1.1 <bob@example.net>: no such user"
    known = {"recipient": "bob@example.net", "unreported": "not-asked-for"}
    day.fail(2, Kind.FAILED, reply, "no-such-mailbox", **known)
    for action, recipient in (
        ("delivered", "alan@example.org"),
        ("relayed", "grace@example.net"),
        ("expanded", "team@example.org"),
    ):
        facts = {
            "report": f"{REPORT}-{action}",
            "to": "ada@example.org",
            "recipients": recipient,
            "action": action,
        }
        day.note(3, Kind.REPORTED, message=MESSAGE, facts=facts)
    return day


def checked() -> Day:
    """A message whose author's domain wants forged mail put apart."""
    day = Day()
    day.note(0, Kind.CONNECTED, session=SESSION, facts={"ip": "192.0.2.10", "listener": "mx"})

    def check(name: str, result: str, *reasons: Reason, **facts: str) -> None:
        facts |= {"check": name, "result": result, "reasons": packed(reasons)}
        day.note(0.1, Kind.CHECKED, session=SESSION, message=MESSAGE, facts=facts)

    elsewhere = because(
        "helo.leads-elsewhere", helo="h.example", ip="192.0.2.10", addresses="192.0.2.1"
    )
    check("helo", "neutral", elsewhere, client="h.example", ip="192.0.2.10")
    check(
        "iprev", "permerror", because("iprev.no-name", ip="192.0.2.10", status="nxdomain"),
        ip="192.0.2.10",
    )  # fmt: skip
    record = because("spf.record", domain="example.net", record="v=spf1 mx -all")
    term = {"ip": "192.0.2.10", "domain": "example.net", "term": "-all", "record": "example.net"}
    check("spf", "fail", record, because("spf.fail", **term), domain="example.net", ip=term["ip"])
    signed = because("dkim.signed", domain="example.net", selector="s1")
    check("dkim", "fail", signed, because("dkim.body-differs"), domain="example.net", selector="s1")
    failed = because("dmarc.fail", domain="example.net", policy="quarantine")
    check("dmarc", "fail", failed, domain="example.net", policy="quarantine")
    facts = {"sender": "boss@example.net", "recipients": "ada@example.org", "size": "900"}
    facts["quarantine"] = "dmarc-quarantine"
    day.note(0.2, Kind.ACCEPTED, "message-queued", session=SESSION, message=MESSAGE, facts=facts)
    return day


def secured() -> Day:
    """One message whose recipients' domains want TLS in all the ways there are."""
    day = Day()
    day.accept()
    waiting = {"due": str(int(START + 300)), "recipient": "grace@example.net", "host": REMOTE}
    record = "3 1 1 " + "ab" * 32
    dane = {"tls-policy": "dane", "tlsa-host": "mx.example.net", "tlsa": record}
    sts = {"tls-policy": "mta-sts-enforce", "sts-domain": "example.net", "sts-id": "20261127"}
    trial = sts | {"tls-policy": "mta-sts-testing"}
    wish = {"tls-policy": "destination", "tls-for": "*.example.net", "tls-wish": "encrypt"}
    problem = "its certificate fits none of the TLSA records"
    rows = (catalog.DANE_FAILED, catalog.MTA_STS_FAILED, catalog.MTA_STS_FAILED, catalog.TLS_FAILED)
    told = (dane, sts, sts | {"sts-problem": "HTTP status 500"}, wish)
    for number, (row, facts) in enumerate(zip(rows, told, strict=True)):
        domain = facts.get("tlsa-host") or "example.net"
        reply = row.reply(host=REMOTE, domain=domain, problem=problem)
        known = {**waiting, **reply.facts, "reply": str(reply), **facts}
        day.note(number + 1, Kind.DEFERRED, reply.cause, message=MESSAGE, facts=known)
        problem = "it offers no TLS"
    for number, facts in enumerate(
        (
            dane | {"tls": "TLSv1.3", "tlsa-fit": record},
            {"tls-policy": "dane-unusable", "tlsa-host": "mx.example.net", "tls": "TLSv1.3"},
            sts | {"tls": "TLSv1.3"},
            trial | {"tls": "TLSv1.3"},
            trial | {"tls": "TLSv1.3", "sts-failed": "its certificate is not valid: expired"},
            {"tls-policy": "requiretls", "tls": "TLSv1.3"},
            {"tls-failed": "the connection was closed during the handshake"},
        )
    ):
        known = {"recipient": "grace@example.net", "host": REMOTE, **facts}
        day.note(number + 400, Kind.DELIVERED, "delivered", message=MESSAGE, facts=known)
    return day


def not_let_in() -> Day:
    day = Day()
    day.note(0, Kind.CONNECTED, session=SESSION, facts={"ip": "192.0.2.10", "listener": "mx"})
    known = {"ip": "192.0.2.10", "account": "ada@example.org", "mechanism": "SCRAM-SHA-256"}
    for after, why, row in (
        (1, "wrong-secret", catalog.AUTHENTICATION_FAILED),
        (2, "unknown-name", catalog.AUTHENTICATION_FAILED),
        (3, "shut-out", catalog.AUTHENTICATION_FAILED),
    ):
        facts = known | {"denied": why, "reply": str(row.reply())}
        day.note(after, Kind.REFUSED, row.name, session=SESSION, facts=facts)
    facts = {"ip": "192.0.2.10", "accepted": "0", "refused": "3"}
    day.note(4, Kind.CLOSED, session=SESSION, facts=facts)
    return day


TOLD: dict[str, Callable[[], Day]] = {
    "deferred_then_delivered": deferred_then_delivered,
    "bounced": bounced,
    "refused": refused,
    "asked_for": asked_for,
    "checked": checked,
    "secured": secured,
    "not_let_in": not_let_in,
}


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("name", TOLD)
def test_a_story_reads_as_it_should(name: str, language: str) -> None:
    day = TOLD[name]()
    of = SESSION if name == "not_let_in" else MESSAGE
    text = printed(day.story(of, language))
    place = STORIES / f"{name}.{language}.txt"
    if os.environ.get("ULAK_WRITE_STORIES"):
        place.write_text(text, encoding="utf-8")
    assert text == place.read_text(encoding="utf-8")
    assert not re.search(r"\{[a-z_]+\}|\[[^\]]*\|", text)  # no place was left open


# -- where it stands ----------------------------------------------------------------------------


def test_a_delivered_message_needs_nothing() -> None:
    day = deferred_then_delivered()
    story = day.story(MESSAGE)
    assert story.ending == (words("en")["stands"]["everybody"],)
    assert story.steps == ()


def test_a_waiting_message_says_when_it_is_tried_again_and_how_to_hurry_it() -> None:
    day = Day()
    day.accept()
    assert day.story(MESSAGE).ending == ("grace@example.net: waits for its first attempt.",)
    day.fail(1, Kind.DEFERRED, "451 no", "remote-deferred", due=str(START + 900))
    story = day.story(MESSAGE)
    assert story.ending == (
        "grace@example.net: not delivered yet; the next attempt is due at 2026-05-05 17:08:20.",
    )
    assert f"ulak queue retry {MESSAGE}" in story.steps[-1].step
    assert all(step.who != "operator" for step in story.steps)


def test_from_which_source_a_message_went_is_told_and_why() -> None:
    day = Day()
    day.accept()
    known = {"source": "south", "pool": "usual", "tenant": "shop"}
    day.fail(1, Kind.DEFERRED, "451 no", "remote-deferred", due=str(START + 900), **known)
    stood_in = {"turn": "instead", "turn-of": "north", "turn-why": "warming"}
    day.fail(900, Kind.FAILED, "550 no", "remote-refused", **known, **stood_in)
    story = day.story(MESSAGE)
    first, last = (each.sentence for each in story.happenings[-2:])
    assert "from the source south of the pool usual, as mail of the tenant shop." in first
    assert first.endswith("The next attempt is due at 2026-05-05 17:08:20.")
    assert "south, which stood in for north of the pool usual" in last
    assert last.endswith("north is warming up, and had sent there what its plan has for the day.")
    for language in ("tr", "ar"):
        assert all(
            "south" in each.sentence for each in day.story(MESSAGE, language).happenings[-2:]
        )


def test_a_message_for_later_says_until_when_it_waits_and_how_to_hurry_it() -> None:
    day = Day()
    facts = {"recipients": "grace@example.net", "due": str(START + 3600)}
    day.note(0, Kind.ACCEPTED, "message-queued", message=MESSAGE, facts=facts)
    story = day.story(MESSAGE)
    (accepted,) = story.happenings
    assert "The sender asked that it wait until 2026-05-05 17:53:20." in accepted.sentence
    (standing,) = story.ending
    assert standing.startswith("grace@example.net: waits until 2026-05-05 17:53:20, as the sender")
    assert standing.endswith(f"`ulak queue retry {MESSAGE}` sends it now.")
    facts = {"verb": "retry", "recipient": "grace@example.net"}
    day.note(10, Kind.OPERATED, message=MESSAGE, facts=facts)
    assert day.story(MESSAGE).ending == ("grace@example.net: waits for its first attempt.",)


def test_times_in_sentences_are_those_of_the_zone() -> None:
    day = Day()
    day.accept()
    day.fail(1, Kind.DEFERRED, "451 no", "remote-deferred", due=str(START + 900))
    found = day.journal.trace(MESSAGE)
    assert found is not None
    istanbul = timezone(timedelta(hours=3), "+03")
    story = tell(found, "en", istanbul)
    assert "due at 2026-05-05 20:08:20" in story.ending[0]
    assert "Times are in +03." in printed(story)
    assert to_dict(story)["entries"][0]["time"] == "2026-05-05T16:53:20.000Z"


def test_only_part_of_many_recipients_is_named_and_the_unfinished_first() -> None:
    day = Day()
    many = [f"r{n}@example.net" for n in range(50)]
    day.accept(" ".join([*many[:20], "and 30 more"]))
    for recipient in many[:30]:
        day.note(1, Kind.DELIVERED, message=MESSAGE, facts={"recipient": recipient})
    facts = {"recipient": many[40]}
    day.note(1, Kind.DEFERRED, "remote-deferred", message=MESSAGE, facts=facts)
    ending = day.story(MESSAGE).ending
    assert len(ending) == 21
    assert sum("r40@example.net: not delivered yet, but" in line for line in ending) == 1
    assert ending[-1] == words("en")["stands"]["more"]


def test_the_recipients_that_are_not_named_are_counted_in_the_language_of_the_story() -> None:
    day = Day()
    day.accept("ada@example.net grace@example.net and 30 more")
    for language, said in (("en", "and 30 more"), ("tr", "ve 30 alıcı daha")):
        sentences = [told.sentence for told in day.story(MESSAGE, language).happenings]
        assert any(f"ada@example.net, grace@example.net {said}" in told for told in sentences)


def test_more_recipients_than_are_known_are_not_claimed_to_have_the_message() -> None:
    day = Day()
    day.accept("grace@example.net and 2 more")
    day.note(1, Kind.DELIVERED, message=MESSAGE, facts={"recipient": "grace@example.net"})
    assert day.story(MESSAGE).ending == (
        "grace@example.net: delivered.",
        words("en")["stands"]["more"],
    )


def test_what_an_operator_did_is_followed() -> None:
    day = Day()
    day.accept("a@example.net b@example.net c@example.net d@example.net")
    facts = {"recipient": "a@example.net", "due": "9"}
    day.note(1, Kind.DEFERRED, "remote-deferred", message=MESSAGE, facts=facts)
    day.note(2, Kind.DELIVERED, message=MESSAGE, facts={"recipient": "d@example.net"})

    def after(verb: str, **facts: str) -> list[tuple[str, Stand]]:
        day.note(3, Kind.OPERATED, message=MESSAGE, facts={"verb": verb, **facts})
        told = [s for s in standings(day.journal.entries) if s.recipient[0] in "abd"]
        return [(s.recipient[0], s.stand) for s in told]

    delivered = ("d", Stand.DELIVERED)
    assert after("hold") == [("a", Stand.HELD), ("b", Stand.HELD), delivered]
    assert after("release") == [("a", Stand.DEFERRED), ("b", Stand.WAITING), delivered]
    assert after("drop", recipient="a@example.net")[0] == ("a", Stand.DROPPED)
    assert after("retry") == [("a", Stand.DROPPED), ("b", Stand.WAITING), delivered]
    assert after("bounce") == [("a", Stand.DROPPED), ("b", Stand.FAILED), delivered]
    assert after("dance")[1] == ("b", Stand.FAILED)
    assert after("hold", recipient="d@example.net")[2] == delivered


def test_a_message_whose_beginning_is_gone_is_not_guessed_at() -> None:
    found = Trace(What.MESSAGE, "m", (Entry(START, Kind.ATTEMPT, message="m"),))
    assert tell(found).ending == (words("en")["stands"]["unknown"],)


def test_a_session_is_counted_and_its_missing_end_said() -> None:
    day = refused()
    ending = day.story(SESSION).ending
    assert ending == (
        "Messages accepted in this session: 0. Commands, recipients and messages refused: 2.",
    )
    day.note(-1, Kind.CONNECTED, session="another-session")
    assert day.story("another-session").ending[1] == words("en")["stands"]["session-open"]


def test_a_session_counts_what_was_too_much_to_be_noted() -> None:
    day = Day()
    day.note(1, Kind.REFUSED, "unknown-command", session=SESSION)
    day.note(2, Kind.CLOSED, session=SESSION, facts={"accepted": "3", "refused": "700"})
    assert "accepted in this session: 3." in day.story(SESSION).ending[0]
    assert "refused: 700." in day.story(SESSION).ending[0]


def test_a_message_that_was_put_apart_says_why() -> None:
    day = Day()
    facts = {"recipients": "grace@example.net", "quarantine": "dmarc-quarantine"}
    day.note(0, Kind.ACCEPTED, "message-queued", message=MESSAGE, facts=facts)
    (told,) = day.story(MESSAGE).happenings
    assert "It was put apart (dmarc-quarantine)" in told.sentence


def test_a_listing_and_a_list_that_could_not_be_asked_are_told_apart() -> None:
    day = Day()
    facts = {"check": "dnsbl", "ip": "192.0.2.1", "zone": "bl.example", "result": "listed"}
    facts |= {"reason": "spam seen", "why": "bl.example A: 127.0.0.2"}
    day.note(1, Kind.CHECKED, "listed-by-dnsbl", session=SESSION, facts=facts)
    day.note(2, Kind.CHECKED, session=SESSION, facts=facts | {"result": "could-not-ask"})
    first, second = day.story(SESSION).happenings
    assert first.sentence == "bl.example lists 192.0.2.1 and says: “spam seen”."
    assert second.sentence == (
        "bl.example could not be asked about 192.0.2.1 (bl.example A: 127.0.0.2); "
        "that is no reason to refuse anybody."
    )


def test_the_steps_of_a_check_are_told_in_the_language_of_the_reader() -> None:
    day = Day()
    reasons = packed([because("dnsbl.refuses", zone="bl.example", codes="127.255.255.254")])
    facts = {"check": "dnsbl", "ip": "192.0.2.1", "zone": "bl.example", "result": "could-not-ask"}
    facts |= {"why": "old words", "reasons": reasons}
    day.note(1, Kind.CHECKED, session=SESSION, facts=facts)
    day.note(2, Kind.CHECKED, session=SESSION, facts=facts | {"reasons": "{not written by us"})
    first, second = day.story(SESSION).happenings
    assert first.sentence == (
        "bl.example could not be asked about 192.0.2.1 (bl.example refuses to answer this server "
        "(127.255.255.254)); that is no reason to refuse anybody."
    )
    assert "old words" in second.sentence
    turkish = day.story(SESSION, "tr").happenings[0].sentence
    assert "bl.example bu sunucuya yanıt vermek istemiyor (127.255.255.254)." in turkish


def test_our_own_words_about_a_host_are_not_put_into_its_mouth() -> None:
    day = Day()
    day.accept()
    day.fail(1, Kind.DEFERRED, "451 4.4.2 mx closed the connection", "connection-lost", remote="")
    assert day.story(MESSAGE).happenings[-1].sentence == (
        "The delivery to grace@example.net was put off: “451 4.4.2 mx closed the connection”."
    )
    assert any(step.who == "operator" for step in day.story(MESSAGE).steps)


def test_what_expired_is_told_with_the_cause_of_its_last_attempt() -> None:
    day = Day()
    day.accept()
    facts = {"last-cause": "mailbox-full", "days": "5", "address": "grace@example.net"}
    day.fail(1, Kind.FAILED, "452 4.2.2 mailbox full", "expired", **facts)
    story = day.story(MESSAGE)
    assert "for 5 days" in story.happenings[-1].means
    assert "452 4.2.2 mailbox full" in story.happenings[-1].means
    steps = [step.step for step in story.steps]
    assert any(step in steps for step in texts.cause("mailbox-full").fix_sender)


def test_a_report_that_failed_is_told_to_nobody() -> None:
    day = Day()
    day.accept()
    day.fail(1, Kind.FAILED, "550 no", "remote-refused", unreported="null-reverse-path")
    assert "nobody is told" in day.story(MESSAGE).ending[0]


def test_a_note_about_a_delay_is_no_report_of_a_failure() -> None:
    day = Day()
    day.accept()
    facts = {"report": "report-1", "action": "delayed", "recipients": "grace@example.net"}
    day.fail(1, Kind.FAILED, "550 no", "remote-refused")
    day.note(2, Kind.REPORTED, "remote-deferred", message=MESSAGE, facts=facts)
    story = day.story(MESSAGE)
    assert story.standings[0].report == ""
    assert "late" in story.happenings[-1].sentence


def test_an_incident_shows_its_traceback_and_whom_to_give_it() -> None:
    day = Day()
    facts = {
        "type": "ValueError",
        "place": "ulak/x.py:1 in y",
        "problem": "bad \x1b[31m",
        "traceback": "Traceback:\n  File\nValueError: bad \x1b[31m",
    }
    day.note(1, Kind.INCIDENT, "internal-error", incident="INC123", session=SESSION, facts=facts)
    text = printed(day.story("INC123"))
    assert "An error arose inside this server in ulak/x.py:1 in y (ValueError: bad ?[31m)." in text
    assert "\n                       ValueError: bad \\x1b[31m\n" in text
    assert "send it to the makers of Ulak" in text


def test_the_same_cause_is_explained_once() -> None:
    day = Day()
    day.accept()
    for after in (1, 2, 3):
        day.fail(after, Kind.DEFERRED, "451 no", "remote-deferred", said="no")
    text = printed(day.story(MESSAGE))
    title = texts.cause("remote-deferred").title
    assert text.count(f"Cause: {title} (remote-deferred). ") == 1
    assert text.count(f"Cause: {title} (remote-deferred), as before.") == 2


def test_a_cause_that_is_not_known_any_more_costs_only_its_explanation() -> None:
    day = Day()
    day.accept()
    day.fail(1, Kind.FAILED, "550 no", "cause-of-old")
    story = day.story(MESSAGE)
    assert story.happenings[-1].title == ""
    assert to_dict(story)["entries"][-1]["cause"] == "cause-of-old"


def test_the_dictionary_has_stable_keys() -> None:
    day = bounced()
    told = json.loads(json.dumps(to_dict(day.story(MESSAGE, "tr"))))
    assert list(told) == ["what", "id", "language", "entries", "recipients", "ending", "steps"]
    assert (told["what"], told["id"], told["language"]) == ("message", MESSAGE, "tr")
    failed = told["entries"][4]
    assert list(failed) == [
        "time", "kind", "sentence", "cause", "title", "means", "reasons", "session", "message",
        "incident", "facts", "dialogue",
    ]  # fmt: skip
    assert failed["cause"] == "no-such-mailbox"
    assert failed["dialogue"][-1] == "S: 550 5.1.1 <grace@example.net>: no such user"
    assert told["recipients"] == [
        {
            "recipient": "grace@example.net",
            "stands": "failed",
            "cause": "no-such-mailbox",
            "due": None,
            "report": REPORT,
        },
        {
            "recipient": "alan@example.org",
            "stands": "delivered",
            "cause": "delivered",
            "due": None,
            "report": None,
        },
    ]
    assert {step["who"] for step in told["steps"]} == {"sender"}


@pytest.mark.parametrize("time", ["nan", "inf", "-1", "x", "", "1e400", "999999999999999"])
def test_a_time_that_is_none_is_not_told(time: str) -> None:
    assert moment(time) is None


ANY = st.text(st.characters(), max_size=20)
NAMES = st.sampled_from(
    ["ip", "reply", "host", "recipient", "recipients", "sender", "due", "verb", "report-for",
     "report", "address", "problem", "traceback", "about", "x y"]
)  # fmt: skip


@given(
    st.lists(
        st.builds(
            Entry,
            time=st.floats(),
            kind=st.sampled_from(Kind),
            cause=st.sampled_from(["", "no-such-mailbox", "listed-by-dnsbl", "gone"]),
            session=st.sampled_from(["", "s"]),
            message=st.sampled_from(["", "m", "r"]),
            facts=st.dictionaries(NAMES, ANY, max_size=6),
            dialogue=st.lists(ANY, max_size=2).map(tuple),
        ),
        max_size=6,
    ),
    st.sampled_from(What),
    st.sampled_from(["en", "tr"]),
)
def test_whatever_was_written_is_told_without_harm(
    entries: list[Entry], what: What, language: str
) -> None:
    story = tell(Trace(what, "m", tuple(entries)), language)
    text = printed(story)
    for line in text.split("\n"):
        assert line.isprintable()
    json.dumps(to_dict(story), allow_nan=False)


# -- the words ----------------------------------------------------------------------------------

PLACE = re.compile(r"\{([a-z_]+)\}")


def test_every_kind_of_entry_has_its_sentence() -> None:
    told = words("en")["happened"]
    for kind in Kind:
        assert str(kind) in told or f"{kind}-client" in told
    for stand in Stand:
        assert str(stand) in words("en")["stands"]
    for what in What:
        assert str(what) in words("en")["what"]
    assert {str(why) for why in Why} <= set(words("en")["denied"])


@pytest.mark.parametrize("language", [lang for lang in texts.languages() if lang != "en"])
def test_every_language_has_every_text_with_its_places_and_none_left_in_english(
    language: str,
) -> None:
    english, other = words("en"), words(language)
    assert list(other) == list(english)
    for table, originals in english.items():
        assert list(other[table]) == list(originals)
        for name, original in originals.items():
            translated = other[table][name]
            assert set(PLACE.findall(translated)) == set(PLACE.findall(original)), name
            letters = re.sub(r"\{[a-z_]+\}|[^\w]", "", original)
            assert translated != original or not letters, name


def test_the_sender_as_whom_a_forwarded_message_went_on_is_told() -> None:
    day = Day()
    day.accept()
    made = "SRS0=AAAAAAAA=AB=example.net=ada@example.org"
    for after, srs in ((1, made), (2, "too-long")):
        facts = {"recipient": "grace@example.net", "srs": srs, "reply": "250 OK"}
        day.note(after, Kind.DELIVERED, "delivered", message=MESSAGE, facts=facts)
    sentences = [happening.sentence for happening in day.story(MESSAGE).happenings]
    assert any(made in sentence and "(SRS)" in sentence for sentence in sentences)
    assert any("would have been too long" in sentence for sentence in sentences)


def test_the_names_by_which_recipients_were_reached_are_told() -> None:
    day = Day()
    facts = {"sender": "", "recipients": "ada@example.org", "through": "a@x.example b@x.example"}
    facts |= {"caught": "c@x.example", "returned": "SRS0=d@x.example"}
    day.note(1, Kind.ACCEPTED, "message-queued", message=MESSAGE, facts=facts)
    (sentence,) = [happening.sentence for happening in day.story(MESSAGE).happenings]
    assert "It was written to a@x.example, b@x.example, which led to them." in sentence
    assert "Nobody has the name c@x.example;" in sentence
    assert "SRS0=d@x.example is a sender" in sentence
