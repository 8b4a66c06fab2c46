"""Maildir delivery on a real file system."""

from __future__ import annotations

import asyncio
import errno
import mailbox
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ulak.delivery.maildir import MaildirCarrier, Place, Placing
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import Envelope, RecipientWishes, Wishes
from ulak.queue.item import Body, Message
from ulak.rosters.roster import RosterError

HERE = Target(Way.MAILDIR, "maildir")
TEXT = b"Received: from a\r\n\tby b\r\nFrom: g@example.net\r\nSubject: hi\r\n\r\nline\r\n.dot\r\n"


def message(data: bytes = TEXT, sender: str = "g@example.net", received: float = 1000.0) -> Message:
    envelope = Envelope(sender, ("ada@example.org",))
    return Message("M1", envelope, Body(len(data), data), received)


def deliver(
    root: Path,
    *recipients: str,
    what: Message | None = None,
    now: float = 1001.0,
    placing: Placing | None = None,
) -> list[Outcome]:
    async def main() -> list[Outcome]:
        clock = iter([900.0, now])  # the start, then the delivery
        carrier = MaildirCarrier(root, "mx.example.org", lambda: next(clock), placing)
        try:
            return await carrier.carry(what or message(), recipients, HERE)
        finally:
            await carrier.close()

    return asyncio.run(main())


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_a_message_lands_in_new_with_its_return_path_on_top_and_lf_line_ends(
    tmp_path: Path,
) -> None:
    (outcome,) = deliver(tmp_path, "ada@example.org")
    assert outcome.result is Result.DELIVERED
    (file,) = files(tmp_path)
    assert file.parent == tmp_path / "example.org" / "ada" / "new"
    assert file.read_bytes() == (
        b"Return-Path: <g@example.net>\nDelivered-To: ada@example.org\n"
        + TEXT.replace(b"\r\n", b"\n")
    )
    assert {p.name for p in file.parent.parent.iterdir()} == {"tmp", "new", "cur"}


@pytest.mark.parametrize("large", [False, True])
def test_a_binary_message_is_kept_octet_by_octet(tmp_path: Path, *, large: bool) -> None:
    header = b"Return-Path: <x@example.com>\r\nDelivered-To: b@example.org\r\nFrom: g@a\r\n"
    body = b"\r\n" + bytes(range(256)) + b"\r\n\n\r.\r" * (600_000 if large else 1)
    data = header + body
    kept = Body(len(data), data)
    if large:
        (tmp_path / "body").write_bytes(data)
        kept = Body(len(data), path=tmp_path / "body")
    envelope = Envelope("g@a", ("ada@example.org",), body="BINARYMIME")
    (outcome,) = deliver(
        tmp_path / "mail", "ada@example.org", what=Message("M1", envelope, kept, 1000.0)
    )
    assert outcome.result is Result.DELIVERED
    assert files(tmp_path / "mail")[0].read_bytes() == (
        b"Return-Path: <g@a>\r\nDelivered-To: ada@example.org\r\n"
        b"Delivered-To: b@example.org\r\nFrom: g@a\r\n" + body
    )
    (outcome,) = deliver(
        tmp_path / "mail", "b@example.org", what=Message("M2", envelope, kept, 1000.0)
    )
    assert outcome.cause == "delivered-before"


def test_python_reads_what_was_delivered(tmp_path: Path) -> None:
    deliver(tmp_path, "ada@example.org")
    box = mailbox.Maildir(tmp_path / "example.org" / "ada", create=False)
    (found,) = list(box)
    assert found["Subject"] == "hi"
    assert found["Return-Path"] == "<g@example.net>"


def test_the_null_reverse_path_is_an_empty_pair_of_brackets(tmp_path: Path) -> None:
    deliver(tmp_path, "ada@example.org", what=message(sender=""))
    assert files(tmp_path)[0].read_bytes().startswith(b"Return-Path: <>\n")


