"""Which blocklist the words of a reply name, by its zone, the host of a link, or its name.

Every reply that another server gives goes through `named`, so it is a few operations on the
whole text: octets to words, and whether any word is one that lists are named by.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "lists.toml"
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_UPPER = _LETTERS.upper()
_KEPT = _LETTERS + b"0123456789"
# Letters in lower case and digits as they are, everything else is a space; in the second table
# what names of hosts are made of stays too.
_WORDS = bytes(
    _LETTERS[_UPPER.index(octet)] if octet in _UPPER else octet if octet in _KEPT else 0x20
    for octet in range(256)
)
_HOSTS = bytes(octet if octet in b"-._" else translated for octet, translated in enumerate(_WORDS))


@dataclass(frozen=True, slots=True)
class Blocklister:
    """Who runs a list. `slug` is its short name; `page` where one asks to be taken off, or "".

    `gone` is a list that is dead; `dns` is False for a list that no one can ask.
    """

    slug: str
    name: str
    operator: str
    page: str
    hosts: tuple[str, ...]
    names: tuple[str, ...]
    gone: bool
    dns: bool


@dataclass(frozen=True, slots=True)
class Named:
    """The list that a text names: its short name, its zone or a host of its, or "", its page."""

    slug: str
    zone: str
    page: str


@cache
def lists() -> Mapping[str, Blocklister]:
    """Give every list by its short name."""
    read = tomllib.loads(_FILE.read_text("utf-8"))
    return {
        slug: Blocklister(
            slug,
            table["name"],
            table["operator"],
            table["page"],
            tuple(table["hosts"]),
            tuple(table["names"]),
            table.get("gone", False),
            table.get("dns", True),
        )
        for slug, table in read.items()
    }


def page_of(zone: str) -> tuple[str, str] | None:
    """Give the short name and the page of the list behind a zone, or None where it has no page."""
    slug = _slug_of(zone.rstrip(".").lower() if zone.isascii() else "")
    return (slug, page) if slug and (page := lists()[slug].page) else None


def named(text: str) -> Named | None:
    """Find the list that a text names: the first one, but one that can be asked before others."""
    octets = text.encode("ascii", "replace")
    words = octets.translate(_WORDS).split()
    index = _index()
    if index.keys().isdisjoint(words):
        return None
    line = b" %b " % b" ".join(words)
    found: list[tuple[bool, int, str]] = []
    for word in index.keys() & set(words):
        for phrase, slug in index[word]:
            at = line.find(phrase)
            if at >= 0:
                found.append((not lists()[slug].dns, at, slug))
    if not found:
        return None
    slug = min(found)[2]
    return Named(slug, _zone(octets, slug), lists()[slug].page)


def _zone(octets: bytes, slug: str) -> str:
    """Give the first host of a list in a text that is no page in the web."""
    hosts = lists()[slug].hosts
    for token in octets.translate(_HOSTS).split():
        if b"." not in token:
            continue
        name = token.strip(b".-_").decode("ascii")
        if name.startswith(_PAGES) or not name.endswith(hosts):
            continue
        if any(name == host or name.endswith("." + host) for host in hosts) and name not in _ALONE:
            return name
    return ""


_PAGES = ("www.", "check.", "lookup.", "admin.", "postmaster.", "ipadmin.", "ipcheck.", "sender.")
# Hosts of web pages: as a zone nobody asks them.
_ALONE = frozenset(
    {"spamhaus.org", "spamhaus.com", "psbl.org", "surbl.org", "uribl.com", "abusix.com",
     "spamrats.com", "spamcop.net", "sorbs.net", "uceprotect.net", "dronebl.org", "mailspike.org",
     "senderscore.org", "barracudacentral.com", "invaluement.com", "csi.cloudmark.com",
     "spamrl.com", "cloud-security.net", "backscatterer.org", "talosintelligence.com"}
)  # fmt: skip


@cache
def _index() -> Mapping[bytes, tuple[tuple[bytes, str], ...]]:
    """Give by its first word every phrase that names a list, with a space on both sides."""
    index: dict[bytes, list[tuple[bytes, str]]] = {}
    for slug, one in lists().items():
        hosts = (host.encode().translate(_WORDS).decode() for host in one.hosts)
        for phrase in dict.fromkeys((*one.names, *hosts)):
            index.setdefault(phrase.encode().split()[0], []).append((f" {phrase} ".encode(), slug))
    return {word: tuple(phrases) for word, phrases in index.items()}


def _slug_of(name: str) -> str:
    """Give the list that has a zone, by the end of its name, or ""."""
    ends = _ends()
    while name:
        if (slug := ends.get(name)) is not None:
            return slug
        name = name.partition(".")[2]
    return ""


@cache
def _ends() -> Mapping[str, str]:
    return {host: slug for slug, one in lists().items() for host in one.hosts}
