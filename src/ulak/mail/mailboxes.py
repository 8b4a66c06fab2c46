"""The mailboxes that a From or Sender field names (RFC 5322 §3.4, RFC 6854, RFC 6532).

Names and comments are passed over: what counts is whose addresses these are. In linear time on
whatever a stranger writes. Of the obsolete syntax (RFC 5322 §4.4) empty elements are understood,
but no source routes, in which other readers may see somebody else's address, and no white space
within an address.
"""

from __future__ import annotations

import re

from ulak.mail.address import Address

_FOLD = re.compile(rb"\r\n(?=[ \t])")
_BREAK = re.compile(r"[\r\n]")  # that folds nothing: no value of a field has one
# Possessive: what a token took it never gives back.
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t]++)
    | (?P<quoted>"(?:[^"\\]|\\.)*+")
    | (?P<literal>\[[^][\\]*+\])
    | (?P<atom>[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u00a0-\U0010ffff-]++)
    | (?P<special>[<>@,:;])
    | (?P<comment>\()
    """,
    re.VERBOSE,
)
_COMMENT = re.compile(r"[^()\\]*+(?:\\.[^()\\]*+)*+([()])")
_QUOTED_PAIR = re.compile(r"\\(.)")
_WORDS = ("atom", "quoted")

Token = tuple[str, str]  # kind and text


def mailboxes(value: bytes) -> tuple[Address, ...] | None:
    """Give the addresses in the value of a field, in their order; None where it is no list.

    A group without members (RFC 6854 §2.1) names nobody. The domains are as they were written.
    """
    try:
        text = _FOLD.sub(b"", value).decode("utf-8")
    except UnicodeDecodeError:
        return None
    tokens = None if _BREAK.search(text) else _tokens(text)
    return None if tokens is None else _list(tokens)


def _tokens(text: str) -> list[Token] | None:
    """Give what the text is made of, without white space and comments."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        at = found.end()
        match found.lastgroup:
            case "space":
                pass
            case "comment":
                at = _after_comment(text, at)
                if at < 0:
                    return None
            case kind:
                tokens.append((str(kind), found[0]))
    return tokens


def _after_comment(text: str, at: int) -> int:
    """Give where a comment ends that was open before `at`; -1 for nowhere."""
    depth = 1
    while depth:
        found = _COMMENT.match(text, at)
        if found is None:
            return -1
        depth += 1 if found[1] == "(" else -1
        at = found.end()
    return at


def _list(tokens: list[Token]) -> tuple[Address, ...] | None:
    addresses: list[Address] = []
    in_group = needs_comma = False
    at = 0
    tokens = [*tokens, ("end", "")]
    while tokens[at][0] != "end":
        if tokens[at][1] == ",":
            needs_comma = False
            at += 1
            continue
        if tokens[at][1] == ";" and in_group:
            in_group, needs_comma = False, True
            at += 1
            continue
        if needs_comma:
            return None
        start = at
        while tokens[at][0] in _WORDS:
            at += 1
        if tokens[at][1] == ":" and at > start and not in_group:
            in_group = True
            at += 1
            continue
        found = _mailbox(tokens, start, at)
        if found is None:
            return None
        address, at = found
        addresses.append(address)
        needs_comma = True
    return None if in_group else tuple(addresses)


def _mailbox(tokens: list[Token], start: int, at: int) -> tuple[Address, int] | None:
    """Read a mailbox whose words stand from `start` to `at`; give it and where it ends."""
    if tokens[at][1] != "<":
        return _address(tokens, start) if at == start + 1 else None
    found = _address(tokens, at + 1)
    if found is None or tokens[found[1]][1] != ">":
        return None
    return found[0], found[1] + 1


def _address(tokens: list[Token], at: int) -> tuple[Address, int] | None:
    """Read `local@domain`; give it and where it ends."""
    if len(tokens) < at + 4:  # with the end
        return None
    (kind, local), (_, mark), (where, domain) = tokens[at : at + 3]
    if kind not in _WORDS or mark != "@" or where not in ("atom", "literal"):
        return None
    if kind == "quoted":
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    elif _misplaced_dots(local):
        return None
    if not local or (where == "atom" and _misplaced_dots(domain)):
        return None
    return Address(local, domain), at + 3


def _misplaced_dots(text: str) -> bool:
    return text.startswith(".") or text.endswith(".") or ".." in text
