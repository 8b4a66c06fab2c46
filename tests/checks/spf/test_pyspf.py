"""Records and zones drawn by lot, judged by pyspf too: where the two differ, the RFC says why."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.checks.spf.asking import Table, judge, said

from ulak.checks.spf import Finding
from ulak.dns import MX, Status, Zone
from ulak.dns.names import to_ascii

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its docstrings have escapes that Python warns of
    pyspf: Any = importlib.import_module("spf")  # has no types

DOMAINS = ("example.org", "a.example.org", "b.example", "c.example.net")
HOSTS = ("h0.example.org", "h1.b.example", "h2.example", "nobody.example")
ADDRESSES = ("192.0.2.1", "192.0.2.9", "198.51.100.1", "203.0.113.7")
ADDRESSES_6 = ("2001:db8::1", "2001:db8:9::1")
CLIENTS = ("192.0.2.1", "203.0.113.7", "2001:db8::1")
SENDERS = ("ada@example.org", "strong-bad+x@example.org", "@example.org", "x.y.z@example.org", "")
T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """What is asked, of which zone."""

    table: Table
    ip: str
    mail_from: str
    helo: str = "a.example.org"

    def zone(self) -> Zone:
        return Zone(self.table)

    def records(self) -> Iterable[str]:
        """Give the SPF records of the zone."""
        for (_, kind), entry in self.table.items():
            if kind == "TXT" and not isinstance(entry, Status):
                yield from (str(text) for text in entry if str(text).lower().startswith("v=spf1"))

    def has(self, *words: str) -> bool:
        """Whether any record has one of these in it."""
        return any(word in record.lower() for record in self.records() for word in words)


@dataclass(frozen=True)
class Theirs:
    """What pyspf says: the result, why it is an error, and the question that failed, if one did."""

    result: str
    problem: str
    failed: tuple[str, str] | None


def theirs(case: Case) -> Theirs:
    """Ask pyspf."""
    zone = case.zone()
    failed: list[tuple[str, str]] = []

    def lookup(
        name: str, kind: str, *_: object, **__: object
    ) -> list[tuple[tuple[str, str], object]]:
        asked = to_ascii(name)
        if asked is None:
            return []
        found = zone.find(asked, kind)
        if found.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN):
            failed.append((asked, kind))
            raise pyspf.TempError(str(found.status))
        return [((name, kind), _shown(record)) for record in found.records]

    pyspf.DNSLookup = lookup
    query = pyspf.query(case.ip, case.mail_from, case.helo, receiver="mx.example.net", strict=True)
    result, _, words = query.check()
    return Theirs(str(result), str(words), failed[-1] if failed else None)


def ours(case: Case) -> Finding:
    """Ask Ulak."""
    return judge(case.zone(), case.ip, mail_from=case.mail_from, helo=case.helo)


def _shown(record: object) -> object:
    match record:
        case MX(preference, exchange):
            return preference, exchange
        case bytes():
            return (record,)
        case _:
            return record


# -- what is drawn --------------------------------------------------------------------------------


def mostly(
    usual: st.SearchStrategy[T], rare: st.SearchStrategy[T], of: int
) -> st.SearchStrategy[T]:
    """Draw the rare thing once in so many times."""
    return st.integers(1, of).flatmap(lambda lot: rare if lot == of else usual)


NAMES = st.sampled_from(
    [
        *DOMAINS,
        *HOSTS,
        "%{d}",
        "%{o}",
        "%{h}",
        "%{d2}",
        "%{l}.example",
        "%{ir}.%{v}.example",
        "%{l1r-}.%{d2}",
        "%{s}.b.example",
        "%{L}.example",
        "h0.%{d1r}%%.example",
        "h0.example.org.",
    ]
)
LENGTHS = st.sampled_from(["", "", "", "/24", "/8", "/0", "//32", "//0", "/24//64", "/32//128"])
MECHANISMS = st.one_of(
    st.just("all"),
    st.builds(
        "ip4:{}{}".format, st.sampled_from(ADDRESSES), st.sampled_from(["", "/24", "/32", "/0"])
    ),
    st.builds("ip6:{}{}".format, st.sampled_from(ADDRESSES_6), st.sampled_from(["", "/32", "/0"])),
    st.builds("{}{}".format, st.sampled_from(["a", "mx", "A", "MX"]), LENGTHS),
    st.builds("{}:{}{}".format, st.sampled_from(["a", "mx"]), NAMES, LENGTHS),
    st.builds("include:{}".format, NAMES),
    st.builds("exists:{}".format, NAMES),
    st.just("ptr"),
    st.builds("ptr:{}".format, NAMES),
)
DIRECTIVES = st.builds("{}{}".format, st.sampled_from(["", "", "+", "-", "~", "?"]), MECHANISMS)
MODIFIERS = st.one_of(
    st.builds("redirect={}".format, NAMES),
    st.builds("exp={}".format, NAMES),
    st.sampled_from(["moo=x", "x.y=%{d}", "Redirect=b.example"]),
)
BROKEN = st.sampled_from(
    [
        "moo", "all:x", "all.", "ip4:192.0.2", "ip4:192.0.2.0/33", "ip4:192.0.02.1", "ip4:",
        "a:", "a:localhost", "a/33", "a//129", "mx/08", "include", "include:", "exists", "ptr/24",
        "redirect=", "exp=", "redirect:b.example", "a:%{x}.example", "a:%(d).example", "a:%{d0}",
        "exists:%{c}.example", "a:b.example,", "-", "=x", "a:b.1", "a:%", "moo/x=y", "ptr:",
        "ip6:192.0.2.1",
    ]
)  # fmt: skip
TERMS = mostly(mostly(DIRECTIVES, MODIFIERS, 6), BROKEN, 60)
RECORDS = st.lists(TERMS, max_size=12).map(lambda terms: " ".join(["v=spf1", *terms]))
TEXTS: st.SearchStrategy[Any] = mostly(
    RECORDS.map(lambda record: [record]),
    st.one_of(
        st.lists(RECORDS, min_size=2, max_size=2),
        st.sampled_from([["v=spf10 +all"], ["hello", "v=spf1 a -all"], [], ["V=SPF1 mx ~ALL "]]),
        st.sampled_from([Status.TIMEOUT, Status.SERVFAIL]),
    ),
    10,
)
FAILING: st.SearchStrategy[Any] = st.just(Status.TIMEOUT)
EXCHANGES = st.lists(st.tuples(st.sampled_from([10, 20]), st.sampled_from(HOSTS)), max_size=12)
OWN_NAMES = st.lists(st.sampled_from([*HOSTS, *DOMAINS]), max_size=4, unique=True)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a zone and a question."""
    table: dict[tuple[str, str], Any] = {}
    for name in DOMAINS:
        table[name, "TXT"] = draw(TEXTS)
        table[name, "MX"] = draw(mostly(EXCHANGES, FAILING, 20))
    for name in (*DOMAINS, *HOSTS[:3]):
        for kind, pool in (("A", ADDRESSES), ("AAAA", ADDRESSES_6)):
            addresses = st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True)
            table[name, kind] = draw(mostly(mostly(addresses, st.just([]), 6), FAILING, 20))
    for name in ("1.2.0.192.in-addr.arpa", "7.113.0.203.in-addr.arpa"):
        table[name, "PTR"] = draw(mostly(OWN_NAMES, FAILING, 10))
    return Case(table, draw(st.sampled_from(CLIENTS)), draw(st.sampled_from(SENDERS)))