def test_a_return_path_that_came_with_the_message_is_dropped(tmp_path: Path) -> None:
    forged = b"Return-Path:\r\n <boss@example.com>\r\n" + TEXT + b"Return-Path: in the text\r\n"
    deliver(tmp_path, "ada@example.org", what=message(forged))
    data = files(tmp_path)[0].read_bytes()
    assert b"boss" not in data
    assert b"\nReturn-Path: in the text\n" in data


def test_a_header_alone_and_a_body_alone_stay_what_they_are(tmp_path: Path) -> None:
    deliver(tmp_path / "a", "ada@example.org", what=message(b"From: a\r\n"))
    deliver(tmp_path / "b", "ada@example.org", what=message(b"\r\nReturn-Path: body\r\n\r\n"))
    assert files(tmp_path / "a")[0].read_bytes().endswith(b"org\nFrom: a\n")
    assert files(tmp_path / "b")[0].read_bytes().endswith(b"org\n\nReturn-Path: body\n\n")


def test_a_large_body_is_copied_in_pieces_and_no_crlf_is_torn(tmp_path: Path) -> None:
    data = b"From: a\r\n\r\n" + b"x\r\n" * 1_500_000  # a piece ends within a CRLF somewhere
    source = tmp_path / "body"
    source.write_bytes(data)
    what = Message("M2", Envelope("", ("ada@example.org",)), Body(len(data), path=source), 1000.0)
    deliver(tmp_path / "mail", "ada@example.org", what=what)
    written = files(tmp_path / "mail")[0].read_bytes()
    assert written.endswith(data.replace(b"\r\n", b"\n"))
    assert b"\r" not in written


@pytest.mark.parametrize(
    ("recipient", "folder"),
    [
        ("Ada@Example.ORG", "example.org/ada"),
        ('"../../etc"@example.org', "example.org/%2e.%2f..%2fetc"),
        ('"."@example.org', "example.org/%2e"),
        ('"a b/c"@example.org', "example.org/a%20b%2fc"),
        ("çağrı@example.org", "example.org/%c3%a7a%c4%9fr%c4%b1"),
        ("postmaster", "-/postmaster"),
        ("ada@[IPv6:::1]", "%5bipv6%3a%3a%3a1%5d/ada"),
    ],
)
def test_an_address_is_a_folder_of_its_own_below_the_root(
    tmp_path: Path, recipient: str, folder: str
) -> None:
    (outcome,) = deliver(tmp_path, recipient)
    assert outcome.reply == f"250 2.0.0 Delivered to the mailbox of {recipient}"
    (file,) = files(tmp_path)
    assert str(file.parent.parent.relative_to(tmp_path)) == folder


def test_an_address_too_long_for_a_file_name_is_cut_and_marked(tmp_path: Path) -> None:
    (one, two) = ("ş" * 32 + "@" + "ğ" * 20 + f".{tail}.example.org" for tail in ("a" * 60, "b"))
    long = "ç" * 100 + "@example.org"  # more than RFC 5321 allows
    assert [o.result for o in deliver(tmp_path, one, two, long)] == [Result.DELIVERED] * 3
    assert len({file.parent for file in files(tmp_path)}) == 3


def test_spellings_of_one_mailbox_get_one_copy(tmp_path: Path) -> None:
    outcomes = deliver(tmp_path, "ada@example.org", "ADA@example.org")
    assert [o.result for o in outcomes] == [Result.DELIVERED] * 2
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("moved", [False, True])
def test_a_delivery_repeated_after_a_crash_is_recognised(tmp_path: Path, *, moved: bool) -> None:
    deliver(tmp_path, "ada@example.org")
    if moved:
        (file,) = files(tmp_path)
        file.rename(file.parent.parent / "cur" / f"{file.name}:2,RS")
    (outcome,) = deliver(tmp_path, "ada@example.org", now=1100.0)
    assert outcome.result is Result.DELIVERED
    assert len(files(tmp_path)) == 1


