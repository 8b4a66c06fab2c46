"""What may stand in a command: paths, domains, parameters (RFC 5321 §4.1.2, §4.1.3, RFC 6531).

Every length is checked before a pattern is tried, and no pattern can backtrack over more than
one label, so the time taken is linear in the input.
"""

from __future__ import annotations

import ipaddress
import re

from ulak.mail.address import Address

# RFC 5321 §4.5.3.1, in octets
MAX_LOCAL = 64
MAX_DOMAIN = 255
MAX_PATH = 256
MAX_LABEL = 63

_U = "\u0080-\U0010ffff"
_ATEXT = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_U}-]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED = re.compile(rf'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e{_U}]|\\[\x20-\x7e])*"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_LABEL = re.compile(rf"[A-Za-z0-9{_U}](?:[A-Za-z0-9{_U}-]*[A-Za-z0-9{_U}])?")
_HELO = re.compile(rf"[A-Za-z0-9._{_U}-]+")
_ROUTE = re.compile(r"@[^@:,<>\s]+(?:,@[^@:,<>\s]+)*:")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?")


class GrammarError(ValueError):
    """What a client sent is not what RFC 5321 §4.1.2 allows; the text says where."""


def parse_path(text: str) -> tuple[Address | None, str]:
    """Parse `<path> parameters` as it follows `FROM:` or `TO:`.

    Returns the address (None for the null path `<>`) and what follows the path. A source route
    is dropped, as RFC 5321 §4.1.1.3 asks.
    """
    text = text.lstrip(" ")
    if not text.startswith("<"):
        message = "the path has to stand in angle brackets"
        raise GrammarError(message)
    if text.startswith("<>"):
        return None, _rest(text[2:])
    text = text[1:]
    if text.startswith("@"):
        route = _ROUTE.match(text)
        if not route:
            message = "the source route is malformed"
            raise GrammarError(message)
        text = text[route.end() :]
    local, text = _local_part(text)
    if text.startswith(">") and local.lower() == "postmaster":
        return Address(local, ""), _rest(text[1:])
    if not text.startswith("@"):
        message = "there is no @ after the local-part"
        raise GrammarError(message)
    domain, bracket, rest = text[1:].partition(">")
    if not bracket:
        message = "the closing angle bracket is missing"
        raise GrammarError(message)
    address = Address(local, parse_domain(domain))
    if len(str(address).encode()) > MAX_PATH - 2:
        message = f"the path is longer than {MAX_PATH} octets"
        raise GrammarError(message)
    return address, _rest(rest)


def parse_mailbox(text: str) -> Address:
    """Parse a bare mailbox, as VRFY and a configuration have it."""
    local, rest = _local_part(text)
    if not rest.startswith("@"):
        message = "there is no @ after the local-part"
        raise GrammarError(message)
    return Address(local, parse_domain(rest[1:]))


def parse_user(text: str) -> Address:
    """Parse what VRFY and EXPN take: a mailbox or a user name alone, in brackets or not."""
    text = text.strip(" ")
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    local, rest = _local_part(text)
    if not rest:
        return Address(local, "")
    return parse_mailbox(text)


def _rest(text: str) -> str:
    if text and not text.startswith(" "):
        message = "there has to be a space after the path"
        raise GrammarError(message)
    return text.strip(" ")


def _local_part(text: str) -> tuple[str, str]:
    quoted = text.startswith('"')
    match = (_QUOTED if quoted else _DOT_STRING).match(text)
    if not match:
        message = "the local-part is malformed"
        raise GrammarError(message)
    if len(match[0].encode()) > MAX_LOCAL:
        message = f"the local-part is longer than {MAX_LOCAL} octets"
        raise GrammarError(message)
    local = _QUOTED_PAIR.sub(r"\1", match[0][1:-1]) if quoted else match[0]
    if not local:
        message = "the local-part is empty"
        raise GrammarError(message)
    return local, text[match.end() :]


def parse_domain(text: str) -> str:
    """Check a domain or an address literal and give it back (RFC 5321 §4.1.2, §4.1.3)."""
    if text.startswith("["):
        return parse_literal(text)
    if not text:
        message = "the domain is empty"
        raise GrammarError(message)
    if len(text.encode()) > MAX_DOMAIN:
        message = f"the domain is longer than {MAX_DOMAIN} octets"
        raise GrammarError(message)
    for label in text.split("."):
        if len(label.encode()) > MAX_LABEL or not _LABEL.fullmatch(label):
            message = "the domain is malformed"
            raise GrammarError(message)
    return text


def parse_literal(text: str) -> str:
    """Check an address literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]`, and give it back."""
    inner = text[1:-1]
    try:
        if not text.endswith("]"):
            raise ValueError  # noqa: TRY301 -- one way out for all that is wrong with a literal
        if inner[:5].lower() == "ipv6:":
            ipaddress.IPv6Address(inner[5:] if "%" not in inner else "")
        else:
            ipaddress.IPv4Address(inner)
    except ValueError:
        message = "the address literal is malformed"
        raise GrammarError(message) from None
    return text


def parse_hello(text: str) -> str:
    """Check the argument of EHLO or HELO.

    Underscores and odd hyphens pass: RFC 5321 §4.1.4 does not let a server refuse for a name
    that it cannot verify, and a name decides nothing here.
    """
    text = text.strip(" ")
    if text.startswith("["):
        return parse_literal(text)
    if not text or len(text.encode()) > MAX_DOMAIN or not _HELO.fullmatch(text):
        message = "EHLO and HELO take the client's domain or address literal"
        raise GrammarError(message)
    return text


def parse_parameters(text: str) -> dict[str, str | None]:
    """Parse `KEY=value KEY …` (RFC 5321 §4.1.1.11); keys in upper case, None without a value."""
    found: dict[str, str | None] = {}
    for word in text.split(" "):
        if not word:
            continue
        match = _PARAMETER.fullmatch(word)
        if not match:
            message = "a parameter is malformed"
            raise GrammarError(message)
        key = match[1].upper()
        if key in found:
            message = f"the parameter {key} stands twice"
            raise GrammarError(message)
        found[key] = match[2]
    return found
