"""A reply without what is private in it, to be shown to others.

Addresses, the parts before their @, IP addresses and ids are replaced by examples (RFC 2606,
RFC 5737, RFC 3849); what tells the cause stays. The text is a stranger's, and every expression
is linear in it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from ulak.language.case import lower
from ulak.replies.patterns import book, words_of
from ulak.replies.refusal import ALPHABET, LENGTH, LONGEST_ADDRESS

_ADDRESS = re.compile(r"([^\s<>()\[\]{}\"',;:=/\\@|]{1,128})@((?:[\w-]{1,63}\.){1,10}[\w-]{2,63})")
_IPV4 = re.compile(r"(?<![0-9.])([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![0-9]|\.[0-9])", re.ASCII)
_DASHED = re.compile(r"(?<![0-9])[0-9]{1,3}(?:-[0-9]{1,3}){3}(?![0-9-])", re.ASCII)
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{2,41}(?![0-9A-Za-z])", re.ASCII
)
_EXIM = re.compile(r"(?<![\w-])[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}|[0-9A-Za-z]{11})-[0-9A-Za-z]{2,4}")
_UUID = re.compile(r"(?<![\w-])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w-])")
_TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{10,256}(?![0-9A-Za-z])", re.ASCII)
_REFUSAL = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
_BEFORE_REFUSAL = re.compile(rf"(?:\(refusal |; see https?://[!-~]{{1,{LONGEST_ADDRESS}}})\Z")
_FEWEST_DIGITS = 2  # of an id beside its letters; a word has none
_WHOLE_NUMBER = 10  # digits: more than a size or a limit has
_EXAMPLES = ("example.org", "example.net", "example.com")
_LISTS = ipaddress.ip_network("127.0.0.0/8")  # what lists answer with; it names nobody
_DOCUMENTATION = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def redacted(text: str) -> str:
    """Replace what is private by examples; the same thing always by the same example."""
    return _Redaction().of(text)


class _Redaction:
    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}
        self._domains: dict[str, str] = {}

    def of(self, text: str) -> str:
        text = _ADDRESS.sub(self._address, text)
        for domain, example in self._domains.items():
            place = rf"(?<![\w.-])(?:[\w-]{{1,63}}\.){{0,5}}{re.escape(domain)}(?![\w-])"
            text = re.sub(place, example, text, flags=re.IGNORECASE | re.ASCII)
        text = _IPV6.sub(self._ip, _IPV4.sub(self._ip, text))
        text = _DASHED.sub("192-0-2-1", text)
        for pattern in (_UUID, _EXIM):
            text = pattern.sub(lambda m: self._example("id", m[0], "id{}".format), text)
        return _TOKEN.sub(self._token, text)

    def _example(self, kind: str, value: str, make: Callable[[int], str]) -> str:
        known = self._known.setdefault(kind, {})
        if value not in known:
            known[value] = make(len(known) + 1)
        return known[value]

    def _address(self, match: re.Match[str]) -> str:
        local = self._example("local", lower(match[0]), "user{}".format)
        domain = lower(match[2])
        if _is_example(domain) or book().provider(words_of(domain)):
            return f"{local}@{match[2]}"  # whose server speaks is no secret, and tells the cause
        if domain not in self._domains:
            at = len(self._domains)
            example = _EXAMPLES[at % len(_EXAMPLES)]
            self._domains[domain] = example if at < len(_EXAMPLES) else f"d{at}.{example}"
        return f"{local}@{self._domains[domain]}"

    def _ip(self, match: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(match[0].rstrip(":"))
        except ValueError:
            return match[0]
        if any(address in network for network in (_LISTS, *_DOCUMENTATION)):
            return match[0]
        tail = match[0][len(match[0].rstrip(":")) :]
        if isinstance(address, ipaddress.IPv6Address):
            return self._example("ipv6", str(address), "2001:db8::{:x}".format) + tail
        return self._example("ipv4", str(address), _ipv4) + tail

    def _token(self, match: re.Match[str]) -> str:
        word = match[0]
        if _REFUSAL.fullmatch(word) and _stands_behind(match):
            return self._example("refusal", word, "{:012}".format)  # one that nobody was given
        digits = sum(c.isdigit() for c in word)
        if digits == len(word):
            return word if digits < _WHOLE_NUMBER else self._example("id", word, "id{}".format)
        if digits < _FEWEST_DIGITS:
            return word
        return self._example("id", word, "id{}".format)


def _stands_behind(match: re.Match[str]) -> bool:
    """Whether this is where a refusal of Ulak's has its id (`ulak.replies.refusal`)."""
    start = max(match.start() - LONGEST_ADDRESS - len("; see "), 0)
    before = match.string[start : match.start()]
    begins = max(before.rfind("(refusal "), before.rfind("; see http"))
    return begins >= 0 and _BEFORE_REFUSAL.match(before, begins) is not None


def _is_example(domain: str) -> bool:
    return domain.endswith(_EXAMPLES) or domain.rpartition(".")[2] in ("example", "invalid", "test")


def _ipv4(number: int) -> str:
    return f"192.0.2.{(number - 1) % 254 + 1}"
