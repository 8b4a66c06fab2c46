"""The chains of dkimpy's own tests, and chains that go to dkimpy and come from it."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.checks.arc.chains import ONE, SAID, THREE, ZONE, chain, judged, seal
from tests.checks.dkim.wiring import BODY, HEADER, NOW, drive
from tests.vectors.archive import read

from ulak.checks.arc import Result, verify
from ulak.checks.results import strip
from ulak.dns import Zone

dkim: Any = importlib.import_module("dkim")  # it has no types

DATA = "dkim/tests/data"
BOTH = (ONE, THREE)  # dkimpy knows no Ed25519 in ARC


@cache
def sets() -> dict[str, bytes]:
    """Give the ARC fields that stand in dkimpy's tests, by the test that has them."""
    source = ast.parse(read("dkimpy", "dkim/tests/test_arc.py"))
    found: dict[str, bytes] = {}
    for node in ast.walk(source):
        if isinstance(node, ast.FunctionDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.List):
                    found[node.name] = b"".join(ast.literal_eval(inner.value))
    return found


def vector(name: str) -> bytes:
    message = read("dkimpy", f"{DATA}/test.message")
    return sets()[name] + message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def vector_zone() -> Zone:
    record = read("dkimpy", f"{DATA}/test.txt")
    return Zone({("test._domainkey.example.com", "TXT"): [record]})


def test_the_set_that_dkimpy_makes_passes() -> None:
    finding = drive(verify(vector_zone(), vector("test_signs_and_verifies"), now=NOW))
    assert (finding.result, finding.oldest_pass) == (Result.PASS, 0)


def test_the_set_that_dkimpy_refuses_fails() -> None:
    finding = drive(verify(vector_zone(), vector("test_fails_h_in_as"), now=NOW))
    assert finding.result is Result.FAIL
    assert [reason.key for reason in finding.reasons] == ["arc.seal-with-h"]


# -- both ways ------------------------------------------------------------------------------------


def txt(name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001 -- dkimpy gives it
    """Look a key up for dkimpy."""
    answer = drive(ZONE.resolve(name.decode(), "TXT"))
    record = next(iter(answer.records), None)
    return record if isinstance(record, bytes) else None


def theirs(message: bytes) -> str:
    """Give what dkimpy finds of a chain; a chain that it gives up on is one that fails."""
    status, _, reason = dkim.arc_verify(message, dnsfunc=txt)
    if status is None and "cv=fail" in str(reason):
        return "fail"
    return str((status or b"none").decode())


@cache
def pem() -> bytes:
    assert isinstance(THREE.private, rsa.RSAPrivateKey)
    return THREE.private.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )


def sealed_by_dkimpy(message: bytes) -> bytes:
    """Let dkimpy add a set; it wants Authentication-Results of its own server to put into it."""
    said = b"Authentication-Results: mx.three.example; arc=%s; spf=pass smtp.mailfrom=a@b\r\n"
    status = theirs(message).encode()
    message = said % status + strip(message, "mx.three.example")
    key = THREE.selector.encode(), THREE.domain.encode()
    lines = dkim.arc_sign(message, *key, pem(), b"mx.three.example", timestamp=str(int(NOW)))
    return b"".join(lines) + message


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_dkimpy_finds_our_chains_as_we_do(count: int) -> None:
    assert theirs(chain(count, BOTH)) == "pass"


def test_chains_of_both_in_turn_pass_for_both() -> None:
    message = HEADER + b"\r\n" + BODY
    for turn in range(4):
        message = seal(message, ONE) if turn % 2 else sealed_by_dkimpy(message)
        assert judged(message).passed
        assert theirs(message) == "pass"


LINES = st.lists(st.text(st.sampled_from("ab \t.:;=é"), max_size=12), max_size=6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(LINES, LINES, st.integers(0, 3), st.booleans())
def test_any_message_sealed_by_one_passes_for_the_other(
    subject: list[str],
    body: list[str],
    sets_before: int,
    by_us: bool,  # noqa: FBT001 -- drawn
) -> None:
    text = " ".join(line.strip() for line in subject).strip() or "x"
    header = f"From: a@b.example\r\nSubject: {text}\r\nTo:  c@d.example \r\n".encode()
    message = header + b"\r\n" + "".join(f"{line}\r\n" for line in body).encode()
    for turn in range(sets_before):
        message = seal(message, ONE) if turn % 2 else sealed_by_dkimpy(message)
    message = seal(message, ONE, said=SAID) if by_us else sealed_by_dkimpy(message)
    assert judged(message).passed
    assert theirs(message) == "pass"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_where_octets_are_changed_both_find_the_same(data: st.DataObject) -> None:
    message = chain(data.draw(st.integers(1, 3)), BOTH)
    end = message.index(b"\r\nReceived:")  # the sets are in front of the rest
    place = data.draw(st.integers(0, end) | st.integers(0, len(message) - 1))
    octet = data.draw(st.sampled_from([b"", b"x", b"1", b";", b"=", b" "]))
    taken = data.draw(st.integers(0, 1))
    # dkimpy takes a bare LF for the end of a line, reads no message with a line in its header that
    # is no field, and knows an instance only after a space.
    assume(not taken or message[place] not in b"\r\n\t")
    assume(not taken or not message[place - 1 :].startswith(b": i="))
    changed = message[:place] + octet + message[place + taken :]
    # It reads no field with space before its colon either, which RFC 6376 §3.4.2 knows.
    assume(not re.search(rb"\n[!-9;-~]+ +:", changed))
    assume(changed.count(b"\r\n") == changed.count(b"\r") == changed.count(b"\n"))
    ours = judged(changed)
    # dkimpy raises on some of what it cannot read.
    try:
        their = theirs(changed)
    except Exception:  # noqa: BLE001 -- whatever it is, it is no pass
        their = "fail"
    assert ours.passed == (their == "pass"), [str(reason) for reason in ours.reasons]
