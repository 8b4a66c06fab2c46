"""dkimpy and we come to the same result, whoever signed and whatever was changed afterwards.

Where the two are meant to disagree (each has a test of its own below):

- Bare CR and LF. dkimpy takes LF for a line end; for us, as in RFC 5322, only CRLF is one.
- Header lines that are no fields, or have space before the colon. dkimpy refuses the whole message;
  §3.4.2 knows such space, and what no signature covers does not break one.
- A line that begins with "From ", as mailbox files have it. dkimpy passes over it anywhere.
- Space at the end of a last line without CRLF. Such a body cannot come over SMTP; §3.4.4 ignores
  space at the ends of lines, and dkimpy not where the CRLF is missing.
- x= that equals t=. RFC 6376 §3.5 says that x= MUST be greater; dkimpy takes it.
- d= and i= with a space in the domain, and letters that are no base64 in a key: dkimpy passes over
  them, and we say that they cannot be read (§3.5, §3.6.1).
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import time
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.checks.dkim.wiring import BODY, DOMAIN, ED, HEADER, NOW, RSA, ZONE, judged, rsa_key

from ulak.checks.dkim import Key, Signer
from ulak.checks.dkim.canonical import Form

dkim: Any = importlib.import_module("dkim")

SMALL = Key(DOMAIN, "rsa", rsa_key())
PEM = RSA.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
SEED = base64.b64encode(ED.private.private_bytes_raw())  # type: ignore[union-attr] # ED is a key of Ed25519

NAMES = ("From", "To", "Subject", "subject", "Date", "X-A", "Received", "Reply-To", "List-Id")
WORDS = st.sampled_from(
    ["a", "b c", " ", "  ", "\t", "\r\n ", "\r\n\t ", "x@example.org", ":", ";", "=", "ü", "b="]
)
VALUES = st.lists(WORDS, max_size=6).map("".join)
FIELDS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["", " ", "\t"]), VALUES), max_size=8
)
PARTS = st.sampled_from(
    [b"\r\n", b" ", b"\t", b"  ", b"word", b"\r\n\r\n", b" \r\n", b".", b"\xff", b"--b"]
)
BODIES = st.lists(PARTS, max_size=20).map(lambda parts: b"".join([*parts, b"\r\n"]))
FORMS = st.sampled_from(Form)
LISTS = st.lists(st.sampled_from([name.lower() for name in NAMES]), max_size=7)
# Where and what is written over, or put in; never a line end.
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from([b"", b" ", b"  ", b"\t", b"a", b"Z", b":", b";"]),
        st.booleans(),
    ),
    max_size=3,
)


def theirs(message: bytes) -> bool | None:
    """Ask dkimpy whether the first signature holds; None where it does not read the header."""

    def published(name: bytes, **_more: int) -> bytes | None:
        entry = ZONE.find(name.decode("ascii", "replace").rstrip("."), "TXT")
        record = entry.records[0] if entry.records else None
        return record if isinstance(record, bytes) else None

    try:
        whole = dkim.DKIM(message)
    except dkim.MessageFormatError:
        return None
    with contextlib.suppress(Exception):  # it has more of them than it documents
        return bool(whole.verify(dnsfunc=published))
    return False


def ours(message: bytes) -> bool:
    findings = judged(message, now=time.time())
    return bool(findings) and findings[0].passed


def header_of(fields: list[tuple[str, str, str]]) -> bytes:
    """Write fields; no line of white space alone, which no message may have (RFC 5322 §3.2.2)."""
    lines = ["From: Ada <ada@example.org>\r\n"]
    for name, space, value in fields:
        folded = value.split("\r\n")
        kept = [folded[0], *(line for line in folded[1:] if line.strip())]
        lines.append(f"{name}:{space}" + "\r\n".join(kept) + "\r\n")
    return "".join(lines).encode()


def changed(message: bytes, changes: list[tuple[float, bytes, bool]]) -> bytes:
    for where, what, over in changes:
        at = int(where * (len(message) - 1))
        if message[at : at + 1] in (b"\r", b"\n") or message[at - 1 : at] in (b"\r", b""):
            continue
        message = message[:at] + what + message[at + int(over) :]
    return message


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    fields=FIELDS,
    octets=BODIES,
    forms=st.tuples(FORMS, FORMS),
    names=LISTS,
    more=LISTS,
    changes=CHANGES,
    elliptic=st.booleans(),
)
def test_what_we_sign_fares_alike(
    fields: list[tuple[str, str, str]], octets: bytes, forms: tuple[Form, Form], names: list[str],
    more: list[str], changes: list[tuple[float, bytes, bool]], *, elliptic: bool,
) -> None:  # fmt: skip
    signer = Signer([ED if elliptic else RSA], names, more, *forms)
    header = header_of(fields)
    whole = signer.sign(header, octets, NOW) + header + b"\r\n" + octets
    if header.lower().count(b"\nfrom:") == 0:
        assert ours(whole)
        assert theirs(whole)
    message = changed(whole, changes)
    assume(b"\nFrom " not in message)
    assert theirs(message) in (ours(message), None)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    fields=FIELDS,
    octets=BODIES,
    forms=st.tuples(FORMS, FORMS),
    names=LISTS,
    length=st.booleans(),
    changes=CHANGES,
    elliptic=st.booleans(),
)
def test_what_they_sign_fares_alike(
    fields: list[tuple[str, str, str]], octets: bytes, forms: tuple[Form, Form], names: list[str],
    changes: list[tuple[float, bytes, bool]], *, length: bool, elliptic: bool,
) -> None:  # fmt: skip
    message = header_of(fields) + b"\r\n" + octets
    made = dkim.sign(
        message,
        b"ed" if elliptic else b"rsa",
        DOMAIN.encode(),
        SEED if elliptic else PEM,
        canonicalize=tuple(str(form).encode() for form in forms),
        include_headers=[b"from", *(n.encode() for n in names if n != "received")],
        length=length,
        signature_algorithm=b"ed25519-sha256" if elliptic else b"rsa-sha256",
    )
    whole = made + message
    if message.lower().count(b"\nfrom:") == 0:
        assert ours(whole)
        assert theirs(whole)
    message = changed(whole, changes)
    assume(b"\nFrom " not in message)
    assert theirs(message) in (ours(message), None)


def test_we_disagree_on_bare_line_ends() -> None:
    message = Signer([ED]).sign(HEADER, BODY, NOW) + HEADER + b"\r\n" + BODY
    assert theirs(message.replace(b"\r\n", b"\n"))
    assert not ours(message.replace(b"\r\n", b"\n"))


def test_we_disagree_on_the_line_of_a_mailbox_file() -> None:
    message = Signer([ED]).sign(HEADER, BODY, NOW) + b"From ada\r\n" + HEADER + b"\r\n" + BODY
    assert theirs(message)
    assert not ours(message)


def test_we_disagree_on_space_after_the_last_line_end() -> None:
    body = b"a "
    message = Signer([ED]).sign(HEADER, body, NOW) + HEADER + b"\r\n" + body
    assert ours(message)
    assert not theirs(message)


def test_we_disagree_on_a_signature_that_ends_when_it_begins() -> None:
    made = Signer([ED], lifetime=10**9).sign(HEADER, BODY, NOW)
    at = made.index(b"x=") + 2
    early = made[:at] + str(int(NOW)).encode() + made[at + 10 :]
    whole = early + HEADER + b"\r\n" + BODY
    (finding,) = judged(whole, now=NOW)
    assert finding.reasons[-1].key == "dkim.never-valid"


def test_we_disagree_on_lines_that_are_no_fields() -> None:
    message = Signer([ED]).sign(HEADER, BODY, NOW) + HEADER + b"\r\n" + BODY
    for old, new in ((b"Received:", b"Received :"), (b"\tby b", b"by b")):
        assert theirs(message.replace(old, new)) is None
        assert ours(message.replace(old, new))
    assert not ours(message.replace(b"To: grace", b"To grace"))
