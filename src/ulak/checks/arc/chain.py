"""The sets of a message and the order they stand in (RFC 8617 §4.2, §5.2 steps 1 to 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ulak.checks.dkim import tags
from ulak.checks.dkim.finding import Limits
from ulak.checks.dkim.header import SignedHeader
from ulak.checks.reason import Reason, because
from ulak.checks.results.reading import Scanner, text_of

MOST = 50  # sets (§4.2.1)

RESULTS = "ARC-Authentication-Results"
MESSAGE = "ARC-Message-Signature"
SEAL = "ARC-Seal"
KINDS = (RESULTS, MESSAGE, SEAL)  # in the order in which they are hashed (§5.1.1)

_DIGITS = 2
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Link:
    """One set: where its fields stand in the header, and what is in them."""

    instance: int
    results_at: int
    message_at: int
    seal_at: int
    message: tags.Tags
    seal: tags.Tags
    payload: str

    @property
    def places(self) -> tuple[int, int, int]:
        """Where its fields stand, in the order in which they are hashed."""
        return self.results_at, self.message_at, self.seal_at


@dataclass(frozen=True, slots=True)
class Chain:
    """The sets in order; there are none where the chain has no structure.

    `fault` says why the chain has failed, if it has. `highest` is the largest instance that could
    be read, `given_up` whether the newest seal itself says that the chain has failed.
    """

    links: tuple[Link, ...] = ()
    fault: Reason | None = None
    highest: int = 0
    given_up: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing of ARC in the message."""
        return not self.links and self.fault is None

    def sealed(self, instance: int) -> Iterator[int]:
        """Give the places of what the seal of an instance covers, without that seal (§5.1.1)."""
        for link in self.links[:instance]:
            yield from link.places if link.instance < instance else link.places[:2]


@dataclass(frozen=True, slots=True)
class _Part:
    """One field, read. `tags` are those of a signature, `payload` what stands in the other."""

    instance: int
    place: int
    tags: tags.Tags
    payload: str = ""


def collect(header: SignedHeader, limits: Limits) -> Chain:
    """Find the sets. Work is bounded by the size of the header."""
    places = {kind: header.places(kind.lower().encode()) for kind in KINDS}
    if not any(places.values()):
        return Chain()
    counts = {kind: len(found) for kind, found in places.items()}
    for kind, count in counts.items():
        if count > MOST:
            return Chain(fault=because("arc.too-many", field=kind, count=count, most=MOST))
    faults: list[Reason] = []
    parts: dict[str, list[_Part]] = {}
    for kind, found in places.items():
        parts[kind] = []
        for place in found:
            part = _read(kind, header.fields[place][1], place, limits)
            if isinstance(part, Reason):
                faults.append(part)
            else:
                parts[kind].append(part)
    highest = max((part.instance for found in parts.values() for part in found), default=0)
    last = max((part.instance for part in parts[SEAL]), default=0)
    for part in parts[SEAL]:
        if part.instance == last and part.tags.get("cv") == "fail":
            reason = because("arc.given-up", instance=last, domain=part.tags.get("d", ""))
            return Chain(fault=reason, highest=highest, given_up=True)
    fault = next(iter(faults), None) or _structure(parts, highest)
    if fault is not None:
        return Chain(fault=fault, highest=highest)
    by_instance = [
        sorted(found, key=lambda part: part.instance) for found in (parts[kind] for kind in KINDS)
    ]
    links = tuple(
        Link(
            results.instance,
            results.place,
            message.place,
            seal.place,
            message.tags,
            seal.tags,
            results.payload,
        )
        for results, message, seal in zip(*by_instance, strict=True)
    )
    return Chain(links, _chained(links), highest)


def _structure(parts: dict[str, list[_Part]], highest: int) -> Reason | None:
    """Say what is missing or too much: each set has one field of each kind, and none is left out.

    §5.2, step 3, A and B.
    """
    for kind, found in parts.items():
        numbers = [part.instance for part in found]
        twice = _first(number for number in numbers if numbers.count(number) > 1)
        if twice:
            return because("arc.twice", field=kind, instance=twice)
        missing = _first(number for number in range(1, highest + 1) if number not in numbers)
        if missing:
            return because("arc.missing", field=kind, instance=missing)
    return None


def _chained(links: Iterable[Link]) -> Reason | None:
    """Say which seal says the wrong thing of the sets before it (§5.2, step 3, C; §4.1.3)."""
    for link in links:
        expected = "none" if link.instance == 1 else "pass"
        cv = link.seal.get("cv", "")
        if cv != expected:
            return because("arc.cv", instance=link.instance, cv=cv, expected=expected)
        if "h" in link.seal:
            return because("arc.seal-with-h", instance=link.instance)
    return None


def _read(kind: str, octets: bytes, place: int, limits: Limits) -> _Part | Reason:
    """Read one whole field, or say what is wrong."""
    if len(octets) > limits.field:
        return because("arc.field-too-long", field=kind, octets=len(octets), most=limits.field)
    value = octets.partition(b":")[2]
    if kind == RESULTS:
        return _results(value, place)
    found = tags.read(tags.decoded(value), kind)
    if isinstance(found, Reason):
        return found
    number = _instance(found.get("i", ""))
    if number is None:
        return because("arc.instance", field=kind, value=found.get("i", ""), most=MOST)
    return _Part(number, place, found)


def _results(value: bytes, place: int) -> _Part | Reason:
    """Read the instance, and then what is like any Authentication-Results (§4.1.1).

    Whether the latter makes sense does not matter to the chain (§3.4).
    """
    text = text_of(value)
    scanner = Scanner(text)
    scanner.cfws()
    number = None
    if scanner.literal("i"):
        scanner.cfws()
        if scanner.literal("="):
            scanner.cfws()
            number = _instance(scanner.digits())
            scanner.cfws()
    if number is None or not scanner.literal(";"):
        shown = " ".join(text[:_LONGEST_SHOWN].split())
        return because("arc.instance", field=RESULTS, value=shown, most=MOST)
    return _Part(number, place, {}, text[scanner.at :])


def _instance(value: str) -> int | None:
    number = tags.number(value, _DIGITS)
    return number if number is not None and 1 <= number <= MOST else None


def _first(numbers: Iterable[int]) -> int:
    return next(iter(numbers), 0)
