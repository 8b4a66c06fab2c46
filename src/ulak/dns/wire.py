"""Questions and answers of DNS in octets (RFC 1035 §4, RFC 6891, RFC 2308), by dnspython.

What a server sends is checked before it is read, read within bounds, and never believed beyond
the question that was asked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX as MX_RDATA
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from ulak.dns.records import MX, Answer, Record, Status

PAYLOAD = 1232  # octets of UDP that pass every path unfragmented (RFC 9715 §3.1)
MOST_RECORDS = 100  # of one section; what a hostile answer has beyond is not read

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")
_OPTION = struct.Struct("!HH")
_POINTER = 0xC0  # the first octet of a compressed name's rest, or above (RFC 1035 §4.1.4)
_QR, _OPCODE, _TC, _AD, _AA = 0x8000, 0x7800, 0x0200, 0x0020, 0x0400
_SILLY = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.SERVFAIL, dns.rcode.REFUSED})
_CHAIN = 16  # aliases followed in one answer
_MOST_WORDS, _LONGEST_WORDS = 3, 200  # of extended errors
_ALIAS = dns.rdatatype.CNAME
_IN = dns.rdataclass.IN


def question(name: str, kind: str, identifier: int, *, edns: bool = True) -> bytes:
    """Write the question. AD asks a validating resolver to say so (RFC 6840 §5.7)."""
    query = dns.message.make_query(
        _name(name),
        dns.rdatatype.from_text(kind),
        use_edns=0 if edns else False,
        payload=PAYLOAD,
        id=identifier,
        flags=dns.flags.RD | dns.flags.AD,
    )
    return query.to_wire()


def belongs(data: bytes, query: bytes) -> bool:
    """Whether the octets answer the query: same id, same question (RFC 5452 §9.1).

    A server that could not read the question may leave it out when it says so.
    """
    if len(data) < _HEADER.size:
        return False
    identifier, flags, questions, *_ = _HEADER.unpack_from(data)
    if identifier != _HEADER.unpack_from(query)[0] or flags & (_QR | _OPCODE) != _QR:
        return False
    if questions == 0:
        return flags & 0xF in _SILLY
    start, end = _HEADER.size, query.index(0, _HEADER.size) + 1
    return (
        questions == 1
        and data[start:end].lower() == query[start:end].lower()
        and data[end : end + 4] == query[end : end + 4]
    )


def truncated(data: bytes) -> bool:
    """Whether the answer did not fit, so that the question is to be asked over TCP."""
    return bool(_HEADER.unpack_from(data)[1] & _TC)


def read(data: bytes, name: str, kind: str) -> tuple[Answer, str]:
    """Read the answer to a question, and the alias to go on with where the server stopped at one.

    `ttl` is how long the answer may be kept: of absence what the SOA record says, and 0 where
    there is none (RFC 2308 §5). `authentic` is the AD bit as it came.
    """
    try:
        return _understand(_take_apart(data), name, kind)
    except Exception as error:  # noqa: BLE001 -- a stranger's octets; whatever the parser makes
        # of them (dnspython raises its own, ValueError, struct.error …), the mail goes on.
        detail = f"an answer that cannot be read ({type(error).__name__})"
        return Answer(name, kind, Status.MALFORMED, canonical=name, detail=detail), ""


def lacks_edns(data: bytes) -> bool:
    """Whether the server refused the question as one that knows no EDNS does (RFC 6891 §7)."""
    return _HEADER.unpack_from(data)[1] & 0xF in (dns.rcode.FORMERR, dns.rcode.NOTIMP)


@dataclass(frozen=True, slots=True)
class _Record:
    """Where one record lies: its name, its data, and what stands between (RFC 1035 §3.2.1)."""

    at: int
    kind: int
    category: int
    ttl: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Message:
    """An answer taken apart, its records not looked into."""

    data: bytes
    rcode: int
    flags: int
    answer: list[_Record]
    authority: list[_Record]
    options: bytes
    names: dict[int, dns.name.Name] = field(default_factory=dict)

    def name(self, at: int) -> dns.name.Name:
        """Read the name at an octet, once: a hostile one is a long way of pointers."""
        if at not in self.names:
            self.names[at] = dns.name.from_wire(self.data, at)[0]
        return self.names[at]

    def named(self, name: dns.name.Name, kind: int) -> list[_Record]:
        """Give the records of a kind at a name."""
        return [
            r
            for r in self.answer
            if r.kind == kind and r.category == _IN and self.name(r.at) == name
        ]


def _take_apart(data: bytes) -> _Message:
    """Find the records. What is wrong with the octets shows as any of many exceptions.

    Not by `dns.message.from_wire`: that looks into every record, asked for or not, and a single
    one of 65,000 empty strings keeps it busy for half a second.
    """
    _, flags, questions, *counts = _HEADER.unpack_from(data)
    at = _HEADER.size
    for _ in range(questions):
        at = _after_name(data, at) + 4
    sections: tuple[list[_Record], ...] = ([], [], [])
    for section, count in zip(sections, counts, strict=True):
        for _ in range(min(count, MOST_RECORDS)):
            fixed = _after_name(data, at)
            kind, category, ttl, size = _FIXED.unpack_from(data, fixed)
            start = fixed + _FIXED.size
            if start + size > len(data):
                raise dns.exception.FormError
            # RFC 2181 §8: a time to live with the highest bit set is none.
            section.append(
                _Record(at, kind, category, ttl if ttl < 1 << 31 else 0, start, start + size)
            )
            at = start + size
        if count > MOST_RECORDS:
            break
    answer, authority, additional = sections
    rcode, options = flags & 0xF, b""
    for record in additional:
        if record.kind == dns.rdatatype.OPT:
            # The place of the ttl holds the upper bits of the code (RFC 6891 §6.1.3).
            rcode |= (_FIXED.unpack_from(data, record.start - _FIXED.size)[2] >> 24) << 4
            options = data[record.start : record.end]
    return _Message(data, rcode, flags, answer, authority, options)


def _after_name(data: bytes, at: int) -> int:
    while length := data[at]:
        if length >= _POINTER:
            return at + 2
        at += 1 + length
    return at + 1


def _understand(message: _Message, name: str, kind: str) -> tuple[Answer, str]:
    nothing = Answer(name, kind, Status.NO_DATA, canonical=name)
    if message.rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        status = Status.REFUSED if message.rcode == dns.rcode.REFUSED else Status.SERVFAIL
        detail = _code(message.rcode) + _more(message.options)
        return replace(nothing, status=status, detail=detail), ""

    asked = dns.rdatatype.from_text(kind)
    end, ttl = _name(name), 0x7FFFFFFF
    steps = 0
    while asked != _ALIAS and (aliases := message.named(end, _ALIAS)):
        steps += 1
        if steps > _CHAIN:
            return replace(nothing, status=Status.SERVFAIL, detail="aliases without an end"), ""
        end, ttl = message.name(aliases[0].start), min(ttl, aliases[0].ttl)

    found = message.named(end, asked)
    answer = replace(nothing, canonical=text(end), authentic=bool(message.flags & _AD))
    if found:
        if message.rcode == dns.rcode.NXDOMAIN:
            detail = "an answer that contradicts itself (NXDOMAIN with records)"
            return replace(nothing, status=Status.MALFORMED, detail=detail), ""
        records = tuple(dict.fromkeys(_record(message.data, r) for r in found))
        ttl = min(ttl, *(r.ttl for r in found))
        return replace(answer, status=Status.OK, records=records, ttl=ttl), ""

    soa = next((r for r in message.authority if r.kind == dns.rdatatype.SOA), None)
    if message.rcode == dns.rcode.NOERROR and soa is None:
        if steps:
            return replace(answer, ttl=ttl), text(end)
        delegated = any(r.kind == dns.rdatatype.NS for r in message.authority)
        if delegated and not message.flags & _AA:
            detail = "a referral: this server does not resolve for us"
            return replace(nothing, status=Status.REFUSED, detail=detail), ""
    lifetime = 0
    if soa is not None:
        minimum = int.from_bytes(message.data[soa.end - 4 : soa.end], "big")
        lifetime = min(ttl, soa.ttl, minimum)
    status = Status.NXDOMAIN if message.rcode == dns.rcode.NXDOMAIN else Status.NO_DATA
    return replace(answer, status=status, ttl=lifetime), ""


def _code(rcode: int) -> str:
    try:
        return dns.rcode.Rcode(rcode).name
    except ValueError:
        return f"code {rcode}"


def _more(options: bytes) -> str:
    """Give what extended errors say (RFC 8914): why a validating resolver said SERVFAIL."""
    words: list[str] = []
    at = 0
    while at + 4 <= len(options) and len(words) < _MOST_WORDS:
        option, size = _OPTION.unpack_from(options, at)
        content = options[at + 4 : at + 4 + size]
        at += 4 + size
        if option != dns.edns.OptionType.EDE or len(content) < 2:  # noqa: PLR2004 -- §2
            continue
        number = int.from_bytes(content[:2], "big")
        try:
            word = dns.edns.EDECode(number).name.replace("_", " ").lower()
        except ValueError:
            word = f"extended error {number}"
        said = content[2 : 2 + _LONGEST_WORDS].rstrip(b"\0").decode("utf-8", "replace")
        words.append(f"{word}: {said}" if said else word)
    together = ", ".join(words)[:_LONGEST_WORDS]
    if not together:
        return ""
    return f" ({''.join(c if c.isprintable() else '?' for c in together)})"


def _record(data: bytes, record: _Record) -> Record:
    if record.kind == dns.rdatatype.TXT:
        return _joined(data[record.start : record.end])
    if record.kind == dns.rdatatype.TLSA:
        return _tlsa(data[record.start : record.end])
    size = record.end - record.start
    kind = dns.rdatatype.RdataType.make(record.kind)
    rdata = dns.rdata.from_wire(_IN, kind, data, record.start, size)
    match rdata:
        case A() | AAAA():
            return str(rdata.address)
        case MX_RDATA():
            return MX(rdata.preference, text(rdata.exchange))
        case CNAME() | NS() | PTR():
            return text(rdata.target)
        case _:
            return rdata.to_text()


def _joined(data: bytes) -> bytes:
    """Join the strings of a TXT record (RFC 1035 §3.3.14)."""
    strings, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise dns.exception.FormError
        strings.append(data[at + 1 : end])
        at = end
    return b"".join(strings)


def _tlsa(data: bytes) -> str:
    """Write a TLSA record (RFC 6698 §2.2).

    One with a hash of a wrong length is still one: it spoils itself and not those beside it.
    """
    if len(data) < 3:  # noqa: PLR2004 -- RFC 6698 §2.1
        raise dns.exception.FormError
    return f"{data[0]} {data[1]} {data[2]} {data[3:].hex()}"


def text(name: dns.name.Name) -> str:
    r"""Give a name in lower case without a last dot; odd octets are written as `\ddd`."""
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()


def _name(name: str) -> dns.name.Name:
    # Not from_text: a backslash in a name is an octet like any other, and no escape.
    labels = [label.encode("ascii") for label in name.split(".")] if name else []
    return dns.name.Name([*labels, b""])