def test_what_a_crash_left_in_tmp_is_written_anew(tmp_path: Path) -> None:
    deliver(tmp_path, "ada@example.org")
    (file,) = files(tmp_path)
    left = file.parent.parent / "tmp" / file.name
    file.rename(left)
    left.write_bytes(b"hal")
    deliver(tmp_path, "ada@example.org")
    (file,) = files(tmp_path)
    assert file.parent.name == "new"
    assert file.read_bytes().endswith(b".dot\n")


def test_a_folder_missing_from_a_maildir_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "example.org" / "ada" / "tmp").mkdir(parents=True)
    (outcome,) = deliver(tmp_path, "ada@example.org")
    assert outcome.result is Result.DELIVERED


def test_a_message_that_comes_back_to_its_mailbox_is_a_loop(tmp_path: Path) -> None:
    looped = b"Delivered-To: Ada@example.org \r\n" + TEXT
    (outcome, other) = deliver(
        tmp_path, "ada@example.org", "grace@example.org", what=message(looped)
    )
    assert (outcome.result, outcome.cause) == (Result.FAILED, "delivered-before")
    assert other.result is Result.DELIVERED


def test_a_delivered_to_in_the_text_is_no_loop(tmp_path: Path) -> None:
    (outcome,) = deliver(
        tmp_path, "ada@example.org", what=message(TEXT + b"Delivered-To: ada@example.org\r\n")
    )
    assert outcome.result is Result.DELIVERED


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ENOSPC, "local-delivery-failed"),
        (errno.EDQUOT, "mailbox-full"),
        (errno.EACCES, "local-delivery-failed"),
        (errno.EIO, "local-delivery-failed"),
    ],
)
def test_a_disk_that_fails_puts_the_message_off_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, cause: str
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    (tmp_path / "example.org" / "ada").mkdir(parents=True)
    for part in ("tmp", "new", "cur"):
        (tmp_path / "example.org" / "ada" / part).mkdir()
    (outcome,) = deliver(tmp_path, "ada@example.org")
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, cause)
    assert outcome.reply.startswith("452 4.2.2" if cause == "mailbox-full" else "451 4.3.0")
    assert files(tmp_path) == []


def test_without_hard_links_a_rename_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    (outcome,) = deliver(tmp_path, "ada@example.org")
    assert outcome.result is Result.DELIVERED
    assert [file.parent.name for file in files(tmp_path)] == ["new"]


def test_the_order_is_write_sync_show_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(tmp_path, "grace@example.org")  # the folders of the domain are there
    deliver(tmp_path, "ada@example.org", what=message(received=1.0))
    steps: list[str] = []

    def noted(name: str, do: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: object) -> None:
            what = ""
            if name == "fsync" and isinstance(arguments[0], int):
                what = " " + Path(f"/proc/self/fd/{arguments[0]}").readlink().parent.name
            steps.append(name + what)
            do(*arguments)

        return step

    monkeypatch.setattr(os, "fsync", noted("fsync", os.fsync))
    monkeypatch.setattr(os, "link", noted("link", os.link))
    deliver(tmp_path, "ada@example.org", what=message(received=2000.0), now=2001.0)
    assert steps == ["fsync tmp", "link", "fsync ada"]


def test_mail_that_was_put_apart_lands_once_in_the_folder_junk(tmp_path: Path) -> None:
    apart = Envelope("g@example.net", ("ada@example.org",), wishes=Wishes(quarantine="virus"))
    what = Message("M1", apart, Body(len(TEXT), TEXT), 1000.0)
    (outcome,) = deliver(tmp_path, "ada@example.org", what=what)
    assert outcome.result is Result.DELIVERED
    junk = tmp_path / "example.org" / "ada" / ".Junk"
    assert [path for path in files(tmp_path) if path.name != "maildirfolder"] == list(
        (junk / "new").iterdir()
    )
    assert (junk / "maildirfolder").is_file()
    assert len(mailbox.Maildir(junk.parent, create=False).get_folder("Junk")) == 1

    (new,) = (junk / "new").iterdir()
    new.rename(junk / "cur" / f"{new.name}:2,S")  # somebody has read it
    deliver(tmp_path, "ada@example.org", what=what, now=2000.0)
    assert not list((junk / "new").iterdir())


