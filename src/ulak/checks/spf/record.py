"""SPF records read without evaluating them (RFC 7208 §4.5, §4.6, §5, §6).

Every term is read, whatever is wrong with those before it, so that whoever publishes a record
hears of all its mistakes at once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ulak.checks.reason import Reason, because
from ulak.checks.spf import macros
from ulak.checks.spf.finding import Result
from ulak.checks.spf.macros import MacroString
from ulak.dns.records import Record as Data
from ulak.language.case import lower

QUALIFIERS = {
    "+": Result.PASS,
    "-": Result.FAIL,
    "~": Result.SOFTFAIL,
    "?": Result.NEUTRAL,
}
# Terms whose evaluation asks DNS, and which are counted (RFC 7208 §4.6.4).
ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})
MECHANISMS = ASKING | {"all", "ip4", "ip6"}

_VERSION = b"v=spf1"
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9\-_.]*)=")
_MECHANISM = re.compile(r"([+\-~?]?)([A-Za-z0-9\-_.]*)")
_LENGTHS = re.compile(r"(?:/([0-9]{1,9}))?(?://([0-9]{1,9}))?\Z")
_QNUM = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IP4 = re.compile(rf"{_QNUM}\.{_QNUM}\.{_QNUM}\.{_QNUM}(?:/([1-9]?[0-9]))?\Z")
_IP6 = re.compile(r"([0-9A-Fa-f:.]{2,45})(?:/(0|[1-9][0-9]{0,2}))?\Z")
_BITS = {4: 32, 6: 128}
# What people write where they mean something else.
_MEANT = {
    "ip": "ip4:",
    "ipv4": "ip4:",
    "ipv6": "ip6:",
    "includes": "include:",
    "redirect": "redirect=",
    "exp": "exp=",
    "exist": "exists:",
    "txt": "include:",
    "any": "all",
    "al": "all",
    "all.": "all",
}


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses with the same first bits: `bits` is the address without the others."""

    version: int
    bits: int
    shift: int

    def holds(self, version: int, number: int) -> bool:
        """Whether an address, as a number, is in it."""
        return self.version == version and number >> self.shift == self.bits


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism with its qualifier. `text` is the term as it is written.

    `name` is in lower case; `target` is the domain-spec, None for the domain itself; `network` is
    what `ip4` and `ip6` have; `lengths` are the CIDR prefix lengths for IPv4 and IPv6.
    """

    text: str
    result: Result
    name: str
    target: MacroString | None = None
    network: Network | None = None
    lengths: tuple[int, int] = (32, 128)


@dataclass(frozen=True, slots=True)
class Modifier:
    """A name with a value: `redirect`, `exp`, and any other, which is ignored (§6)."""

    text: str
    name: str
    value: MacroString


@dataclass(frozen=True, slots=True)
class Mistake:
    """A term that is wrong, and why."""

    term: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Record:
    """A record, read. With any of `mistakes` it must not be evaluated (§4.6)."""

    text: str
    directives: tuple[Directive, ...] = ()
    redirect: Modifier | None = None
    explanation: Modifier | None = None
    others: tuple[Modifier, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @property
    def has_all(self) -> bool:
        """Whether there is an `all`, which makes a redirect meaningless (§5.1)."""
        return any(directive.name == "all" for directive in self.directives)


def select(records: Iterable[Data]) -> tuple[str, ...]:
    """Give those of a domain's TXT records that are SPF records (§4.5).

    What is beyond ASCII stays in the text, where it is a mistake.
    """
    return tuple(
        _text(data)
        for data in records
        if isinstance(data, bytes)
        and data[:6].lower() == _VERSION
        and (len(data) == len(_VERSION) or data[6:7] == b" ")
    )


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse(text: str) -> Record:
    """Read a record that begins with `v=spf1`."""
    directives: list[Directive] = []
    others: list[Modifier] = []
    mistakes: list[Mistake] = []
    known: dict[str, Modifier] = {}
    for term in text.split(" ")[1:]:
        if not term:
            continue
        match _term(term):
            case Directive() as directive:
                directives.append(directive)
            case Modifier(name="redirect" | "exp" as name) as modifier:
                if name in known:
                    mistakes.append(Mistake(term, because("spf.modifier-twice", name=name)))
                known[name] = modifier
            case Modifier() as modifier:
                others.append(modifier)
            case Reason() as reason:
                mistakes.append(Mistake(term, reason))
    return Record(
        text,
        tuple(directives),
        known.get("redirect"),
        known.get("exp"),
        tuple(others),
        tuple(mistakes),
    )


def _term(term: str) -> Directive | Modifier | Reason:
    if not term.isascii() or not term.isprintable():
        return because("spf.term-not-ascii", term=term)
    if (match := _MODIFIER.match(term)) is not None:
        return _modifier(term, lower(match[1]), term[match.end() :])
    match = _MECHANISM.match(term)
    assert match is not None  # noqa: S101 -- it also matches nothing
    name, rest = lower(match[2]), term[match.end() :]
    result = QUALIFIERS[match[1] or "+"]
    match name:
        case "all":
            if rest:
                return because("spf.all-with-value", term=term)
            return Directive(term, result, name)
        case "ip4" | "ip6":
            return _network(term, result, name, rest)
        case "include" | "exists" | "ptr" | "a" | "mx":
            return _asking(term, result, name, rest)
    if (meant := _MEANT.get(name)) is not None:
        value = "" if meant == "all" else rest[1:]
        qualifier = "" if meant.endswith("=") else match[1]  # a modifier has none
        return because("spf.term-misspelt", term=term, meant=f"{qualifier}{meant}{value}")
    return because("spf.term-unknown", term=term)


def _modifier(term: str, name: str, text: str) -> Modifier | Reason:
    value = macros.read(text)
    if value is None:
        return because("spf.macro-broken", term=term)
    if name in ("redirect", "exp") and (wrong := _wrong(term, value)) is not None:
        return wrong
    return Modifier(term, name, value)


def _asking(term: str, qualifier: Result, name: str, rest: str) -> Directive | Reason:
    lengths = (32, 128)
    if name in ("a", "mx"):
        found = _LENGTHS.search(rest, _last_lengths(rest))
        if found is not None and found[0]:
            read = _prefix_lengths(found.groups())
            if read is None:
                return because("spf.prefix-length-wrong", term=term)
            lengths, rest = read, rest[: found.start()]
    if not rest:
        if name in ("include", "exists"):
            return because("spf.domain-missing", term=term)
        return Directive(term, qualifier, name, lengths=lengths)
    if rest[0] != ":":
        return because("spf.term-unknown", term=term)
    target = macros.read(rest[1:])
    if target is None:
        return because("spf.macro-broken", term=term)
    if (wrong := _wrong(term, target)) is not None:
        return wrong
    return Directive(term, qualifier, name, target, lengths=lengths)


def _last_lengths(rest: str) -> int:
    """Give a place before any prefix lengths at the end, so that a long term is not searched."""
    return max(0, len(rest) - 22)


def _prefix_lengths(groups: Sequence[str | None]) -> tuple[int, int] | None:
    read = []
    for group, longest in zip(groups, (32, 128), strict=True):
        value = longest if group is None else int(group)
        if value > longest or (group is not None and str(value) != group):
            return None
        read.append(value)
    return read[0], read[1]


def _wrong(term: str, target: MacroString) -> Reason | None:
    """Say what keeps a macro-string from being a domain-spec."""
    if not target.parts:
        return because("spf.domain-missing", term=term)
    if forbidden := sorted(target.letters & macros.EXPLAINING):
        return because("spf.macro-only-in-explanation", term=term, letter=forbidden[0])
    if not target.ends_as_a_domain:
        return because("spf.domain-wrong", term=term)
    return None


def _network(term: str, qualifier: Result, name: str, rest: str) -> Directive | Reason:
    if rest[:1] != ":" or len(rest) == 1:
        return because("spf.network-missing", term=term)
    text = rest[1:]
    network: Network | None = None
    if name == "ip4":
        if (match := _IP4.match(text)) is not None:
            a, b, c, d, length = match.groups()
            bits = int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)
            network = _shortened(4, bits, length)
    elif (match := _IP6.match(text)) is not None:
        try:
            bits = int(ipaddress.IPv6Address(match[1]))
        except ValueError:
            pass
        else:
            network = _shortened(6, bits, match[2])
    if network is not None:
        return Directive(term, qualifier, name, network=network)
    other = "ip6" if name == "ip4" else "ip4"
    if (_IP6 if other == "ip6" else _IP4).match(text) and (other == "ip4" or ":" in text):
        return because("spf.network-of-the-other-kind", term=term, meant=other)
    return because("spf.network-wrong", term=term)


def _shortened(version: int, bits: int, length: str | None) -> Network | None:
    """Leave out the bits that do not count; None where the length is longer than an address."""
    shift = _BITS[version] - (_BITS[version] if length is None else int(length))
    return None if shift < 0 else Network(version, bits >> shift, shift)
