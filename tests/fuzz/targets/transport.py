"""MTA-STS, TLS-RPT, DANE, BIMI: what strangers publish and serve is read, or said to be wrong."""

from __future__ import annotations

import asyncio

from tests.fuzz.octets import Octets

from ulak.checks import bimi, dane, mta_sts, tls_rpt
from ulak.checks.reason import Reason
from ulak.dns.records import Answer, Record, Status


class Told:
    """A resolver that has one record of a stranger's for every name."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    async def resolve(self, name: str, kind: str) -> Answer:
        """Answer with it."""
        record: Record = self._octets if kind == "TXT" else self._octets.decode("utf-8", "replace")
        return Answer(name, kind, Status.OK, (record,), authentic=True)


def said(reasons: tuple[Reason, ...]) -> None:
    assert len(reasons) <= 60
    for reason in reasons:
        assert reason.text().isprintable()
        assert reason.text("tr").isprintable()


def one(data: bytes) -> None:
    given = Octets(data)
    what = given.choice(("policy", "mta-sts", "tls-rpt", "bimi", "dane"))
    octets = given.rest()
    if what == "policy":
        policy = mta_sts.read(octets)
        said(policy.mistakes)
        assert 0 <= policy.max_age <= mta_sts.LONGEST_AGE
        assert not policy.valid or policy.mode is not None
        assert all(mta_sts.allows(policy, mx.replace("*", "a")) for mx in policy.mx)
        return
    if what == "mta-sts":
        found = asyncio.run(mta_sts.check(Told(b"v=STSv1;" + octets), domain="d.example"))
        said(found.reasons)
        assert (found.result == "published") is bool(found.id)
    elif what == "tls-rpt":
        reports = asyncio.run(tls_rpt.check(Told(b"v=TLSRPTv1;" + octets), domain="d.example"))
        said(reports.reasons)
        assert (reports.result == "published") is bool(reports.rua)
    elif what == "bimi":
        said(asyncio.run(bimi.check(Told(b"v=BIMI1;" + octets), domain="d.example")).reasons)
    else:
        hosts = asyncio.run(dane.check(Told(octets), host="mx.example"))
        said(hosts.reasons)
        for record in hosts.records:
            assert dane.read(str(record)) == record
            assert dane.match([record], [record.data, octets], names_fit=True) is None
