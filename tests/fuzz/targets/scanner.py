"""What scanners answer: rspamd's JSON and clamd's line are a finding, never clean by mistake."""

from __future__ import annotations

import json

from tests.fuzz.octets import Octets

from ulak.checks.scanner import Finding, Result, clamd, rspamd


def judged(finding: Finding) -> None:
    assert finding.reasons
    for reason in finding.reasons:
        assert str(reason).isprintable()
        assert reason.text("tr").isprintable()
    assert finding.signature.isprintable()
    assert finding.message.isprintable()
    assert len(finding.symbols) <= 100
    assert len(finding.add) <= 20
    for field in finding.add:
        assert field.name.isascii()
        assert field.value.isprintable()
    if finding.score is not None:
        assert abs(finding.score) < 1e7


def one(data: bytes) -> None:
    given = Octets(data)
    of_rspamd = given.flag()
    answer = given.rest()
    if of_rspamd:
        finding = rspamd.read(answer, scanner="it")
        if finding.result is not Result.FAILED:
            assert json.loads(answer)["action"] == finding.action
        judged(rspamd.refused(500, answer, scanner="it"))
    else:
        finding = clamd.read(answer, scanner="it", size=1)
        assert (finding.result is Result.CLEAN) == (answer.strip(b"\r\n ") == b"stream: OK")
        assert clamd.health(answer).isprintable()
    judged(finding)
