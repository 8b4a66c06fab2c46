"""The checks as a library: `import ulak` is enough, and each is found by its name."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ulak

PROGRAM = """
import asyncio, sys, ulak
assert not [name for name in sys.modules if name.startswith("ulak.checks.")], "found too early"
zone = ulak.dns.Zone({("example.org", "TXT"): ["v=spf1 -all"]})
spf = ulak.checks.spf.check(zone, ip="192.0.2.1", helo="mx.example", mail_from="a@example.org")
print(asyncio.run(spf).result)
"""


def test_a_program_of_one_import_checks_a_sender() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("fail\n", "")


def test_every_check_is_found_by_its_name() -> None:
    for name in ("dkim", "dmarc", "dnsbl", "helo", "iprev", "results", "spf"):
        assert getattr(ulak.checks, name).__name__ == f"ulak.checks.{name}"
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        getattr(ulak.checks, "guess")  # noqa: B009 -- that is what is tried
