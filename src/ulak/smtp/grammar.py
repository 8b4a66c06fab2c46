"""What may stand in a command: paths, domains, parameters (RFC 5321 §4.1.2, §4.1.3, RFC 6531 §3.3).

Every length is checked before a pattern is tried, and no pattern can backtrack over more than
one label, so the time taken is linear in the input.
"""

from __future__ import annotations

import ipaddress
import re

import idna

from ulak.language.case import upper
from ulak.mail.address import Address, ascii_lower

# RFC 5321 §4.5.3.1, in octets
MAX_LOCAL = 64
MAX_DOMAIN = 255
MAX_PATH = 256
MAX_LABEL = 63

# RFC 6531 §3.3 allows all of UTF-8 beyond ASCII. U+0080 to U+009F stay out: they are control
# characters (U+009B begins an escape sequence on a terminal), and no address has them.
_U = "\u00a0-\U0010ffff"
_ATEXT = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_U}-]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED = re.compile(rf'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e{_U}]|\\[\x20-\x7e])*"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
# Nearly every path there is, in one step: all of it is as the rules below have it, and it is too
# short for any limit to matter but that of the local-part.
_COMMON = re.compile(
    r"<([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@"
    r"([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)>"
)
_LDH = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_HELO = re.compile(r"[._-]*[A-Za-z0-9][A-Za-z0-9._-]*")
# No tag but IPv6 is registered (§4.1.3): nobody needs the angle brackets that dcontent allows, and
# somebody would take the path to end at one.
_TAGGED = re.compile(r"([A-Za-z0-9-]*[A-Za-z0-9]):([\x21-\x3b=?-\x5a\x5e-\x7e]+)")
_HOST_END = re.compile(r"[,:>]")
_SNUM = re.compile(r"[0-9]{1,3}")
# RFC 6531 §3.3 lets a value be in UTF-8; whether it may be in this one is for its reader to say.
_PARAMETER = re.compile(rf"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e{_U}]+))?")


class GrammarError(ValueError):
    """What a client sent is not what RFC 5321 §4.1.2 allows; the text says where."""


class AddressError(GrammarError):
    """The address itself is wrong."""


class DomainError(AddressError):
    """The domain of the address is wrong, or its address literal."""


def parse_path(text: str) -> tuple[Address | None, str]:
    """Parse `<path> parameters` as it follows `FROM:` or `TO:`.

    Returns the address (None for the null path `<>`) and what follows the path. A source route
    is dropped, as RFC 5321 §4.1.1.3 asks.
    """
    common = _COMMON.match(text, 0, MAX_LOCAL)
    if common is not None:
        return Address(common[1], common[2]), _rest(text[common.end() :])
    text = text.lstrip(" ")  # "FROM: <…" is wrong and common
    if text[:1] != "<":
        message = "the path has to stand in angle brackets"
        raise AddressError(message)
    if text[1:2] == ">":
        return None, _rest(text[2:])
    text = text[1:]
    if text[:1] == "@":
        text = _after_route(text)
    local, text = _local_part(text)
    if text[:1] == ">" and ascii_lower(local) == "postmaster":
        return Address(local, ""), _rest(text[1:])
    if text[:1] != "@":
        message = "there is no @ after the local-part"
        raise AddressError(message)
    domain, bracket, rest = text[1:].partition(">")
    if not bracket:
        message = "the closing angle bracket is missing"
        raise AddressError(message)
    return _address(local, domain), _rest(rest)


def parse_mailbox(text: str) -> Address:
    """Parse a bare mailbox, as VRFY and a configuration have it."""
    local, rest = _local_part(text)
    if rest[:1] != "@":
        message = "there is no @ after the local-part"
        raise AddressError(message)
    return _address(local, rest[1:])


def _address(local: str, domain: str) -> Address:
    address = Address(local, parse_domain(domain))
    if len(local) + len(domain) > MAX_LOCAL and len(str(address).encode()) > MAX_PATH - 2:
        message = f"the path is longer than {MAX_PATH} octets"
        raise AddressError(message)
    return address


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
    if text and text[0] != " ":
        message = "there has to be a space after the path"
        raise GrammarError(message)
    return text.strip(" ")


def _after_route(text: str) -> str:
    """Check the hosts of a source route, `@one,@two:`, and give what follows it."""
    at = 0
    while text[at : at + 1] == "@":
        if text[at + 1 : at + 2] == "[":  # a colon may stand inside a literal
            end = text.find("]", at) + 1
        else:
            found = _HOST_END.search(text, at)
            end = len(text) if found is None else found.start()
        parse_domain(text[at + 1 : end])
        mark, at = text[end : end + 1], end + 1
        if mark == ":":
            return text[at:]
        if mark != ",":
            break
    message = "the source route is malformed"
    raise AddressError(message)


def _local_part(text: str) -> tuple[str, str]:
    quoted = text[:1] == '"'
    match = (_QUOTED if quoted else _DOT_STRING).match(text)
    if not match:
        message = "the local-part is malformed"
        raise AddressError(message)
    wire = match[0]
    if len(wire) > MAX_LOCAL or (not wire.isascii() and len(wire.encode()) > MAX_LOCAL):
        message = f"the local-part is longer than {MAX_LOCAL} octets"
        raise AddressError(message)
    local = _QUOTED_PAIR.sub(r"\1", wire[1:-1]) if quoted else wire
    if not local:
        message = "the local-part is empty"
        raise AddressError(message)
    return local, text[match.end() :]


def parse_domain(text: str) -> str:
    """Check a domain or an address literal and give it back (RFC 5321 §4.1.2, §4.1.3)."""
    if text[:1] == "[":
        return parse_literal(text)
    if not text:
        message = "the domain is empty"
        raise DomainError(message)
    if len(text.encode()) > MAX_DOMAIN:
        message = f"the domain is longer than {MAX_DOMAIN} octets"
        raise DomainError(message)
    if len(text) <= MAX_LABEL and _DOMAIN.fullmatch(text):
        return text
    for label in text.split("."):
        if len(label.encode()) > MAX_LABEL:
            message = f"a label of the domain is longer than {MAX_LABEL} octets"
            raise DomainError(message)
        if not (_LDH.fullmatch(label) if label.isascii() else _is_u_label(label)):
            message = "the domain is malformed"
            raise DomainError(message)
    return text


def _is_u_label(label: str) -> bool:
    """Whether a label is one that IDNA 2008 could have made (RFC 5890 §2.3.2.1, RFC 5892).

    A client has to send U-labels as they are registered: nothing is mapped here, so that no
    full stop of another script and no capital letter can make one domain look like another.
    """
    try:
        idna.alabel(label)
    except UnicodeError:  # of which idna.IDNAError is one
        return False
    return True


def parse_literal(text: str) -> str:
    """Check an address literal and give it back (RFC 5321 §4.1.3).

    `[192.0.2.1]`, `[IPv6:2001:db8::1]` or, with a tag that nobody has registered yet,
    `[tag:content]`.
    """
    inner = text[1:-1]
    tagged = _TAGGED.fullmatch(inner)
    if tagged is None:
        good = _is_ipv4(inner)
    elif ascii_lower(tagged[1]) == "ipv6":
        good = _is_ipv6(tagged[2])
    else:
        good = not _is_ipv6(inner)  # a forgotten tag, and not the tag `2001`
    if not good or text[-1:] != "]" or len(text) > MAX_DOMAIN:
        message = "the address literal is malformed"
        raise DomainError(message)
    return text


def _is_ipv4(text: str) -> bool:
    numbers = text.split(".")
    return len(numbers) == 4 and all(  # noqa: PLR2004 -- an IPv4 address has four octets
        _SNUM.fullmatch(number) and int(number) < 256  # noqa: PLR2004 -- of eight bits
        for number in numbers
    )


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone means nothing to another host


def parse_hello(text: str) -> str:
    """Check the argument of EHLO or HELO and give the name.

    An underscore or an odd hyphen passes, although §4.1.2 has none: the name decides nothing
    here, and mail of a badly named client is still mail. What follows an address literal is
    ignored, as §4.1.1.1 advises. U-labels may not stand here (RFC 6531 §3.7.1).
    """
    text = text.strip(" ")
    if text[:1] == "[":
        return parse_literal(text.partition(" ")[0])
    if not text or len(text) > MAX_DOMAIN or not _HELO.fullmatch(text):
        message = "the greeting takes the client's domain or address literal"
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
        key = upper(match[1])
        if key in found:
            message = f"the parameter {key} stands twice"
            raise GrammarError(message)
        found[key] = match[2]
    return found
