"""The zones of the lists in DNS: what their answers mean, whether they live, who may ask.

Answers are addresses in 127.0.0.0/8 (RFC 5782 §2.1); the test entries are those of §5 where the
table names no other.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ulak.language import Texts
from ulak.replies.blocklists.naming import Blocklister, lists

TEXTS = Texts(Path(__file__).parent / "texts")
"""`means.*`, `do.*`, `expiry.*`, `usage.*`, `why.*`."""
_FILE = Path(__file__).parent / "zones.toml"
_DATA = int(ipaddress.IPv4Address("127.0.0.0"))
_OCTET = 255


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an answer says. `severity` is `critical`, `warning`, `note` or `good` for a sender.

    `name` is the text that says it (`means.NAME`), `steps` what to do (`do.NAME`), in order, and
    `expiry` when an entry ends (`expiry.NAME`).
    """

    name: str
    severity: str
    steps: tuple[str, ...]
    expiry: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One zone. `target` are of `ip4`, `ip6`, `domain` and `address`.

    `codes` are ranges of answers as numbers, with what they mean; `harmless` and `refusals` are
    answers that are no listing, the second because the list refused. `bits` says that the last
    octet is a sum. `good` is an allow list. `status` is `live`, `unverified` or `dead`, `since`
    a date or part of one; `usage` is `free`, `quota`, `little`, `registered`, `key` or `paid`.
    """

    zone: str
    name: str
    lister: Blocklister
    target: frozenset[str]
    status: str
    usage: str = ""
    codes: tuple[tuple[int, int, str], ...] = ()
    harmless: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    bits: bool = False
    good: bool = False
    listed_test: str = ""
    expiry: str = ""
    part_of: str = ""
    since: str = ""
    why: str = ""

    @property
    def asked(self) -> bool:
        """Whether anybody may ask it, and learns something from it that no other zone says."""
        return self.status != "dead" and not self.part_of and self.usage not in ("key", "paid")

    def meanings(self, codes: Iterable[str]) -> tuple[Meaning, ...]:
        """Say what answers mean, each once; none for answers that the table does not know."""
        found = dict.fromkeys(name for code in codes for name in self._names(code))
        return tuple(_meanings()[name] for name in found)

    def _names(self, code: str) -> Iterator[str]:
        value = int(ipaddress.IPv4Address(code)) - _DATA
        if self.bits and value <= _OCTET:
            yield from (name for bit, _, name in self.codes if value & bit)
        else:
            yield from (name for first, last, name in self.codes if first <= value <= last)


@cache
def entries() -> Mapping[str, Entry]:
    """Give every zone by its name."""
    return {zone: _entry(zone, table) for zone, table in _read().items() if zone != "meaning"}


def entry_of(zone: str) -> Entry | None:
    """Give what is known of a zone, by its name in any spelling, or None."""
    name = zone.rstrip(".").lower() if zone.isascii() else ""
    if (found := entries().get(name)) is not None:
        return found
    # A zone with a key in front of it, and a part of a list that is gone.
    for known, entry in entries().items():
        if (entry.usage == "key" or entry.status == "dead") and name.endswith("." + known):
            return entry
    return None


def find(slug: str) -> tuple[Entry, ...]:
    """Give the zones of a list by its short name."""
    return tuple(entry for entry in entries().values() if entry.lister.slug == slug)


def to_ask(target: str) -> tuple[Entry, ...]:
    """Give the zones that anybody may ask about an `ip4`, an `ip6` or a `domain`."""
    return tuple(entry for entry in entries().values() if entry.asked and target in entry.target)


def _entry(zone: str, table: Mapping[str, Any]) -> Entry:
    return Entry(
        zone,
        table["name"],
        lists()[table["list"]],
        frozenset(table["target"]),
        table["status"],
        table.get("usage", ""),
        tuple((*_range(text), name) for text, name in table.get("codes", {}).items()),
        tuple(table.get("harmless", ())),
        tuple(table.get("refusals", ())),
        table.get("bits", False),
        table.get("good", False),
        table.get("listed_test", ""),
        table.get("expiry", ""),
        table.get("part_of", ""),
        table.get("since", ""),
        table.get("why", ""),
    )


def _range(text: str) -> tuple[int, int]:
    """Read `2`, `4-7`, `1.102-1.106` or `*` as the numbers that follow 127.0.0.0."""
    if text == "*":
        return 2, (1 << 24) - 1
    first, _, last = text.partition("-")
    return _number(first), _number(last or first)


def _number(text: str) -> int:
    high, _, low = text.rpartition(".")
    return int(high or "0") * 256 + int(low)


@cache
def _meanings() -> Mapping[str, Meaning]:
    return {
        name: Meaning(name, table["severity"], tuple(table["steps"]), table["expiry"])
        for name, table in _read()["meaning"].items()
    }


@cache
def _read() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))
