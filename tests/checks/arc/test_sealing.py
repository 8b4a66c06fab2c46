"""Adding a set: what it says, what it signs, and when there is none to add (RFC 8617 §5.1)."""

from __future__ import annotations

from tests.checks.arc.chains import MESSAGE, ONE, SAID, THREE, TWO, chain, field, judged, keys, seal
from tests.checks.dkim.wiring import BODY, HEADER, NOW, ZONE, signed
from tests.checks.dkim.wiring import judged as dkim_judged

from ulak.checks.arc import Finding, Result, Sealer
from ulak.checks.dkim import tags
from ulak.checks.results import Resinfo
from ulak.mail import message as mail


def added(before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    """Give the fields that were put on top."""
    assert after.endswith(before)
    return mail.raw_fields(after.removesuffix(before))


def test_a_set_is_three_fields_on_top_in_lines_that_are_not_long() -> None:
    new = added(MESSAGE, chain(1))
    assert [name for name, _ in new] == [
        b"arc-seal",
        b"arc-message-signature",
        b"arc-authentication-results",
    ]
    for _, octets in new:
        lines = octets.split(b"\r\n")
        assert lines.pop() == b""
        assert all(len(line) <= 78 for line in lines)
        assert all(line.startswith(b" ") and line.strip() for line in lines[1:])


def test_the_signature_covers_dkim_and_neither_arc_nor_results() -> None:
    message = b"Authentication-Results: mx; none\r\n" + signed()
    octets = field(seal(message, ONE), b"ARC-Message-Signature", 1)
    read = tags.read(tags.decoded(octets.partition(b":")[2]), "")
    assert isinstance(read, dict)
    names = tags.listed(read["h"])
    assert names.count("dkim-signature") == 2
    assert names.count("from") == 2
    assert not {name for name in names if name.startswith(("arc-", "authentication-"))}
    assert (read["i"], read["c"], read["t"]) == ("1", "relaxed/relaxed", str(int(NOW)))


def test_nobody_can_have_what_must_not_be_signed_signed() -> None:
    never = ("Authentication-Results", "ARC-Seal")
    sealer = Sealer(ONE, "mx", signed=(*never, "Subject"), oversigned=never)
    octets = sealer.seal(HEADER, BODY, Finding(Result.NONE), SAID, NOW)
    signature = mail.raw_fields(octets)[1][1].lower()
    assert b"subject" in signature
    assert b"authentication-results" not in signature
    assert b"arc-seal" not in signature


def test_sealing_breaks_no_signature() -> None:
    assert [str(f.result) for f in dkim_judged(seal(signed(), ONE), zone=ZONE)] == ["pass"] * 2


def test_what_was_found_is_told_once() -> None:
    told = (*SAID, Resinfo("arc", "none", comment="ours"))
    octets = field(seal(MESSAGE, ONE, said=told), b"ARC-Authentication-Results", 1)
    assert octets.count(b"arc=none") == 1
    assert b"(ours)" in octets
    assert octets.startswith(b"ARC-Authentication-Results: i=1; mx.one.example;\r\n")


def test_a_chain_that_fails_is_given_up_in_a_set_that_covers_only_itself() -> None:
    broken = chain(2).replace(b"algebraic", b"algebraik")
    finding = judged(broken)
    message = seal(broken, THREE)
    assert b"cv=fail" in field(message, b"ARC-Seal", 3)
    found = judged(message)
    assert (found.result, keys(found)) == (Result.FAIL, ["given-up"])
    # Alone, and as if it were the first, the seal is right: what it covers is only its own set.
    alone = b"".join(octets for _, octets in added(broken, message))
    assert Sealer(THREE, "mx.three.example").seal(*mail.split(broken), finding, SAID, NOW) == alone
    assert seal(message, ONE) == message  # §5.1, step 2: no need to go on


def test_the_seal_of_a_failed_chain_does_not_depend_on_the_sets_before() -> None:
    broken = chain(2).replace(b"algebraic", b"algebraik")
    other = broken.replace(field(broken, b"ARC-Seal", 1), b"")
    failed = Finding(Result.FAIL)
    seals = {
        field(seal(message, ONE, found=failed, said=()), b"ARC-Seal", 3)
        for message in (broken, other)
    }
    assert len(seals) == 1


def test_a_chain_without_structure_is_never_said_to_pass() -> None:
    broken = chain(2).replace(field(chain(2), b"ARC-Seal", 1), b"")
    message = seal(broken, ONE, found=Finding(Result.PASS))
    assert b"cv=fail" in field(message, b"ARC-Seal", 3)
    message = seal(chain(1), ONE, found=Finding(Result.NONE))
    assert b"cv=fail" in field(message, b"ARC-Seal", 2)


def test_the_body_may_come_in_pieces() -> None:
    sealing = Sealer(ONE, "mx.one.example").begin(HEADER)
    for place in range(len(BODY)):
        sealing.feed(BODY[place : place + 1])
    octets = sealing.finish(Finding(Result.NONE), SAID, NOW)
    assert judged(octets + MESSAGE).passed


def test_a_message_with_nothing_is_sealed() -> None:
    for message in (b"\r\n", b"Subject: x\r\n\r\n", b""):
        assert judged(seal(message, TWO)).passed
