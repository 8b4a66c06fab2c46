"""MTA-STS records and policies are read as RFC 8461 says."""

from __future__ import annotations

import asyncio

import pytest

from ulak.checks import mta_sts
from ulak.checks.mta_sts import Mode, Result
from ulak.dns import Status, Zone

POLICY = (
    b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
    b"max_age: 604800\r\n"
)


@pytest.mark.parametrize(
    ("records", "result", "key"),
    [
        (["v=STSv1; id=20160831085700Z;"], Result.PUBLISHED, "record"),
        (["v=STSv1;id=1"], Result.PUBLISHED, "record"),
        (["v=STSv1 ; id=1; ext=x:y"], Result.PUBLISHED, "record"),
        (["something", "v=STSv1; id=1"], Result.PUBLISHED, "record"),
        ([], Result.NONE, "no-record"),
        (["v=STSv2; id=1"], Result.PERMERROR, "misspelt"),
        (["v=stsv1; id=1"], Result.PERMERROR, "misspelt"),
        (["v=STSv1; id=1", "v=STSv1; id=2"], Result.PERMERROR, "several"),
        (["v=STSv1"], Result.PERMERROR, "no-id"),
        (["v=STSv1; id=a-b"], Result.PERMERROR, "bad-id"),
        (["v=STSv1; id=" + "1" * 33], Result.PERMERROR, "bad-id"),
        (["v=STSv1; id=1; oops"], Result.PERMERROR, "bad-field"),
        (Status.SERVFAIL, Result.TEMPERROR, ""),
        (Status.TIMEOUT, Result.TEMPERROR, ""),
    ],
)
def test_a_record_counts_or_says_why_not(
    records: list[str] | Status, result: Result, key: str
) -> None:
    dns = Zone({("_mta-sts.d.example", "TXT"): records})
    found = asyncio.run(mta_sts.check(dns, domain="d.example"))
    assert found.result is result
    assert found.reasons[-1].key == (f"mta_sts.{key}" if key else "dns.failed")
    assert (found.id != "") is (result is Result.PUBLISHED)


def test_a_policy_is_read() -> None:
    for octets in (POLICY, POLICY.replace(b"\r\n", b"\n"), POLICY + b"new-field: x y\n"):
        policy = mta_sts.read(octets)
        assert policy.valid
        assert (policy.mode, policy.max_age) == (Mode.ENFORCE, 604_800)
        assert policy.mx == ("mail.example.com", "*.example.net")
        assert policy.mistakes == ()


@pytest.mark.parametrize(
    ("old", "new", "valid", "key"),
    [
        (b"STSv1", b"STSv2", False, "bad-version"),
        (b"version: STSv1\r\n", b"", False, "bad-version"),
        (b"enforce", b"Enforce", False, "bad-mode"),
        (b"604800", b"31557601", False, "bad-age"),
        (b"604800", b"-1", False, "bad-age"),
        (b"604800", "٣".encode(), False, "bad-age"),
        (b"mx: mail.example.com\r\nmx: *.example.net\r\n", b"", False, "no-mx"),
        (b"*.example.net", b"a.*.example.net", True, "bad-mx"),
        (b"*.example.net", b"*example.net", True, "bad-mx"),
        (b"*.example.net", b"localhost", True, "bad-mx"),
        (b"mode: enforce", b"mode: enforce\r\nmode: none", True, "twice"),
        (b"mode: enforce", b"mode: enforce\r\n<html>", True, "bad-line"),
    ],
)
def test_a_mistake_in_a_policy_is_named(old: bytes, new: bytes, valid: bool, key: str) -> None:  # noqa: FBT001 -- a table's column
    policy = mta_sts.read(POLICY.replace(old, new))
    assert policy.valid is valid
    assert [reason.key for reason in policy.mistakes] == [f"mta_sts.{key}"]


def test_a_policy_that_takes_one_back_needs_no_hosts() -> None:
    policy = mta_sts.read(b"version: STSv1\nmode: none\nmax_age: 86400\n")
    assert policy.valid
    assert not mta_sts.allows(policy, "mx.example")


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("mail.example.com", "Mail.Example.com", True),
        ("mail.example.com", "mail.example.org", False),
        ("*.example.com", "mail.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "foo.bar.example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "mail.example.com.evil.example", False),
    ],
)
def test_a_wildcard_stands_for_one_label(pattern: str, host: str, fits: bool) -> None:  # noqa: FBT001 -- a table's column
    assert mta_sts.matches(pattern, host) is fits
