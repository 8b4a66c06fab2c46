"""What a stranger's octets can do to a question: nothing but end it."""

from __future__ import annotations

import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ulak.dns import Answer, Status, wire

QUERY = wire.question("example.org", "A", 0x1234)


def response(*answers: str, rcode: str = "NOERROR", authority: tuple[str, ...] = ()) -> bytes:
    """Write an answer from lines of a zone file."""
    made = dns.message.make_response(dns.message.from_wire(QUERY))
    made.set_rcode(dns.rcode.from_text(rcode))
    for section, lines in ((made.answer, answers), (made.authority, authority)):
        for line in lines:
            name, ttl, kind, data = line.split(" ", 3)
            section.append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
    return made.to_wire(max_size=65535)


def read(data: bytes) -> Answer:
    return wire.read(data, "example.org", "A")[0]


def test_the_question_asks_for_recursion_validation_and_room() -> None:
    query = dns.message.from_wire(QUERY)
    assert query.flags == dns.flags.RD | dns.flags.AD
    assert (query.edns, query.payload) == (0, 1232)
    assert dns.message.from_wire(wire.question("a.example", "MX", 1, edns=False)).edns == -1


def test_a_backslash_in_a_name_is_an_octet_and_no_escape() -> None:
    query = dns.message.from_wire(wire.question("a\\046b.example", "A", 1))
    assert query.question[0].name.labels[0] == b"a\\046b"


@pytest.mark.parametrize(
    ("change", "belongs"),
    [
        (lambda d: d, True),
        (lambda d: d.replace(b"example", b"EXAMPLE"), True),
        (lambda d: d.replace(b"example", b"exbmple"), False),
        (lambda d: b"\x12\x35" + d[2:], False),
        (lambda d: d[:2] + bytes([d[2] & 0x7F]) + d[3:], False),  # a question, no answer
        (lambda d: d[:2] + bytes([d[2] | 0x20]) + d[3:], False),  # another opcode
        (lambda d: d[:4] + b"\0\2" + d[6:], False),
        (lambda d: d[:25] + b"\0\x1c" + d[27:], False),  # AAAA
        (lambda d: d[:27] + b"\0\3" + d[29:], False),  # another class
        (lambda d: d[:11], False),
        (lambda d: d[:20], False),
        (lambda _: b"", False),
    ],
)
def test_an_answer_belongs_to_its_question_or_is_passed_over(change: object, belongs: bool) -> None:  # noqa: FBT001 -- a table's column
    assert callable(change)
    assert wire.belongs(change(response("example.org. 60 A 192.0.2.1")), QUERY) is belongs


def test_a_refusal_may_leave_the_question_out_and_nothing_else_may() -> None:
    def bare(rcode: int) -> bytes:
        return struct.pack("!HHHHHH", 0x1234, 0x8000 | rcode, 0, 0, 0, 0)

    assert wire.belongs(bare(dns.rcode.FORMERR), QUERY)
    assert wire.belongs(bare(dns.rcode.REFUSED), QUERY)
    assert not wire.belongs(bare(dns.rcode.NOERROR), QUERY)
    assert not wire.belongs(bare(dns.rcode.NXDOMAIN), QUERY)


def test_only_records_at_the_end_of_the_aliases_count() -> None:
    answer = read(
        response(
            "other.example. 60 A 203.0.113.1",
            "example.org. 90 CNAME a.example.net.",
            "a.example.net. 30 CNAME b.example.net.",
            "b.example.net. 60 A 192.0.2.1",
        )
    )
    assert answer.texts == ("192.0.2.1",)
    assert (answer.canonical, answer.ttl) == ("b.example.net", 30)


def test_aliases_that_go_in_circles_are_a_failure() -> None:
    data = response("example.org. 9 CNAME a.example.", "a.example. 9 CNAME example.org.")
    assert read(data).status is Status.SERVFAIL


def test_an_alias_without_its_end_is_to_be_asked_on() -> None:
    answer, onward = wire.read(response("example.org. 9 CNAME A.example."), "example.org", "A")
    assert (answer.status, answer.ttl, onward) == (Status.NO_DATA, 9, "a.example")


def test_absence_lives_as_long_as_the_shorter_of_both_numbers() -> None:
    soa = "org. {} SOA ns. h. 1 3600 600 86400 {}"
    for ttl, minimum in ((300, 60), (60, 300)):
        data = response(rcode="NXDOMAIN", authority=(soa.format(ttl, minimum),))
        assert (read(data).status, read(data).ttl) == (Status.NXDOMAIN, 60)
    alias = response("example.org. 10 CNAME a.example.", authority=(soa.format(300, 60),))
    assert (read(alias).status, read(alias).ttl) == (Status.NO_DATA, 10)
    assert read(response(rcode="NXDOMAIN")).ttl == 0


