"""A message that a program hands in is asked all that a session of submission asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from ulak.accounts.account import Account
from ulak.journal.entry import Kind
from ulak.queue.store import StorageError
from ulak.server.handing import Answered, Handed, HandedIn, Said
from ulak.smtp.offers import Offers
from ulak.suppression.gate import Gate
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.suppressed import Rules, Suppressed

from .dialogue import Loop, Server, kept
from .test_desk import server

ADA = Account("ada@example.org")
TEXT = b"From: ada@example.org\r\nTo: far@example.net\r\nSubject: hi\r\n\r\nhello\r\n"


def hand_in(
    made: Server,
    *recipients: str,
    account: Account = ADA,
    sender: str = "ada@example.org",
    octets: bytes = TEXT,
    key: str = "",
    utf8: bool = False,
) -> Answered:
    handed = Handed(account, "192.0.2.9", sender, recipients, octets, utf8, key, "digest")

    def answer(identifier: str, states: Sequence[Said]) -> str:
        return json.dumps([identifier, *(one.taken for one in states)])

    async def run() -> Answered:
        return await HandedIn(made.site, Offers("submission"), handed).run(answer)

    loop = Loop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def test_a_message_is_taken_and_put_in_order(tmp_path: Path) -> None:
    made = server(tmp_path)
    done = hand_in(made, "far@example.net", "grace hopper@example.org".replace(" ", "."))
    assert done.id == made.store.messages[0].id
    assert [one.taken for one in done.recipients] == [True, False]
    assert done.recipients[1].cause == "no-such-mailbox"
    assert done.recipients[1].recipient == "grace.hopper@example.org"
    assert kept(made)[0].startswith(TEXT.partition(b"\r\n\r\n")[0] + b"\r\nDate: ")
    assert kept(made)[0].endswith(b"\r\n\r\nhello\r\n")
    accepted = next(e for e in made.notes.entries if e.kind is Kind.ACCEPTED)
    assert accepted.message == done.id
    facts = accepted.facts
    assert (facts["account"], facts["ip"], facts["via"]) == ("ada@example.org", "192.0.2.9", "api")
    assert [e.kind for e in made.notes.entries if e.session == accepted.session] == [
        Kind.CONNECTED,
        Kind.REFUSED,
        Kind.ACCEPTED,
        Kind.CLOSED,
    ]
    assert made.site.connections == 0


def test_the_receipt_comes_with_the_message(tmp_path: Path) -> None:
    made = server(tmp_path)
    done = hand_in(made, "far@example.net", "nobody@example.org", key="K")
    receipt = made.store.messages[0].receipt
    assert receipt is not None
    assert (receipt.key, receipt.digest) == ("K", "digest")
    assert json.loads(receipt.answer) == [done.id, True, False]
    assert hand_in(made, "far@example.net").id
    assert made.store.messages[1].receipt is None


def test_who_may_not_send_as_somebody_is_refused(tmp_path: Path) -> None:
    made = server(tmp_path)
    done = hand_in(made, "far@example.net", sender="eve@example.com")
    assert (done.id, done.whole.cause) == ("", "sender-not-owned")
    forged = TEXT.replace(b"From: ada", b"From: grace")
    done = hand_in(made, "far@example.net", octets=forged)
    assert (done.id, done.whole.cause) == ("", "from-not-owned")
    assert done.whole.reply.startswith("550 5.7.1 ")
    assert not made.store.messages


def test_recipients_that_are_all_refused_are_told_one_by_one(tmp_path: Path) -> None:
    made = server(tmp_path)
    many = [f"nobody{n}@example.org" for n in range(60)]
    done = hand_in(made, *many)
    assert done.id == ""
    assert {one.cause for one in done.recipients} == {"no-such-mailbox"}
    assert len(done.recipients) == 60, "a program is not sent away for its errors"


def test_the_suppression_list_holds_for_programs_too(tmp_path: Path) -> None:
    made = server(tmp_path)
    store = SqliteSuppressions(tmp_path / "suppressions.db")
    store.add(Suppressed("far@example.net", since=1.0))
    made.site.gate = Gate(
        store, store, Rules(), local=made.site.directory.local, clock=made.site.clock, incident=str
    )
    done = hand_in(made, "far@example.net", "near@example.net")
    assert [one.cause for one in done.recipients] == ["on-suppression-list", ""]
    assert done.id


def test_what_cannot_be_stored_is_refused_for_now(tmp_path: Path) -> None:
    made = server(tmp_path)
    made.store.error = StorageError("The disk is gone.")
    done = hand_in(made, "far@example.net")
    assert (done.id, done.whole.cause) == ("", "storage-failed")
    assert done.whole.reply.startswith("451")


def test_a_large_message_goes_through_a_file(tmp_path: Path) -> None:
    made = server(tmp_path)
    large = TEXT + b"x" * 76 * 20_000 + b"\r\n"
    lines = TEXT + b"\r\n".join([b"x" * 76] * 20_000) + b"\r\n"
    assert hand_in(made, "far@example.net", octets=lines).id
    assert made.store.messages[0].body.path is not None
    assert hand_in(made, "far@example.net", octets=large).whole.cause


def test_the_number_of_messages_is_limited(tmp_path: Path) -> None:
    made = server(tmp_path)
    account = Account("ada@example.org", messages_per_hour=1)

    async def nothing() -> None:
        await asyncio.sleep(0)

    assert made.desk is not None
    if made.desk.purser is None:
        return
    assert hand_in(made, "far@example.net", account=account).id
    done = hand_in(made, "far@example.net", account=account)
    assert (done.id, done.whole.cause) == ("", "account-messages")
