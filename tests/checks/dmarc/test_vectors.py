"""The messages and expectations in the source archive of authheaders.

They were written for RFC 7489, with a list of public suffixes; where RFC 9989 has another way the
section stands beside it.
"""

from __future__ import annotations

import ast
import re

import pytest
from tests.checks.dmarc.asking import Dkim, judge_header
from tests.vectors.archive import read

from ulak.checks.dmarc import authors

_TESTS = "authheaders/test/test_authentication.py"


def records() -> dict[str, str]:
    """Give the table of DNS in the archive's own test; empty texts are names without a record."""
    tree = ast.parse(read("authheaders", _TESTS))
    table = next(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Dict)
        and len(node.value.keys) > 5
    )
    found = {}
    for key, value in zip(table.keys, table.values, strict=True):
        assert isinstance(key, ast.Constant)
        name = str(key.value)
        if isinstance(value, ast.Constant) and value.value and "_domainkey" not in name:
            known = name.startswith("_dmarc.")
            found[name.removeprefix("_dmarc.") if known else f"+{name}"] = str(value.value)
    return {k: "192.0.2.1" if k.startswith("+") else v for k, v in found.items()}


def expected() -> dict[str, str]:
    """Give what each of the archive's tests expects, by its name."""
    tree = ast.parse(read("authheaders", _TESTS))
    return {
        test.name: str(call.args[1].value)
        for test in ast.walk(tree)
        if isinstance(test, ast.FunctionDef)
        for call in ast.walk(test)
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", "") == "assertEqual"
        and isinstance(call.args[1], ast.Constant)
    }


def header(name: str) -> bytes:
    octets = read("authheaders", f"authheaders/test/{name}")
    return re.sub(rb"\r?\n", b"\r\n", octets).partition(b"\r\n\r\n")[0] + b"\r\n"


PASSES = [Dkim("pass", "example.com")]
BOTH = [Dkim("fail", "example.com"), Dkim("pass", "example.org")]


@pytest.mark.parametrize(
    ("test", "message", "dkim"),
    [
        ("test_authenticate_dmarc", "test.message_signed", PASSES),
        ("test_authenticate_dmarc_comma", "testcomma.message", PASSES),
        ("test_authenticate_dmarc_nofrom", "test.nofrom.message", []),
        ("test_authenticate_dmarc_psdsub", "test.gov.message", []),
        ("test_authenticate_dmarc_mult_from", "test.message_multi", BOTH),
        ("test_authenticate_dmarc_mult_from2", "test.message_multi2", BOTH),
        ("test_authenticate_dmarc_sub", "test.message_sub", [Dkim("fail", "sub.example.net")]),
        ("test_authenticate_dmarc_np1", "test.message_np1", [Dkim("fail", "sub.example.biz")]),
        ("test_authenticate_dmarc_np2", "test.message_np2", [Dkim("fail", "sub2.example.biz")]),
        ("test_authenticate_dmarc_no_p", "test_nop.message", [Dkim("fail", "nop.example.org")]),
    ],
)
def test_the_messages_of_authheaders(test: str, message: str, dkim: list[Dkim]) -> None:
    wanted = expected()[test]
    finding = judge_header(records(), header(message), dkim=dkim)
    (result,) = re.findall(r"; dmarc=(\w+)", wanted)
    assert finding.result == result
    for policy in re.findall(r"policy\.dmarc=(\w+)", wanted):
        assert finding.policy == policy
    for domain in re.findall(r"header\.from=(\S+)", wanted):
        assert finding.from_domain == domain.replace("none", "")


def test_a_slip_in_a_record_no_longer_spoils_it() -> None:
    """`p=none; reject`: a permanent error in RFC 7489, p=none in RFC 9989 (§4.8)."""
    assert "dmarc=permerror" in expected()["test_authenticate_dmarc_bad"]
    finding = judge_header(records(), header("test.bad.message"))
    assert (finding.result, finding.policy) == ("fail", "none")
    assert "dmarc.part-unreadable" in [reason.key for reason in finding.reasons]


def test_the_from_fields_of_authheaders() -> None:
    tree = ast.parse(read("authheaders", _TESTS))
    (pairs,) = (
        ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "froms_to_test"
    )
    for value, domain in pairs:
        assert authors(f"From: {value}\r\n".encode()) == (domain,)
