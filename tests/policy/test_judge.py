"""What is refused of a message, by which row, and at what cost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ulak.policy.message import MessageJudge, MessageRules, nul_in

GOOD = b"From: Ada <ada@example.org>\r\nTo: g@example.net\r\nSubject: hi\r\n\r\nText.\r\n"
judge = MessageJudge()


def refused(message: bytes, rules: MessageRules | None = None) -> tuple[str, dict[str, str]]:
    reply = MessageJudge(rules)(message)
    assert reply is not None
    assert reply.code == 554
    return reply.cause, dict(reply.facts)


@pytest.mark.parametrize(
    "message",
    [
        GOOD,
        b"From: a@b\r\n\r\n",
        b"From: a@b\r\n",
        b"From: a@b",
        b"from:a@b\r\n\r\n",
        b"FROM \t : a@b\r\n\r\nb\r\n",  # obsolete, and allowed (RFC 5322 §4.5)
        b"From: a@b\r\nX-Odd!#$: 1\r\nEmpty:\r\n\r\n",
        b"Subject: a\r\n b\r\n\tc\r\n \r\nFrom: a@b\r\n\r\n",
        b"From: a@b\r\nSubject: one\r\nSubject: two\r\nTo: x\r\nTo: y\r\n\r\n",
        b"From: a@b\r\nX: " + b"x" * 995 + b"\r\n\r\n",
        b"From: a@b\r\n\r\n" + b"x" * 5000 + b"\r\nFrom: in the body\r\nno field\r\n",
        b"From: =?utf-8?q?a?= <a@b>\r\nSubject: \xc3\xa7i\xc3\xa7ek\r\n\r\n",
        b"From: a@b\r\n" + b"Received: x\r\n" * 50 + b"\r\n",
        b"From: a@b\r\nResent-From: c@d\r\nX-From: e@f\r\n\r\n",
        b"From: a@b\r\nResent-To: c@d\r\nResent-Date: x\r\nResent-Date: y\r\n\r\n",
        b"Received: (by nobody; ) from [\r\nReturn-Path: who?\r\nFrom: a@b\r\n\r\n",
        b"From: a, b@c\r\nSubject: x\r\n From: folded, no field\r\n\r\n",
        # texts that claim nothing about where they come from (RFC 5321 §3.3)
        b"",
        b"\r\n",
        b"\r\nTo: in the body\r\n",
        b"Subject: x\r\n\r\nFrom: in the body\r\n",
        b"Subject: x\r\n From: folded\r\n\r\n",
        b"SUBJECT: x\r\nComments: y\r\nKeywords: z\r\nX-To: z\r\n\r\n",
        b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nTopic: x\r\n\r\nText.\r\n",
    ],
)
def test_what_is_in_order_is_taken(message: bytes) -> None:
    assert judge(message) is None


@pytest.mark.parametrize(
    ("message", "cause", "facts"),
    [
        (b"To: x\r\n\r\nFrom: in the body\r\n", "missing-from", {}),
        (b"Date: x\r\n From: folded\r\n\r\n", "missing-from", {}),
        (b"Subject: x\r\nMESSAGE-id : <a@b>\r\n\r\n", "missing-from", {}),
        (b"Subject: x\r\nResent-Date: x\r\n\r\n", "missing-from", {}),
        (b"Received: x\r\n\r\n", "missing-from", {}),
        (b"ARC-Seal: x\r\nX-From: a@b\r\n\r\n", "missing-from", {}),
        (b"From: a@b\r\nfrom : c@d\r\nFROM:e\r\n\r\n", "several-from", {"count": "3"}),
        (b"From: a\0@b\r\n\r\n", "nul-in-message", {"offset": "7"}),
        (b"From: a@b\r\n\r\nbody\0\r\n", "nul-in-message", {"offset": "17"}),
        (
            b"From: a@b\r\nX: " + b"x" * 996 + b"\r\n\r\n",
            "header-line-too-long",
            {"line": "2", "length": "999", "limit": "998"},
        ),
        (
            b"From: a@b\r\n" + b"Received: x\r\n" * 51 + b"\r\n",
            "routing-loop",
            {"hops": "51"},
        ),
        (b"From: a@b\r\nno field here\r\n\r\nbody\r\n", "malformed-message", {}),
        (b"hello\r\n", "malformed-message", {}),
        (b"From MAILER Mon Jan  1 12:00:00\r\nFrom: a@b\r\n\r\n", "malformed-message", {}),
        (b" begins folded\r\nFrom: a@b\r\n\r\n", "malformed-message", {}),
        (b"From: a@b\r\n: nameless\r\n\r\n", "malformed-message", {}),
        (b"From: a@b\r\nS\xc3\xbcbject: x\r\n\r\n", "malformed-message", {}),
        (b"From: a@b\r\nX" * 2, "malformed-message", {}),
        (b"From: a@b\r\n" + b"X: 1\r\n" * 2000, "malformed-message", {}),
    ],
)
def test_what_is_not_is_refused_by_its_own_row(
    message: bytes, cause: str, facts: dict[str, str]
) -> None:
    got, with_facts = refused(message)
    assert got == cause
    assert facts.items() <= with_facts.items()


def test_a_malformed_line_is_named_with_its_number_and_beginning() -> None:
    _, facts = refused(b"From: a@b\r\nX: 1\r\n 2\r\nno field \x1b[31m here\r\n\r\n")
    assert facts["problem"].startswith("line 4 ")
    reply = judge(b"From: a@b\r\nno field \x1b[31m\r\n\r\n")
    assert reply is not None
    assert reply.text.isprintable()


def test_a_header_is_measured_up_to_its_end_and_no_further() -> None:
    rules = MessageRules(max_header=100)
    field = b"From: a@b\r\nX: " + b"x" * 84 + b"\r\n"
    assert len(field) == 100
    assert MessageJudge(rules)(field + b"\r\n" + b"body" * 1000) is None
    assert MessageJudge(rules)(field) is None
    cause, facts = refused(b"Y" + field + b"\r\nbody", rules)
    assert (cause, facts["limit"]) == ("header-too-large", "100")
    assert refused(b"From: a@b\r\n" + b"X: 1\r\n" * 50_000, rules)[0] == "header-too-large"


def test_the_operator_says_what_may_be_there_only_once_and_what_must() -> None:
    rules = MessageRules(once=frozenset({"from", "message-id"}), need_from=False, max_hops=1)
    assert MessageJudge(rules)(b"To: x\r\n\r\n") is None
    cause, facts = refused(b"Message-ID: <a@b>\r\nMessage-Id: <c@d>\r\n\r\n", rules)
    assert cause == "malformed-message"
    assert "2 Message-Id fields" in facts["problem"]
    assert refused(b"Received: x\r\n" * 2, rules)[0] == "routing-loop"


def test_a_nul_is_found_in_whatever_piece_it_comes() -> None:
    assert nul_in(b"abc", 100) is None
    reply = nul_in(b"ab\0", 100)
    assert reply is not None
    assert reply.facts["offset"] == "102"


_LINES = st.lists(
    st.sampled_from(
        [b"From: a", b"from\t:b", b" fold", b"\tfold", b"", b"junk", b":", b"X:", b"\r"]
    ),
    max_size=8,
)


@given(st.one_of(st.binary(max_size=300), _LINES.map(b"\r\n".join)))
@example(b"\r\r\nFrom: a")
@example(b"A:\r\n\r")
def test_no_octets_upset_the_judge(message: bytes) -> None:
    reply = judge(message)
    if reply is not None:
        assert reply.to_wire().count(b"\r\n") == 1
        assert reply.text.isprintable()


@pytest.mark.parametrize(
    "hostile",
    [
        b"x" * 400_000,
        b"x" * 900 + b"\r\n",
        b" " * 900 + b"\r\n",
        b"X:\r\n",
        b"X \t" * 300 + b"\r\n",
        b"\r\n" * 400_000,
    ],
)
def test_a_hostile_header_is_not_read_beyond_the_limit(hostile: bytes) -> None:
    class Counting(bytes):
        """Octets that note how many of them are looked at."""

        looked = 0

        def __getitem__(self, index: Any) -> Any:
            piece = super().__getitem__(index)
            Counting.looked += len(piece)
            return piece

    message = Counting(b"From: a@b\r\n" + hostile * (400_000 // len(hostile)))
    judge(message)
    assert Counting.looked <= MessageRules().max_header + 4


# -- a BINARYMIME message -------------------------------------------------------------------------


def test_the_body_of_a_binary_message_may_have_any_octets() -> None:
    message = b"From: a@b\r\n\r\n" + bytes(range(256))
    assert judge(message, binary=True) is None
    assert judge(message) is not None


@pytest.mark.parametrize(
    ("header", "cause"),
    [
        (b"From: a\nX: b\r\n", "bare-line-end"),
        (b"From: a\rX: b\r\n", "bare-line-end"),
        (b"From: a\n\nX: b\r\n", "bare-line-end"),
        (b"From: a\0b\r\n", "nul-in-message"),
        (b"From: a\r\nFrom: b\r\n", "several-from"),
        (b"To: a\r\n", "missing-from"),
    ],
)
def test_the_header_of_a_binary_message_is_one_like_every_other(header: bytes, cause: str) -> None:
    for message in (header + b"\r\n\0\n", header):
        reply = judge(message, binary=True)
        assert reply is not None
        assert reply.cause == cause
