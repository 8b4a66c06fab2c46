"""The basic codes as facts: who defines them, and which command may be answered with which.

RFC 5321 §4.2.3 and the table of §4.3.2, with the codes that extensions add. Their words for people
are in `texts/<language>.codes.toml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

# The stages of a session that are answered, in their order. CONNECT is the greeting, END the end
# of the message after DATA.
STAGES = (
    "CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "END", "RSET", "VRFY", "EXPN",
    "HELP", "NOOP", "ETRN", "ATRN", "QUIT",
)  # fmt: skip
COMMANDS = tuple(stage for stage in STAGES if stage not in ("CONNECT", "END"))

# RFC 5321 §4.3.2; AUTH is RFC 4954 §4 and §6, STARTTLS RFC 3207 §4, ETRN RFC 1985 §5, ATRN RFC 2645
# §5, 521 RFC 7504 §3, 556 RFC 7504 §4.
_ANSWERS: dict[str, tuple[int, ...]] = {
    "CONNECT": (220, 521, 554),
    "EHLO": (250, 502, 504, 550),
    "STARTTLS": (220, 454),
    "AUTH": (235, 334, 432, 454, 503, 504, 534, 535, 538),
    "MAIL": (250, 451, 452, 455, 503, 550, 552, 553, 555),
    "RCPT": (250, 251, 450, 451, 452, 455, 503, 550, 551, 552, 553, 555, 556),
    "DATA": (354, 503, 554),
    "END": (250, 450, 451, 452, 550, 552, 554),
    "RSET": (250,),
    "VRFY": (250, 251, 252, 502, 504, 550, 551, 553),
    "EXPN": (250, 252, 502, 504, 550),
    "HELP": (211, 214, 502, 504),
    "NOOP": (250,),
    "ETRN": (253, 458, 459),
    "ATRN": (453,),
    "QUIT": (221,),
}
# What §4.3.2 lets every command be answered with; 421 also greets, and ends a message.
_EVERYWHERE: dict[int, tuple[str, ...]] = {
    421: STAGES,
    500: COMMANDS,
    501: COMMANDS,
    # RFC 4954 §6 and RFC 3207 §4: whatever needs a login or encryption first.
    530: ("MAIL", "RCPT", "DATA", "VRFY", "EXPN", "ETRN", "ATRN", "AUTH"),
}
# Seen in practice and not in the table: servers put their refusals of clients and senders off to
# MAIL or RCPT and keep the code (Postfix's reject_rbl_client), or refuse a connection with 550.
_IN_PRACTICE: dict[int, tuple[str, ...]] = {
    554: ("MAIL", "RCPT"),
    550: ("CONNECT",),
    450: ("MAIL",),
    521: ("RCPT",),
}


@dataclass(frozen=True, slots=True)
class BasicCode:
    """A basic code.

    `answers` are the stages at which it may come, `in_practice` those at which it comes besides;
    `sections` say where it is defined, as `RFC 5321 §4.2.3, §3.5.3; RFC 7504 §3`.
    """

    code: int
    sections: str
    answers: tuple[str, ...]
    in_practice: tuple[str, ...]

    @property
    def severity(self) -> int:
        """The first digit: 2 success, 3 go on, 4 not now, 5 no (RFC 5321 §4.2.1)."""
        return self.code // 100


_SECTIONS: dict[int, str] = {
    211: "RFC 5321 §4.2.3",
    214: "RFC 5321 §4.2.3, §4.1.1.8",
    220: "RFC 5321 §4.2.3, §3.1; RFC 3207 §4",
    221: "RFC 5321 §4.2.3, §4.1.1.10",
    235: "RFC 4954 §6",
    250: "RFC 5321 §4.2.3, §4.2.5",
    251: "RFC 5321 §4.2.3, §3.4",
    252: "RFC 5321 §4.2.3, §3.5.3, §7.3",
    253: "RFC 1985 §5",
    334: "RFC 4954 §4",
    354: "RFC 5321 §4.2.3, §4.1.1.4",
    421: "RFC 5321 §4.2.3, §3.8",
    432: "RFC 4954 §6",
    450: "RFC 5321 §4.2.3; RFC 6647 §4",
    451: "RFC 5321 §4.2.3",
    452: "RFC 5321 §4.2.3, §4.5.3.1.10",
    453: "RFC 2645 §5",
    454: "RFC 4954 §6; RFC 3207 §4",
    455: "RFC 5321 §4.2.3, §4.1.1.11",
    458: "RFC 1985 §5",
    459: "RFC 1985 §5",
    500: "RFC 5321 §4.2.3, §4.3.2",
    501: "RFC 5321 §4.2.3, §4.3.2",
    502: "RFC 5321 §4.2.3, §4.2.4",
    503: "RFC 5321 §4.2.3, §4.1.4",
    504: "RFC 5321 §4.2.3",
    521: "RFC 7504 §3",
    530: "RFC 4954 §6; RFC 3207 §4",
    534: "RFC 4954 §6",
    535: "RFC 4954 §6",
    538: "RFC 4954 §6",
    550: "RFC 5321 §4.2.3, §3.3",
    551: "RFC 5321 §4.2.3, §3.4",
    552: "RFC 5321 §4.2.3, §4.5.3.1.10; RFC 1870 §6",
    553: "RFC 5321 §4.2.3",
    554: "RFC 5321 §4.2.3, §3.1, §4.2.5",
    555: "RFC 5321 §4.2.3, §4.1.1.11",
    556: "RFC 7504 §4; RFC 7505 §4",
}


def _answers(code: int) -> tuple[str, ...]:
    if code in _EVERYWHERE:
        return _EVERYWHERE[code]
    return tuple(stage for stage in STAGES if code in _ANSWERS[stage])


CODES: dict[int, BasicCode] = {
    code: BasicCode(code, sections, _answers(code), _IN_PRACTICE.get(code, ()))
    for code, sections in _SECTIONS.items()
}

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
