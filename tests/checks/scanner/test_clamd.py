"""What clamd answers is read as what it means, and never as more than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.checks.scanner import Finding, Result
from ulak.checks.scanner.clamd import health, read


def told(answer: bytes) -> Finding:
    return read(answer, scanner="clamd", size=1000)


def test_ok_is_clean() -> None:
    finding = told(b"stream: OK")
    assert finding.result is Result.CLEAN
    assert finding.kind == "clamd"
    assert str(finding.reasons[0]) == "clamd found nothing that it knows as harmful."


def test_found_is_a_virus_with_its_name() -> None:
    finding = told(b"stream: Win.Test.EICAR_HDB-1 FOUND")
    assert finding.result is Result.VIRUS
    assert finding.signature == "Win.Test.EICAR_HDB-1"
    assert "Win.Test.EICAR_HDB-1" in finding.reasons[0].text("tr")


def test_a_signature_is_one_printable_line_of_bounded_length() -> None:
    finding = told(b"stream: a\r\nb\x00\x1b[31m " + b"x" * 1000 + b" FOUND")
    assert finding.result is Result.VIRUS
    assert finding.signature.isprintable()
    assert len(finding.signature) == 100


def test_its_own_limit_of_size_is_no_failure() -> None:
    finding = told(b"INSTREAM size limit exceeded. ERROR")
    assert finding.result is Result.TOO_LARGE
    assert not finding.result.scanned
    assert "StreamMaxLength" in str(finding.reasons[0])
    assert finding.reasons[0].facts["size"] == "1000"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"stream: ",
        b"stream:  FOUND",
        b"stream: FOUND",
        b"OK",
        b"PONG",
        b"UNKNOWN COMMAND",
        b"stream: OK\nstream: OK",
        b"stream: Can't allocate memory ERROR",
        b"SSH-2.0-OpenSSH_9.2p1",
        b"HTTP/1.1 400 Bad Request",
        b"\xff\xfe",
        b"stream: OKAY",
    ],
)
def test_what_is_no_verdict_is_never_taken_for_clean(answer: bytes) -> None:
    finding = told(answer)
    assert finding.result is Result.FAILED
    assert finding.reasons


@given(st.binary(max_size=300))
def test_whatever_it_answers_there_is_a_finding(answer: bytes) -> None:
    finding = told(answer)
    if finding.result is Result.CLEAN:
        assert answer.strip() == b"stream: OK"
    assert finding.reasons
    assert all(str(reason).isprintable() for reason in finding.reasons)


def test_its_version_is_one_line_and_anything_else_is_none() -> None:
    assert health(b"ClamAV 1.4.6/27000/Fri Nov 27") == "ClamAV 1.4.6/27000/Fri Nov 27"
    assert health(b"PONG") == ""
