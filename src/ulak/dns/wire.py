"""Questions and answers of DNS in octets (RFC 1035 §4, RFC 6891, RFC 2308), by dnspython.

What a server sends is checked before it is read, read within bounds, and never believed beyond
the question that was asked.
"""

from __future__ import annotations

import struct
from dataclasses import replace

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX as MX_RDATA
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.SOA import SOA
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from ulak.dns.records import MX, Answer, Record, Status

PAYLOAD = 1232  # octets of UDP that pass every path unfragmented (RFC 9715 §3.1)
MOST_RECORDS = 100  # of one section; what a hostile answer has beyond is not read

_HEADER = struct.Struct("!HHHHHH")
_QR, _OPCODE, _TC, _AD, _AA = 0x8000, 0x7800, 0x0200, 0x0020, 0x0400
_SILLY = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.SERVFAIL, dns.rcode.REFUSED})
_CHAIN = 16  # aliases followed in one answer
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
        message = dns.message.from_wire(_bounded(data), keyring=False, ignore_trailing=True)
        return _understand(message, name, kind)
    except Exception as error:  # noqa: BLE001 -- a stranger's octets; whatever the parser makes
        # of them (dnspython raises its own, ValueError, struct.error …), the mail goes on.
        detail = f"an answer that cannot be read ({type(error).__name__})"
        return Answer(name, kind, Status.MALFORMED, canonical=name, detail=detail), ""


def lacks_edns(data: bytes) -> bool:
    """Whether the server refused the question as one that knows no EDNS does (RFC 6891 §7)."""
    return _HEADER.unpack_from(data)[1] & 0xF in (dns.rcode.FORMERR, dns.rcode.NOTIMP)


def _bounded(data: bytes) -> bytes:
    """Cut the sections down to what is read: counts in the header are only claims."""
    identifier, flags, questions, answers, authority, additional = _HEADER.unpack_from(data)
    if answers > MOST_RECORDS:
        answers, authority, additional = MOST_RECORDS, 0, 0
    elif authority > MOST_RECORDS:
        authority, additional = MOST_RECORDS, 0
    additional = min(additional, MOST_RECORDS)
    counts = (questions, answers, authority, additional)
    return _HEADER.pack(identifier, flags, *counts) + data[_HEADER.size :]


def _understand(message: dns.message.Message, name: str, kind: str) -> tuple[Answer, str]:
    rcode = message.rcode()
    nothing = Answer(name, kind, Status.NO_DATA, canonical=name)
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        status = Status.REFUSED if rcode == dns.rcode.REFUSED else Status.SERVFAIL
        detail = f"{dns.rcode.to_text(rcode)}{_more(message)}"
        return replace(nothing, status=status, detail=detail), ""

    asked = dns.rdatatype.from_text(kind)
    end, ttl = _name(name), 0x7FFFFFFF
    steps = 0
    while asked != _ALIAS:
        alias = _find(message.answer, end, _ALIAS)
        if alias is None:
            break
        steps += 1
        if steps > _CHAIN:
            return replace(nothing, status=Status.SERVFAIL, detail="aliases without an end"), ""
        rdata = alias[0]
        assert isinstance(rdata, CNAME)  # noqa: S101 -- for the type checker
        end, ttl = rdata.target, min(ttl, alias.ttl)

    found = _find(message.answer, end, asked)
    answer = replace(nothing, canonical=text(end), authentic=bool(message.flags & dns.flags.AD))
    if found is not None:
        if rcode == dns.rcode.NXDOMAIN:
            detail = "an answer that contradicts itself (NXDOMAIN with records)"
            return replace(nothing, status=Status.MALFORMED, detail=detail), ""
        records = tuple(_record(rdata) for rdata in found)[:MOST_RECORDS]
        return replace(answer, status=Status.OK, records=records, ttl=min(ttl, found.ttl)), ""

    soa = next((r for r in message.authority if r.rdtype == dns.rdatatype.SOA), None)
    if rcode == dns.rcode.NOERROR and soa is None:
        if steps:
            return replace(answer, ttl=ttl), text(end)
        if not message.flags & dns.flags.AA and any(
            r.rdtype == dns.rdatatype.NS for r in message.authority
        ):
            detail = "a referral: this server does not resolve for us"
            return replace(nothing, status=Status.REFUSED, detail=detail), ""
    lifetime = 0
    if soa is not None and isinstance(soa[0], SOA):
        lifetime = min(ttl, soa.ttl, soa[0].minimum)
    status = Status.NXDOMAIN if rcode == dns.rcode.NXDOMAIN else Status.NO_DATA
    return replace(answer, status=status, ttl=lifetime), ""


def _more(message: dns.message.Message) -> str:
    """Give what an extended error says (RFC 8914): why a validating resolver said SERVFAIL."""
    words = []
    for option in message.options:
        if isinstance(option, dns.edns.EDEOption):
            try:
                code = dns.edns.EDECode(option.code).name.replace("_", " ").lower()
            except ValueError:
                code = f"extended error {int(option.code)}"
            words.append(f"{code}: {option.text}" if option.text else code)
    said = ", ".join(words)[:200]
    return f" ({''.join(c if c.isprintable() else '?' for c in said)})" if said else ""


def _find(
    section: list[dns.rrset.RRset], name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    for rrset in section:
        if rrset.rdtype == kind and rrset.rdclass == _IN and rrset.name == name and rrset:
            return rrset
    return None


def _record(rdata: dns.rdata.Rdata) -> Record:
    match rdata:
        case A() | AAAA():
            return str(rdata.address)
        case MX_RDATA():
            return MX(rdata.preference, text(rdata.exchange))
        case TXT():
            return b"".join(rdata.strings)
        case CNAME() | NS() | PTR():
            return text(rdata.target)
        case _:
            return rdata.to_text()


def text(name: dns.name.Name) -> str:
    r"""Give a name in lower case without a last dot; odd octets are written as `\ddd`."""
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()


def _name(name: str) -> dns.name.Name:
    # Not from_text: a backslash in a name is an octet like any other, and no escape.
    labels = [label.encode("ascii") for label in name.split(".")] if name else []
    return dns.name.Name([*labels, b""])