# -- where the two differ -------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A way in which pyspf differs, the section that says otherwise, and a case of it."""

    section: str
    applies: Callable[[Case, Finding, Theirs], bool]
    example: Case
    ours: str
    theirs: str


def one(record: str, more: Table | None = None, ip: str = "192.0.2.1") -> Case:
    return Case({("example.org", "TXT"): [record], **(more or {})}, ip, "ada@example.org")


def _of_the_client(case: Case, question: tuple[str, str]) -> bool:
    """Whether a question is about the client's own names."""
    name, kind = question
    own = [
        name
        for (_, kind), entry in case.table.items()
        if kind == "PTR" and not isinstance(entry, Status)
        for name in entry
    ]
    return kind == "PTR" or name in own


DIFFERENCES = (
    Difference(
        "§4.6.4 limits the *terms* whose question finds nothing; pyspf counts every question, also "
        "those for the addresses of MX hosts and of the client's names",
        lambda case, ours, other: (
            other.result == "permerror"
            and "Void lookup" in other.problem
            and ours.void_lookups <= 2
            and case.has("mx", "ptr", "%{p")
        ),
        one(
            "v=spf1 mx +all",
            {("example.org", "MX"): [(1, f"h{n}.example") for n in range(3)]},
        ),
        "pass",
        "permerror",
    ),
    Difference(
        "§5.5: where a question about the client's own names fails, ptr does not match",
        lambda case, _, other: (
            other.result == "temperror"
            and other.failed is not None
            and case.has("ptr", "%{p")
            and _of_the_client(case, other.failed)
        ),
        one("v=spf1 ptr -all", {("1.2.0.192.in-addr.arpa", "PTR"): Status.TIMEOUT}),
        "fail",
        "temperror",
    ),
    Difference(
        "§5.4 sets no order among MX hosts: one that matches decides, though another is silent",
        lambda case, ours, other: (
            other.result == "temperror"
            and other.failed is not None
            and any((a.name, a.kind) == other.failed and a.failed for a in ours.trace)
            and case.has("mx")
        ),
        one(
            "v=spf1 mx -all",
            {
                ("example.org", "MX"): [(1, "h0.example"), (2, "h1.example")],
                ("h0.example", "A"): Status.TIMEOUT,
                ("h1.example", "A"): ["192.0.2.1"],
            },
        ),
        "pass",
        "temperror",
    ),
    Difference(
        "§4.6.4 counts what is evaluated; pyspf counts a redirect that is never come to (§6.1)",
        lambda case, ours, other: (
            other.result == "permerror"
            and "Too many DNS lookups" in other.problem
            and case.has("redirect=")
            and ours.lookups <= 10
        ),
        one(
            "v=spf1" + " a" * 10 + " -all redirect=b.example",
            {("example.org", "A"): ["203.0.113.1"]},
        ),
        "fail",
        "permerror",
    ),
    Difference(
        "§4.6.1: names of modifiers are case-insensitive",
        lambda case, *_: any("Redirect=" in record for record in case.records()),
        one("v=spf1 Redirect=b.example", {("b.example", "TXT"): ["v=spf1 -all"]}),
        "fail",
        "neutral",
    ),
    Difference(
        "§6: unrecognized modifiers are ignored, however often they appear",
        lambda _, ours, other: (
            other.result == "permerror"
            and "MUST appear at most once" in other.problem
            and "modifier-twice" not in said(ours)
        ),
        one("v=spf1 moo=x moo=x -all"),
        "fail",
        "permerror",
    ),
    Difference(
        "§4.6.2: terms are evaluated from left to right; an include of the domain itself, which no "
        "client comes to, is no mistake in syntax",
        lambda _, ours, other: (
            other.result == "permerror"
            and "trivial recursion" in other.problem
            and ours.result != "permerror"
        ),
        one("v=spf1 -all include:example.org"),
        "fail",
        "permerror",
    ),
    Difference(
        "§7.3: the number of parts MUST be nonzero",
        lambda case, ours, _: case.has("%{d0}") and ours.result == "permerror",
        one("v=spf1 a:%{d0} -all"),
        "permerror",
        "fail",
    ),
)


def known(case: Case, finding: Finding, other: Theirs) -> bool:
    """Whether there is a written reason for a disagreement."""
    return any(difference.applies(case, finding, other) for difference in DIFFERENCES)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.section[:30])
def test_every_known_difference_is_one(difference: Difference) -> None:
    case = difference.example
    finding, other = ours(case), theirs(case)
    assert (finding.result, other.result) == (difference.ours, difference.theirs)
    assert [d for d in DIFFERENCES if d.applies(case, finding, other)] == [difference]


def agree(case: Case) -> None:
    """Compare the two on one case."""
    finding, other = ours(case), theirs(case)
    assert finding.result == other.result or known(case, finding, other), "\n".join(
        [str(other), *map(str, case.table.items()), *map(str, finding.reasons)]
    )


@settings(max_examples=50, deadline=None, derandomize=True)
@given(cases())
def test_both_say_the_same_but_for_what_is_known(case: Case) -> None:
    agree(case)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_both_say_the_same_of_many_more(case: Case) -> None:
    agree(case)