def test_a_referral_is_no_absence() -> None:
    data = response(authority=("org. 60 NS ns.example.",))
    assert read(data).status is Status.REFUSED
    assert "referral" in read(data).detail


def test_nxdomain_with_records_contradicts_itself() -> None:
    data = response("example.org. 60 A 192.0.2.1", rcode="NXDOMAIN")
    assert read(data).status is Status.MALFORMED


@pytest.mark.parametrize("rcode", ["SERVFAIL", "NOTIMP", "FORMERR", "YXDOMAIN", "NOTAUTH"])
def test_every_other_code_is_a_failure_by_its_name(rcode: str) -> None:
    answer = read(response(rcode=rcode))
    assert (answer.status, answer.detail) == (Status.SERVFAIL, rcode)


def test_an_extended_error_is_told_on_one_line() -> None:
    made = dns.message.from_wire(response(rcode="SERVFAIL"))
    option = dns.edns.EDEOption(6, "no key\r\n250 ok " + "x" * 500)  # type: ignore[arg-type] # as on the wire
    made.use_edns(0, options=[option, dns.edns.EDEOption(4711)])  # type: ignore[arg-type] # as on the wire
    detail = read(made.to_wire()).detail
    assert detail.startswith("SERVFAIL (dnssec bogus: no key??250 ok xxx")
    assert detail.isprintable()
    assert len(detail) < 250


def test_odd_octets_in_a_name_come_escaped() -> None:
    labels = (b"A.b", b"\xff\x00<script>\r\n", b"")
    assert wire.text(dns.name.Name(labels)) == r"a\.b.\255\000<script>\013\010"


def test_a_record_that_lies_about_its_length_spoils_the_answer() -> None:
    data = response("example.org. 60 A 192.0.2.1")
    at = data.rindex(b"\0\4\xc0\0\2\1")
    assert read(data[:at] + b"\0\5" + data[at + 2 :] + b"\0").status is Status.MALFORMED
    assert read(data[:at] + b"\0\3" + data[at + 2 :]).status is Status.MALFORMED


def test_claimed_counts_are_not_believed() -> None:
    many = response(*(f"example.org. 60 A 10.0.{i // 250}.{i % 250}" for i in range(1000)))
    assert len(read(many).records) == 100
    # What lies beyond the bound is not even looked at.
    assert len(read(many[:8000] + b"\xff" * 500).records) == 100
    claimed = response("example.org. 60 A 192.0.2.1")
    assert read(claimed[:6] + b"\xff\xff" + claimed[8:]).status is Status.MALFORMED


def test_names_that_are_pointers_upon_pointers_are_read_within_bounds() -> None:
    # Each record's name points at the one before it, and all of them have to be followed.
    header = struct.pack("!HHHHHH", 0x1234, 0x8180, 1, 5000, 5000, 5000)
    data = bytearray(header + QUERY[12:29])
    previous = 12
    while len(data) < 60_000:
        here = len(data)
        target = previous if previous < 0x3FFF else 12
        data += b"\1a" + struct.pack("!H", 0xC000 | target) + struct.pack("!HHIH", 1, 1, 60, 4)
        data += b"\xc0\0\2\1"
        previous = here
    answer = read(bytes(data))
    assert answer.status in (Status.NO_DATA, Status.MALFORMED)


@given(st.binary(max_size=300))
@example(b"")
@example(b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0")
def test_no_octets_upset_the_reader(tail: bytes) -> None:
    wire.belongs(tail, QUERY)
    data = response("example.org. 60 A 192.0.2.1", "example.org. 60 CNAME x.")
    for made in (data[:12] + tail, data[: len(data) // 2] + tail, data[:29] + tail, data + tail):
        answer, onward = wire.read(made, "example.org", "A")
        assert isinstance(answer, Answer)
        assert onward.isprintable()


@given(st.data())
def test_no_flipped_octet_upsets_the_reader(draw: st.DataObject) -> None:
    data = bytearray(
        response(
            "example.org. 60 CNAME a.example.",
            "a.example. 60 A 192.0.2.1",
            authority=("example. 60 SOA ns. h. 1 3600 600 86400 60",),
        )
    )
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    answer, _ = wire.read(bytes(data), "example.org", "A")
    assert answer.name == "example.org"
