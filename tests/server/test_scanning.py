"""Mail that is shown to scanners: refused, put off, put apart, marked, and never lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ulak.checks.reason import because, unpacked
from ulak.checks.scanner import Added, Asked, Finding, Result, failed
from ulak.journal.entry import Kind
from ulak.journal.memory import MemoryJournal
from ulak.journal.printed import printed
from ulak.journal.story import tell
from ulak.policy.content import Action, Rules, Scores
from ulak.queue.item import Body
from ulak.server.scanners.clamd import Clamd
from ulak.server.scanners.exchange import Place
from ulak.server.scanners.scanner import Program, Scanner
from ulak.server.scanners.scanners import Engaged, Scanners
from ulak.server.site import Rules as SiteRules
from ulak.smtp.offers import Offers

from .dialogue import Client, Server

MAIL = b"From: a@example.net\r\nX-Spam-Flag: YES\r\nX-Spam-Status: No, score=-99\r\n\r\nhello\r\n"
STRANGERS = frozenset({"strangers"})


class Said:
    """A program that always says the same, and remembers what it was shown."""

    def __init__(self, finding: Finding | BaseException) -> None:
        self.name = self.kind = finding.kind if isinstance(finding, Finding) else "clamd"
        self.finding = finding
        self.seen: list[tuple[bytes, Asked]] = []

    async def ask(self, body: Body, asked: Asked) -> Finding:
        await asyncio.sleep(0)
        octets = body.data if body.path is None else body.path.read_bytes()
        self.seen.append((octets or b"", asked))
        if isinstance(self.finding, BaseException):
            raise self.finding
        return self.finding

    async def health(self) -> str:
        return "well"


def of_rspamd(result: Result, score: float = 1.0, **more: Any) -> Finding:
    reason = because("scanner.said", scanner="rspamd", said="x")
    return Finding("rspamd", "rspamd", result, score, 15.0, reasons=(reason,), **more)


CLEAN = of_rspamd(Result.CLEAN)
VIRUS = Finding("clamd", "clamd", Result.VIRUS, signature="Eicar")
DOWN = failed("rspamd", "rspamd", because("scanner.closed", scanner="rspamd"))


def server(
    folder: Path,
    *programs: Program,
    rules: Rules | None = None,
    whose: frozenset[str] = STRANGERS,
    **more: Any,
) -> Server:
    engaged = [
        Engaged(
            Scanner(one, timeout=5.0, max_size=10**6, connections=2, clock=lambda: 0.0),
            rules or Rules(),
            whose,
        )
        for one in programs
    ]
    return Server(folder, scanners=Scanners(engaged), **more)


async def send(client: Client, mail: bytes = MAIL, helo: str = "EHLO mail.example.net") -> str:
    await client.ask(helo, "MAIL FROM:<a@example.net>", "RCPT TO:<ada@example.org>", "DATA")
    await client.send(mail + b".\r\n")
    return client.take()[-1]


def checked(made: Server) -> list[Any]:
    return [entry for entry in made.notes.entries if entry.kind is Kind.CHECKED]


def test_clean_mail_is_taken_and_says_so_and_forged_fields_are_gone(tmp_path: Path) -> None:
    program = Said(CLEAN)
    made = server(tmp_path, program)
    assert made.play(send).startswith("250 2.0.0 ")
    (body,) = made.store.bodies
    assert body.startswith(b"X-Spam-Status: No, score=1.00 required=15.00 tests=[]\r\n")
    assert body.count(b"X-Spam-Status") == 1
    assert b"X-Spam-Flag" not in body
    assert body.endswith(b"\r\nFrom: a@example.net\r\n\r\nhello\r\n")
    assert made.store.messages[0].body.size == len(body)


def test_a_scanner_is_told_who_brought_the_message(tmp_path: Path) -> None:
    program = Said(CLEAN)
    server(tmp_path, program).play(send)
    ((octets, asked),) = program.seen
    assert octets.startswith(b"Received: ")
    assert octets.endswith(MAIL)
    assert asked == Asked(
        "id2",
        len(octets),
        "a@example.net",
        ("ada@example.org",),
        ip="192.0.2.9",
        helo="mail.example.net",
    )


@pytest.mark.parametrize(
    ("finding", "reply", "cause"),
    [
        (of_rspamd(Result.SPAM, 20.0), "550 5.7.1 ", "spam-found"),
        (VIRUS, "550 5.7.1 ", "virus-found"),
        (of_rspamd(Result.LATER), "451 4.7.1 ", "put-off-by-scanner"),
        (DOWN, "451 4.7.1 ", "scan-failed"),
    ],
)
def test_what_is_not_taken_is_not_kept_and_the_journal_knows_why(
    tmp_path: Path, finding: Finding, reply: str, cause: str
) -> None:
    made = server(tmp_path, Said(finding))
    assert made.play(send).startswith(reply)
    assert not made.store.bodies
    assert not list(tmp_path.iterdir())
    refusal = made.notes.entries[-2]
    assert (refusal.kind, refusal.cause) == (Kind.REFUSED, cause)
    (entry,) = checked(made)
    assert entry.message == refusal.message
    assert entry.session == refusal.session
    assert entry.facts["result"] == finding.result
    assert unpacked(entry.facts.get("reasons", "[]")) == finding.reasons


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            [
                "rspamd looked at the message: suspect (score 1.00 of 15.00).",
                "rspamd would have the sender told: “x”.",
                "clamd looked at the message: virus (Eicar).",
                "The message has something harmful in it",
            ],
        ),
        (
            "tr",
            [
                "rspamd iletiye baktı; sonuç: suspect (puan 1.00, sınır 15.00).",
                "rspamd gönderene şunun söylenmesini istiyor: “x”.",
                "clamd iletiye baktı; sonuç: virus (Eicar).",
                "İletide zararlı bir şey var",
            ],
        ),
    ],
)
def test_the_story_tells_every_step_in_the_readers_language(
    tmp_path: Path, language: str, told: list[str]
) -> None:
    made = server(tmp_path, Said(of_rspamd(Result.SUSPECT)), Said(VIRUS))
    made.play(send)
    journal = MemoryJournal()
    for entry in made.notes.entries:
        journal.write(entry)
    (identifier,) = {entry.message for entry in made.notes.entries if entry.message}
    found = journal.trace(identifier)
    assert found is not None
    text = " ".join(printed(tell(found, language), 1000).split())
    for sentence in told:
        assert sentence in text


def test_one_refusal_of_many_scanners_is_enough_and_all_are_noted(tmp_path: Path) -> None:
    made = server(tmp_path, Said(CLEAN), Said(VIRUS), Said(DOWN))
    assert "Eicar" in made.play(send)
    assert [entry.facts["result"] for entry in checked(made)] == ["clean", "virus", "failed"]


def test_what_is_put_apart_is_taken_with_its_cause(tmp_path: Path) -> None:
    made = server(tmp_path, Said(VIRUS), rules=Rules(virus=Action.QUARANTINE))
    assert made.play(send).startswith("250 ")
    assert made.store.messages[0].envelope.wishes.quarantine == "virus-found"
    body = made.store.bodies[0]
    assert body.startswith(b"Ulak-Quarantine: virus-found\r\n")
    assert b"X-Virus-Status: Infected (Eicar)\r\n" in body


def test_what_could_not_be_scanned_and_is_taken_says_so(tmp_path: Path) -> None:
    made = server(tmp_path, Said(DOWN), rules=Rules(failed=Action.NONE))
    assert made.play(send).startswith("250 ")
    assert made.store.bodies[0].startswith(b"X-Spam-Status: Unknown, rspamd=failed\r\n")
    assert made.store.messages[0].envelope.wishes.quarantine == ""


def test_a_message_in_a_file_is_shown_and_marked_whole(tmp_path: Path) -> None:
    program = Said(of_rspamd(Result.SUSPECT, 7.0, add=(Added("X-Bar", "+"),)))
    rules = replace(SiteRules("mx.example.org"), body_threshold=1000)
    made = server(tmp_path, program, rules=None)
    made = Server(tmp_path, rules=rules, scanners=made.scanners)
    mail = MAIL + b"0123456789abcde\r\n" * 20_000
    assert made.play(lambda client: send(client, mail)).startswith("250 ")
    ((octets, asked),) = program.seen
    assert octets.endswith(mail)
    assert asked.size == len(octets)
    (body,) = made.store.bodies
    assert made.store.messages[0].body.path is not None
    assert made.store.messages[0].body.size == len(body)
    assert body.startswith(b"X-Spam-Status: Yes, score=7.00 ")
    assert body.count(b"X-Spam-Flag: YES") == 1
    assert b"X-Bar: +\r\n" in body
    assert body.endswith(b"\r\nhello\r\n" + b"0123456789abcde\r\n" * 20_000)


def test_an_error_of_ours_while_scanning_is_an_incident_and_nothing_is_lost(tmp_path: Path) -> None:
    made = server(tmp_path, Said(CLEAN), Said(OSError("no such file")))
    assert made.play(send) == ("451 4.3.0 Something failed here, try again later (incident INC1)")
    assert not made.store.bodies
    assert str(made.incidents[0][0]) == "no such file"


def test_a_scanner_that_is_really_down_puts_mail_off(tmp_path: Path) -> None:
    made = server(tmp_path, Clamd("clamd", Place(path=str(tmp_path / "none"))))
    assert made.play(send).startswith("451 4.7.1 The message could not be scanned")
    (entry,) = checked(made)
    (reason,) = unpacked(entry.facts["reasons"])
    assert reason.key == "scanner.unreachable"


@pytest.mark.parametrize(
    ("whose", "kind", "peer", "seen"),
    [
        ("strangers", "mx", "192.0.2.9", True),
        ("strangers", "mx", "198.51.100.9", False),
        ("networks", "mx", "198.51.100.9", True),
        ("networks", "mx", "192.0.2.9", False),
        ("lmtp", "lmtp", "192.0.2.9", True),
        ("strangers", "lmtp", "192.0.2.9", False),
        ("accounts", "submission", "192.0.2.9", True),
        ("strangers", "submission", "192.0.2.9", False),
    ],
)
def test_whose_mail_is_scanned_is_for_the_configuration_to_say(
    tmp_path: Path, whose: str, kind: str, peer: str, *, seen: bool
) -> None:
    program = Said(of_rspamd(Result.SPAM, 20.0))
    rules = SiteRules("mx.example.org", relay=(ip_network("198.51.100.0/24"),))
    made = server(tmp_path, program, whose=frozenset({whose}))
    made = Server(
        tmp_path, rules=rules, scanners=made.scanners, offers=Offers(kind=kind, needs_login=False)
    )
    helo = "LHLO x" if kind == "lmtp" else "EHLO x"
    answer = made.play(lambda client: send(client, helo=helo), peer)
    assert answer.startswith("550 5.7.1" if seen else "250 2.")
    assert bool(program.seen) is seen
    if not seen:  # and nothing is touched
        assert made.store.bodies[0].endswith(MAIL)


def test_scores_of_the_configuration_decide(tmp_path: Path) -> None:
    rules = Rules(scores=Scores(refuse=5.0))
    made = server(tmp_path, Said(of_rspamd(Result.SUSPECT, 6.0)), rules=rules)
    assert made.play(send).startswith("550 5.7.1 The message was judged to be spam")


def test_a_refused_message_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    program = Said(VIRUS)
    made = server(tmp_path, program)

    async def talk(client: Client) -> list[str]:
        answers = [await send(client)]
        program.finding = CLEAN
        answers.append(await send(client, helo="NOOP"))
        return answers

    first, second = made.play(talk)
    assert first.startswith("550 ")
    assert second.startswith("250 ")
    assert len(made.store.bodies) == 1