def placed(*, make: bool) -> Placing:
    async def place(recipient: str) -> Place:
        local, _, domain = recipient.partition("@")
        user, _, detail = local.partition("+")
        if user == "down":
            problem = "no answer"
            raise RosterError(problem, "I7")
        return Place(f"{user}@{domain}", detail, make=make)

    return place


def test_mail_to_a_detail_lies_with_its_user_and_says_for_whom_it_was(tmp_path: Path) -> None:
    (outcome,) = deliver(tmp_path, "ada+Shop@example.org", placing=placed(make=False))
    assert outcome.result is Result.DELIVERED
    (file,) = files(tmp_path)
    assert file.parent == tmp_path / "example.org" / "ada" / "new"
    assert b"\nDelivered-To: ada+Shop@example.org\n" in file.read_bytes()


@pytest.mark.parametrize(
    ("detail", "folder"),
    [
        ("Shop", ".shop"),
        ("a.b", ".a%2eb"),
        ("..", ".%2e%2e"),
        ("/etc/passwd", ".%2fetc%2fpasswd"),
        ("../../x", ".%2e%2e%2f%2e%2e%2fx"),
        ("çay", ".%c3%a7ay"),
    ],
)
def test_a_detail_may_have_a_folder_and_never_leads_out_of_its_mailbox(
    tmp_path: Path, detail: str, folder: str
) -> None:
    deliver(tmp_path, f"ada+{detail}@example.org", placing=placed(make=True))
    box = tmp_path / "example.org" / "ada"
    assert [path.parent for path in files(tmp_path) if path.name[0].isdigit()] == [
        box / folder / "new"
    ]
    assert (box / folder / "maildirfolder").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"example.org"}


def test_a_folder_that_is_there_gets_the_mail_and_none_is_made_for_strangers(
    tmp_path: Path,
) -> None:
    (tmp_path / "example.org" / "ada" / ".shop").mkdir(parents=True)
    deliver(tmp_path, "ada+shop@example.org", "ada+eve@example.org", placing=placed(make=False))
    box = tmp_path / "example.org" / "ada"
    assert [path.parent for path in files(tmp_path) if path.name[0].isdigit()] == [
        box / ".shop" / "new",
        box / "new",
    ]


def test_mail_that_was_put_apart_goes_into_junk_whatever_its_detail(tmp_path: Path) -> None:
    envelope = Envelope("g@a", ("ada+x@example.org",), wishes=Wishes(quarantine="dmarc-quarantine"))
    what = Message("M1", envelope, Body(len(TEXT), TEXT), 1000.0)
    deliver(tmp_path, "ada+x@example.org", what=what, placing=placed(make=True))
    assert (tmp_path / "example.org" / "ada" / ".Junk" / "new").exists()
    assert not (tmp_path / "example.org" / "ada" / ".x").exists()


def test_where_the_place_cannot_be_known_the_mail_waits_and_others_get_theirs(
    tmp_path: Path,
) -> None:
    outcomes = deliver(
        tmp_path, "down+x@example.org", "ada+x@example.org", placing=placed(make=False)
    )
    found = {each.recipient: (each.result, each.cause) for each in outcomes}
    assert found["down+x@example.org"] == (Result.DEFERRED, "roster-unavailable")
    assert found["ada+x@example.org"][0] is Result.DELIVERED


def test_the_name_under_which_an_alias_was_reached_is_told(tmp_path: Path) -> None:
    asked = {"ada@example.org": RecipientWishes(through="team@example.org\r\nX: y")}
    envelope = Envelope("g@a", ("ada@example.org",), asked=asked)
    what = Message("M1", envelope, Body(len(TEXT), TEXT), 1000.0)
    deliver(tmp_path, "ada@example.org", what=what)
    (file,) = files(tmp_path)
    assert file.read_bytes().startswith(
        b"Return-Path: <g@a>\nDelivered-To: ada@example.org\n"
        b"X-Original-To: team@example.org??X: y\nReceived: "
    )
