"""The basic codes as facts: who defines them, and which command may be answered with which.

RFC 5321 §4.2.3 and the table of §4.3.2, with the codes that extensions add, those that only the
registry of RFC 5248 names, and those that no standard has and people meet nevertheless. Their
words for people are in `texts/<language>.codes.toml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from ulak.replies.turns import Role

# The stages of a session that are answered, in their order. CONNECT is the greeting, END the end
# of the message: after DATA, or after the last BDAT (RFC 3030 §2).
STAGES = (
    "CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "END", "RSET", "VRFY", "EXPN",
    "HELP", "NOOP", "ETRN", "ATRN", "QUIT",
)  # fmt: skip
COMMANDS = tuple(stage for stage in STAGES if stage not in ("CONNECT", "END"))


class Standing(StrEnum):
    """What stands behind a code."""

    CORE = "core"  # RFC 5321
    EXTENSION = "extension"  # an extension of SMTP on the standards track
    EXPERIMENTAL = "experimental"
    HISTORIC = "historic"
    REGISTRY = "registry"  # named beside an enhanced code in the registry, and nowhere else
    DRAFT = "draft"  # proposed once, in a draft that expired
    FOLKLORE = "folklore"  # lists on the web copy it from each other
    PRIVATE = "private"  # one operator's own


# RFC 5321 §4.3.2; AUTH is RFC 4954 §4 and §6, STARTTLS RFC 3207 §4, ETRN RFC 1985 §5, ATRN RFC 2645
# §5, 521 RFC 7504 §3, 556 RFC 7504 §4, 355 RFC 1845; 422, 523, 524 and 525 are RFC 5248's.
_ANSWERS: dict[str, tuple[int, ...]] = {
    "CONNECT": (220, 521, 554),
    "EHLO": (250, 502, 504, 550),
    "STARTTLS": (220, 454),
    "AUTH": (235, 334, 422, 432, 454, 503, 504, 523, 524, 525, 534, 535, 538),
    "MAIL": (250, 355, 451, 452, 455, 503, 550, 552, 553, 555),
    "RCPT": (250, 251, 450, 451, 452, 455, 503, 550, 551, 552, 553, 555, 556),
    "DATA": (354, 503, 554),
    "END": (250, 450, 451, 452, 550, 552, 554),
    "RSET": (250,),
    "VRFY": (250, 251, 252, 502, 504, 550, 551, 553),
    "EXPN": (250, 252, 502, 504, 550),
    "HELP": (211, 214, 502, 504),
    "NOOP": (250,),
    "ETRN": (250, 253, 458, 459),
    "ATRN": (250, 450, 451, 453, 502),
    "QUIT": (221,),
}
# What §4.3.2 lets every command be answered with; 421 also greets, and ends a message.
_EVERYWHERE: dict[int, tuple[str, ...]] = {
    421: STAGES,
    500: COMMANDS,
    501: COMMANDS,
    # RFC 4954 §6 and RFC 3207 §4: whatever needs a login or encryption first.
    530: ("AUTH", "MAIL", "RCPT", "DATA", "RSET", "VRFY", "EXPN", "HELP", "ETRN", "ATRN"),
}
# Seen in practice and not in the table: servers put their refusals of clients and senders off to
# MAIL or RCPT and keep the code (Postfix's reject_rbl_client), or refuse a connection with 550;
# 540, 541 and 585 are seen only so.
_IN_PRACTICE: dict[int, tuple[str, ...]] = {
    450: ("CONNECT", "MAIL"),
    451: ("CONNECT",),
    505: ("MAIL",),
    521: ("RCPT",),
    540: ("RCPT",),
    541: ("END",),
    550: ("CONNECT", "DATA"),
    553: ("CONNECT", "END"),
    554: ("MAIL", "RCPT"),
    585: ("RCPT",),
}


@dataclass(frozen=True, slots=True)
class BasicCode:
    """A basic code.

    `answers` are the stages at which it may come, `in_practice` those at which it comes besides;
    `sections` say where it is defined, as `RFC 5321 §4.2.3, §3.5.3; RFC 7504 §3`, and are empty
    where nothing defines it. `turn` is whose turn it is after it; `related` are keys of codes and
    enhanced codes to read next.
    """

    code: int
    standing: Standing
    sections: str
    answers: tuple[str, ...]
    in_practice: tuple[str, ...]
    turn: Role
    related: tuple[str, ...]

    @property
    def severity(self) -> int:
        """The first digit: 2 success, 3 go on, 4 not now, 5 no (RFC 5321 §4.2.1)."""
        return self.code // 100


CODES: dict[int, BasicCode] = {}


def _code(code: int, standing: Standing, turn: Role, sections: str, related: str) -> None:
    CODES[code] = BasicCode(
        code,
        standing,
        sections,
        _answers(code),
        _IN_PRACTICE.get(code, ()),
        turn,
        tuple(related.split()),
    )


def _answers(code: int) -> tuple[str, ...]:
    if code in _EVERYWHERE:
        return _EVERYWHERE[code]
    return tuple(stage for stage in STAGES if code in _ANSWERS[stage])


_CORE, _EXTENSION, _TRIED = Standing.CORE, Standing.EXTENSION, Standing.EXPERIMENTAL
_PAST, _REGISTRY, _DRAFT = Standing.HISTORIC, Standing.REGISTRY, Standing.DRAFT
_FOLKLORE, _PRIVATE = Standing.FOLKLORE, Standing.PRIVATE
_NOBODY, _CLIENT, _QUEUE, _SENDER = Role.NOBODY, Role.CLIENT, Role.QUEUE, Role.SENDER
_USER, _OWNER, _SERVER, _RECEIVER = Role.USER, Role.OWNER, Role.SERVER, Role.RECEIVER
_PROGRAM = Role.PROGRAM

# fmt: off
# ruff: noqa: E501 -- a table is read by its columns
_code(200, _PAST, _NOBODY, "RFC 876", "250 220")
_code(211, _CORE, _NOBODY, "RFC 5321 §4.2.3, §4.3.2", "214 502")
_code(214, _CORE, _NOBODY, "RFC 5321 §4.2.3, §4.1.1.8", "211 502")
_code(220, _CORE, _CLIENT, "RFC 5321 §4.2.3, §3.1; RFC 3207 §4", "421 554 454 221")
_code(221, _CORE, _NOBODY, "RFC 5321 §4.2.3, §4.1.1.10", "220 421")
_code(235, _EXTENSION, _CLIENT, "RFC 4954 §6", "334 535 530 X.7.0")
_code(250, _CORE, _CLIENT, "RFC 5321 §4.2.3, §4.2.5", "251 252 354 550 X.1.5")
_code(251, _CORE, _CLIENT, "RFC 5321 §4.2.3, §3.4", "551 250 252 X.1.5")
_code(252, _CORE, _NOBODY, "RFC 5321 §4.2.3, §3.5.3, §7.3", "250 550 502 251 X.5.0 X.6.8")
_code(253, _EXTENSION, _NOBODY, "RFC 1985 §5", "250 458 459")
_code(334, _EXTENSION, _CLIENT, "RFC 4954 §4", "235 535 501 X.5.6")
_code(354, _CORE, _CLIENT, "RFC 5321 §4.2.3, §4.1.1.4", "250 554 503")
_code(355, _TRIED, _CLIENT, "RFC 1845", "354 250")
_code(420, _FOLKLORE, _QUEUE, "", "421 X.4.1 X.4.2")
_code(421, _CORE, _QUEUE, "RFC 5321 §4.2.3, §3.8", "450 451 554 X.4.2 X.3.2 X.7.28")
_code(422, _REGISTRY, _USER, "RFC 5248", "432 535 X.7.12")
_code(430, _REGISTRY, _PROGRAM, "RFC 5248", "503 X.5.1")
_code(431, _FOLKLORE, _RECEIVER, "", "452 X.3.1")
_code(432, _EXTENSION, _USER, "RFC 4954 §6", "422 534 535 X.7.12")
_code(441, _FOLKLORE, _QUEUE, "", "421 451 X.4.1")
_code(442, _FOLKLORE, _QUEUE, "", "421 451 X.4.2")
_code(446, _FOLKLORE, _RECEIVER, "", "554 X.4.6")
_code(447, _FOLKLORE, _QUEUE, "", "451 X.4.7")
_code(449, _FOLKLORE, _RECEIVER, "", "451 X.4.4 X.4.3")
_code(450, _CORE, _QUEUE, "RFC 5321 §4.2.3; RFC 6647 §4", "451 421 452 550 X.2.0 X.7.1")
_code(451, _CORE, _RECEIVER, "RFC 5321 §4.2.3, §3.8", "450 421 452 554 X.3.0 X.4.3")
_code(452, _CORE, _QUEUE, "RFC 5321 §4.2.3, §4.5.3.1.10; RFC 1870 §6", "552 450 451 X.3.1 X.5.3 X.2.2")
_code(453, _EXTENSION, _NOBODY, "RFC 2645 §5", "250 X.3.2")
_code(454, _EXTENSION, _RECEIVER, "RFC 4954 §6; RFC 3207 §4", "530 535 220 X.7.0")
_code(455, _CORE, _QUEUE, "RFC 5321 §4.2.3, §4.1.1.11", "555 451 X.3.3")
_code(456, _DRAFT, _SERVER, "", "450 421")
_code(458, _EXTENSION, _CLIENT, "RFC 1985 §5", "253 459")
_code(459, _EXTENSION, _RECEIVER, "RFC 1985 §5", "253 458")
_code(471, _FOLKLORE, _SERVER, "", "451 554 X.7.1")
_code(500, _CORE, _PROGRAM, "RFC 5321 §4.2.3, §4.3.2", "502 501 503 X.5.1 X.5.2 X.5.6")
_code(501, _CORE, _PROGRAM, "RFC 5321 §4.2.3, §4.3.2", "500 504 555 553 X.5.4 X.1.3")
_code(502, _CORE, _NOBODY, "RFC 5321 §4.2.3, §4.2.4", "500 504 252 X.5.1")
_code(503, _CORE, _PROGRAM, "RFC 5321 §4.2.3, §4.1.4", "500 554 530 X.5.1")
_code(504, _CORE, _CLIENT, "RFC 5321 §4.2.3; RFC 4954 §4", "501 502 555 534 X.5.4 X.7.4")
_code(505, _PRIVATE, _SENDER, "", "550 535 X.2.1 X.7.13")
_code(510, _FOLKLORE, _SENDER, "", "550 553 511 X.1.1")
_code(511, _FOLKLORE, _SENDER, "", "550 553 510 X.1.1")
_code(512, _FOLKLORE, _SENDER, "", "550 556 X.1.2 X.4.4")
_code(513, _FOLKLORE, _SENDER, "", "501 553 X.1.3")
_code(520, _DRAFT, _CLIENT, "", "500 502")
_code(521, _EXTENSION, _SENDER, "RFC 7504 §3", "556 554 550 X.3.2")
_code(523, _REGISTRY, _USER, "RFC 5248", "530 538 524 X.7.10")
_code(524, _REGISTRY, _USER, "RFC 5248", "538 523 530 X.7.11")
_code(525, _REGISTRY, _USER, "RFC 5248", "535 X.7.13 X.7.8")
_code(530, _EXTENSION, _USER, "RFC 4954 §6; RFC 3207 §4", "535 538 454 550 X.7.0 X.7.10")
_code(533, _REGISTRY, _SENDER, "RFC 5248", "550 554 X.7.1")
_code(534, _EXTENSION, _USER, "RFC 4954 §6", "535 538 504 X.7.9")
_code(535, _EXTENSION, _USER, "RFC 4954 §6", "530 534 454 X.7.8 X.7.13")
_code(538, _PAST, _USER, "RFC 4954 §6", "530 524 534 X.7.11")
_code(540, _PRIVATE, _SENDER, "", "550 554 X.7.1 X.2.1")
_code(541, _FOLKLORE, _SENDER, "", "550 554 X.7.1")
_code(550, _CORE, _SENDER, "RFC 5321 §4.2.3, §3.3", "554 553 551 450 X.1.1 X.7.1")
_code(551, _CORE, _SENDER, "RFC 5321 §4.2.3, §3.4", "251 550 553 X.1.6")
_code(552, _CORE, _SENDER, "RFC 5321 §4.2.3, §4.5.3.1.10; RFC 1870 §6", "452 554 X.2.2 X.3.4 X.2.3")
_code(553, _CORE, _SENDER, "RFC 5321 §4.2.3", "550 501 X.1.3 X.1.4 X.6.7")
_code(554, _CORE, _SENDER, "RFC 5321 §4.2.3, §3.1, §4.2.5; RFC 3207 §4.1", "550 521 421 451 X.7.1 X.3.4")
_code(555, _CORE, _PROGRAM, "RFC 5321 §4.2.3, §4.1.1.11", "455 504 501 X.5.4")
_code(556, _EXTENSION, _SENDER, "RFC 7504 §4; RFC 7505 §4", "521 550 X.1.10")
_code(557, _DRAFT, _NOBODY, "", "252 550")
_code(585, _PRIVATE, _SENDER, "", "550 X.1.1")
# fmt: on

_RFC = re.compile(r"RFC ([0-9]+)((?:,? §[0-9.]+)*)")
_PARAGRAPH = re.compile(r"§([0-9.]*[0-9])")


@cache
def links(sections: str) -> tuple[tuple[str, str], ...]:
    """Give the pages of the sections that a row or a code names, as titles and addresses."""
    found: list[tuple[str, str]] = []
    for number, paragraphs in _RFC.findall(sections):
        page = f"https://www.rfc-editor.org/rfc/rfc{number}"
        places = _PARAGRAPH.findall(paragraphs)
        if not places:
            found.append((f"RFC {number}", page))
        found.extend((f"RFC {number} §{place}", f"{page}#section-{place}") for place in places)
    return tuple(dict.fromkeys(found))
