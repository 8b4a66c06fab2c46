"""A message of one's own users is put in order (RFC 6409 §8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.accounts.account import Account
from ulak.mail.message import raw_fields
from ulak.policy.message import MessageJudge, MessageRules
from ulak.policy.submission import Mended, Submission, Submitted
from ulak.replies.reply import Reply

ADA = Account("ada@example.org", send_as=("info@example.org",))
DATE, ID = "Tue, 14 Nov 2023 22:13:20 -0000", "<m1@mx.example.org>"
STAMPS = f"Date: {DATE}\r\nMessage-ID: {ID}\r\n".encode()


def submission(author: str = "own") -> Submission:
    return Submission(
        author,
        local=lambda domain: domain.lower() == "example.org",
        judge=MessageJudge(MessageRules(need_from=False)),
    )


def answer(
    message: bytes, author: str = "own", account: Account | None = ADA, *, smtputf8: bool = False
) -> bytes | Reply:
    """Give the message as it goes on, or the refusal."""
    mended = submission(author).mend(message, Submitted(account, DATE, ID, smtputf8))
    if isinstance(mended, Reply):
        return mended
    return mended.header + message[mended.old :]


def cause(message: bytes, author: str = "own", account: Account = ADA) -> str:
    refused = answer(message, author, account)
    assert isinstance(refused, Reply)
    return refused.cause


def test_a_whole_message_goes_on_as_it_is() -> None:
    message = (
        b"From: ada@example.org\r\nDate: x\r\nTo: b@x.example\r\nMESSAGE-ID: <y@z>\r\n\r\nHi\r\n"
    )
    assert answer(message) == message


def test_what_is_missing_is_added_at_the_end_of_the_header() -> None:
    assert (
        answer(b"Subject: x\r\nTo: b@x.example\r\n\r\nFrom: me\r\n")
        == b"Subject: x\r\nTo: b@x.example\r\nFrom: ada@example.org\r\n" + STAMPS
        + b"\r\nFrom: me\r\n"
    )  # fmt: skip


@pytest.mark.parametrize("message", [b"", b"\r\n", b"\r\nHi\r\n"])
def test_a_bare_text_gets_a_header(message: bytes) -> None:
    assert answer(message) == b"From: ada@example.org\r\n" + STAMPS + message


def test_a_message_of_header_alone_is_one() -> None:
    given = b"From: ada@example.org\r\n"
    assert answer(given) == given + STAMPS
    assert answer(given.removesuffix(b"\r\n")) == given + STAMPS


def test_blind_copies_are_for_nobodys_eyes() -> None:
    header = (
        b"Bcc: secret@x.example,\r\n\tmore@x.example,\r\n even more\r\nFrom: ada@example.org\r\n"
        b"bcc :\r\nTo: b@x.example\r\nBCC: last@x.example\r\nResent-Bcc: r@x.example\r\n"
        b"X-Bcc: stays\r\n"
    )
    body = b"\r\nBcc: in the body\r\n"
    kept = b"From: ada@example.org\r\nTo: b@x.example\r\nX-Bcc: stays\r\n"
    assert answer(header + body) == kept + STAMPS + body


@pytest.mark.parametrize(
    "author", ["ada@example.org", "Info <INFO@example.org>", "ada@example.org (Grace)"]
)
def test_from_may_name_the_accounts_addresses(author: str) -> None:
    message = f"From: {author}\r\n".encode()
    assert answer(message) == message + STAMPS


@pytest.mark.parametrize(
    "author",
    [
        "grace@example.org",
        "ada@example.org, grace@example.org",
        "Ada <ada@example.org.evil.example>",
    ],
)
def test_from_may_name_nobody_else(author: str) -> None:
    refused = answer(f"From: {author}\r\n\r\n".encode())
    assert isinstance(refused, Reply)
    assert (refused.code, str(refused.enhanced)) == (550, "5.7.1")
    assert "ada@example.org may not send as this address, but as ada@example.org, info@" in str(
        refused
    )


def test_of_many_addresses_only_some_are_told() -> None:
    account = Account("ada@example.org", send_as=tuple(f"{n}@example.org" for n in range(9)))
    refused = answer(b"From: grace@example.org\r\n\r\n", account=account)
    assert "3@example.org and 5 more" in str(refused)


@pytest.mark.parametrize(
    "author",
    [
        "ada",
        "<>",
        "Nobody:;",
        "",
        "ada@example.org grace@x.example",
        "ada@example。org",
        "ada@EXAMPLE.ｏｒｇ",
        "ada@exa_mple.org",
        "ada@[192.0.2.1",
    ],
)
def test_a_from_that_cannot_be_read_is_refused(author: str) -> None:
    assert cause(f"From: {author}\r\n\r\n".encode()) == "from-unreadable"


def test_several_from_fields_are_refused_before_all_else() -> None:
    assert cause(b"From: ada@example.org\r\nFrom: grace@example.org\r\n\r\n") == "several-from"


def test_several_authors_need_a_sender() -> None:
    message = b"From: ada@example.org, info@example.org\r\n"
    assert answer(message) == message + b"Sender: ada@example.org\r\n" + STAMPS
    named = message + b"Sender: info@example.org\r\n"
    assert answer(named) == named + STAMPS


@pytest.mark.parametrize(
    "sender",
    [b"grace@example.org", b"ada@example.org, info@example.org", b"?", b"x\r\nSender: y"],
)
def test_a_wrong_sender_is_put_right(sender: bytes) -> None:
    message = b"From: ada@example.org\r\nSender: " + sender + b"\r\nSubject: x\r\n"
    assert answer(message) == b"From: ada@example.org\r\nSubject: x\r\n" + STAMPS
    several = message.replace(b"ada@", b"ada@example.org, info@", 1)
    assert answer(several) == (
        b"From: ada@example.org, info@example.org\r\nSubject: x\r\nSender: ada@example.org\r\n"
        + STAMPS
    )


@pytest.mark.parametrize(
    ("rule", "author", "good"),
    [
        ("local", "grace@example.org", True),
        ("local", "grace@example.net", False),
        ("local", "grace@example.org, grace@example.net", False),
        ("any", "grace@example.net", True),
        ("any", "grace", False),
    ],
)
def test_other_rules_let_write_for_others_and_say_who_did(
    rule: str, author: str, *, good: bool
) -> None:
    message = f"From: {author}\r\n".encode()
    given = answer(message, rule)
    assert isinstance(given, bytes) is good
    if good:
        assert given == message + b"Sender: ada@example.org\r\n" + STAMPS


def test_without_a_login_nobody_is_asked_whose_address_it_is() -> None:
    message = b"From: grace@example.net\r\nSender: x\r\nBcc: b@x.example\r\n\r\n"
    assert answer(message, account=None) == (
        b"From: grace@example.net\r\nSender: x\r\n" + STAMPS + b"\r\n"
    )


def test_an_address_in_utf8_is_only_added_where_that_may_be() -> None:
    account = Account("ışıl@example.org")
    refused = answer(b"Subject: x\r\n\r\n", account=account)
    assert isinstance(refused, Reply)
    assert refused.cause == "needs-smtputf8"
    given = answer(b"Subject: x\r\n\r\n", account=account, smtputf8=True)
    assert isinstance(given, bytes)
    assert "From: ışıl@example.org\r\n".encode() in given


def test_the_form_of_the_header_is_judged_first() -> None:
    assert cause(b"From: ada@example.org\r\nno field\r\n\r\n") == "malformed-message"
    assert cause(b"X: " + b"x" * 200_000 + b"\r\n\r\n") == "header-too-large"


_field = st.tuples(
    st.sampled_from([b"Bcc", b"BCC", b"Subject", b"To", b"Date", b"X", b"Sender", b"Message-ID"]),
    st.lists(st.binary(max_size=20).map(lambda b: b.translate(None, b"\r\n\0")), min_size=1),
)


@given(st.lists(_field, max_size=8), st.binary(max_size=40).map(lambda b: b.translate(None, b"\0")))
def test_all_that_is_not_meant_stays_octet_by_octet(
    fields: list[tuple[bytes, list[bytes]]], body: bytes
) -> None:
    written = [(name, name + b":" + b"\r\n\t".join(lines) + b"\r\n") for name, lines in fields]
    header = b"From: ada@example.org\r\n" + b"".join(raw for _, raw in written)
    mended = submission().mend(header + b"\r\n" + body, Submitted(ADA, DATE, ID))
    assert isinstance(mended, Mended)
    assert mended.old == len(header)
    kept = [raw for name, raw in raw_fields(mended.header) if name not in (b"sender", b"from")]
    wanted = [raw for name, raw in written if name.lower() not in (b"bcc", b"sender")]
    assert kept[: len(wanted)] == wanted
    assert b"bcc:" not in mended.header.lower()
