"""The enhanced codes as facts: the registry of RFC 5248, entry by entry.

For each: the classes with which the text that defines it foresees it, those with which it is seen
besides, the basic codes that the registry puts beside it, where it is defined, and where in a
session it belongs by its meaning. Their words for people are in `texts/<language>.enhanced.toml`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ulak.replies.catalog import Action
from ulak.replies.codes import COMMANDS, STAGES
from ulak.replies.turns import Role


@dataclass(frozen=True, slots=True)
class EnhancedCode:
    """One entry of the registry, without its class (`7.1`).

    `classes` are those that its definition foresees, `seen` those met besides; the first of all
    is the usual one. `basic` are the basic codes that the registry puts beside it. `answers` are
    the stages to which it belongs by its meaning, without the greeting and EHLO, whose replies
    have no enhanced code (RFC 2034 §4); `in_practice` are the stages at which it is met besides.
    Both are empty where it is said in reports alone. `action` is what a queue does after class 5.
    """

    detail: str
    classes: tuple[int, ...]
    seen: tuple[int, ...]
    basic: tuple[int, ...]
    sections: str
    answers: tuple[str, ...]
    in_practice: tuple[str, ...]
    action: Action
    turn: Role
    related: tuple[str, ...]

    @property
    def usual(self) -> int:
        """The class that is meant where none is named."""
        return max(self.classes)


ENHANCED: dict[str, EnhancedCode] = {}

_WORDS = {
    "any": COMMANDS[1:],
    "all": tuple(stage for stage in STAGES if stage not in ("CONNECT", "EHLO")),
    "-": (),
}


def _row(  # noqa: PLR0913, PLR0917 -- a row of a table has columns
    detail: str,
    classes: str,
    basic: str,
    sections: str,
    answers: str,
    action: Action,
    turn: Role,
    related: str,
    in_practice: str = "",
) -> None:
    foreseen, _, seen = classes.partition("+")
    where = _WORDS.get(answers)
    ENHANCED[detail] = EnhancedCode(
        detail,
        tuple(map(int, foreseen)),
        tuple(map(int, seen)),
        tuple(map(int, basic.split())),
        sections,
        tuple(answers.split()) if where is None else where,
        tuple(in_practice.split()),
        action,
        turn,
        tuple(f"X.{other}" for other in related.split()),
    )


_X, _D, _F = Action.STOP, Action.REMOVE_RECIPIENT, Action.FIX_AND_RESEND
_N = Action.NONE
_SENDER, _OWNER, _DOMAIN, _SERVER = Role.SENDER, Role.OWNER, Role.DOMAIN, Role.SERVER
_RECEIVER, _PROGRAM, _USER, _QUEUE = Role.RECEIVER, Role.PROGRAM, Role.USER, Role.QUEUE
_NOBODY = Role.NOBODY

# fmt: off
# ruff: noqa: E501 -- a table is read by its columns
# -- nothing in particular --------------------------------------------------------------------
_row("0.0", "245", "", "RFC 3463 §3.1", "all", _X, _SENDER, "3.0 5.0 7.0")
# -- addresses --------------------------------------------------------------------------------
_row("1.0", "45", "", "RFC 3463 §3.2", "MAIL RCPT VRFY EXPN", _F, _SENDER, "1.1 1.3 1.7")
_row("1.1", "5+4", "451 550", "RFC 3463 §3.2", "RCPT VRFY EXPN", _D, _SENDER, "1.2 1.6 1.10 2.1", "END")
_row("1.2", "5+4", "", "RFC 3463 §3.2", "RCPT VRFY EXPN", _D, _SENDER, "1.1 1.10 4.4")
_row("1.3", "5", "501", "RFC 3463 §3.2", "RCPT VRFY EXPN", _F, _SENDER, "1.1 1.7 5.2")
_row("1.4", "45", "", "RFC 3463 §3.2", "RCPT VRFY", _F, _SENDER, "1.1 1.3")
_row("1.5", "2", "250", "RFC 3463 §3.2", "RCPT VRFY EXPN", _N, _NOBODY, "1.1 0.0")
_row("1.6", "5", "", "RFC 3463 §3.2", "RCPT VRFY", _D, _SENDER, "1.1 2.1 7.17")
_row("1.7", "45", "", "RFC 3463 §3.2", "MAIL", _F, _PROGRAM, "1.8 1.3", "RCPT")
_row("1.8", "45", "451 501", "RFC 3463 §3.2", "MAIL", _F, _DOMAIN, "1.7 7.27 4.3", "RCPT")
_row("1.9", "245", "", "RFC 3463 §3.2; RFC 3886", "-", _X, _NOBODY, "0.0 1.5")
_row("1.10", "5", "556", "RFC 7505 §4, §7; RFC 7504 §4", "RCPT", _D, _SENDER, "1.1 1.2 7.27")
# -- mailboxes --------------------------------------------------------------------------------
_row("2.0", "45", "", "RFC 3463 §3.3", "RCPT END VRFY", _X, _OWNER, "2.1 2.2 1.1")
_row("2.1", "45", "", "RFC 3463 §3.3", "RCPT VRFY", _D, _OWNER, "1.1 2.2 1.6", "END")
_row("2.2", "4+5", "552", "RFC 3463 §3.3", "RCPT END", _X, _OWNER, "3.1 2.3 2.1")
_row("2.3", "5", "552", "RFC 3463 §3.3", "RCPT END", _F, _SENDER, "3.4 2.2")
_row("2.4", "45", "450 452", "RFC 3463 §3.3", "RCPT EXPN END", _X, _OWNER, "7.2 4.3")
# -- the receiving system ---------------------------------------------------------------------
_row("3.0", "245", "221 250 421 451 550 554", "RFC 3463 §3.4", "all", _X, _RECEIVER, "0.0 3.2 4.0")
_row("3.1", "4+5", "452", "RFC 3463 §3.4", "MAIL RCPT END", _X, _RECEIVER, "2.2 3.4 3.2")
_row("3.2", "45", "453 521", "RFC 3463 §3.4; RFC 7504 §3", "MAIL RCPT END ATRN", _X, _RECEIVER, "4.5 1.10 3.1", "CONNECT")
_row("3.3", "45", "", "RFC 3463 §3.4", "MAIL RCPT END", _F, _SENDER, "5.4 6.3 7.4")
_row("3.4", "5", "552 554", "RFC 3463 §3.4; RFC 1870 §6", "MAIL RCPT END", _F, _SENDER, "2.3 7.16 3.1")
_row("3.5", "45", "", "RFC 3463 §3.4", "MAIL RCPT END", _X, _RECEIVER, "3.0 4.6 4.4")
_row("3.6", "2", "250 251", "RFC 6710", "MAIL", _N, _NOBODY, "7.15 7.16")
# -- the network ------------------------------------------------------------------------------
_row("4.0", "45", "", "RFC 3463 §3.5", "RCPT END", _X, _RECEIVER, "4.1 4.4 3.0")
_row("4.1", "4+5", "451", "RFC 3463 §3.5", "-", _X, _RECEIVER, "4.2 4.4 4.7", "RCPT")
_row("4.2", "4+5", "421", "RFC 3463 §3.5", "any", _X, _RECEIVER, "4.1 4.5 3.2", "CONNECT END")
_row("4.3", "4+5", "451 550", "RFC 3463 §3.5", "MAIL RCPT END", _X, _RECEIVER, "4.4 1.8 7.24")
_row("4.4", "45", "", "RFC 3463 §3.5", "RCPT", _D, _RECEIVER, "1.2 4.3 4.6")
_row("4.5", "4", "451", "RFC 3463 §3.5", "MAIL RCPT END", _X, _RECEIVER, "3.2 4.2 7.28", "CONNECT")
_row("4.6", "4+5", "", "RFC 3463 §3.5", "RCPT END", _X, _RECEIVER, "4.4 3.5 1.2")
_row("4.7", "45", "", "RFC 3463 §3.5", "END", _X, _SENDER, "4.1 4.2 4.4")
# -- the dialogue -----------------------------------------------------------------------------
_row("5.0", "245", "220 250 251 252 253 451 452 454 458 459 501 502 503 554", "RFC 3463 §3.6", "all", _F, _PROGRAM, "5.1 5.2 0.0")
_row("5.1", "5", "430 500 501 503 530 550 554 555", "RFC 3463 §3.6", "any", _F, _PROGRAM, "5.2 5.4 5.5", "EHLO")
_row("5.2", "5", "500 501 502 550 555", "RFC 3463 §3.6", "any", _F, _PROGRAM, "5.1 5.4 1.3", "EHLO END")
_row("5.3", "45", "451", "RFC 3463 §3.6; RFC 5321 §4.5.3.1.10", "RCPT", _F, _QUEUE, "2.4 4.5", "DATA END")
_row("5.4", "5", "451 501 502 503 504 550 555", "RFC 3463 §3.6", "any", _F, _PROGRAM, "5.1 5.2 3.3", "EHLO")
_row("5.5", "45", "", "RFC 3463 §3.6", "any", _F, _PROGRAM, "5.1 5.4", "EHLO")
_row("5.6", "45", "500", "RFC 4954 §6", "AUTH", _F, _PROGRAM, "7.8 5.2")
# -- the content ------------------------------------------------------------------------------
_row("6.0", "45", "", "RFC 3463 §3.7", "END", _F, _SENDER, "6.1 6.3 7.1")
_row("6.1", "5", "", "RFC 3463 §3.7", "END", _F, _SENDER, "6.0 6.3 7.1")
_row("6.2", "45", "", "RFC 3463 §3.7", "END", _F, _SENDER, "6.3 6.4")
_row("6.3", "45", "554", "RFC 3463 §3.7; RFC 3030 §3", "END", _F, _SENDER, "6.2 6.5 6.9", "MAIL")
_row("6.4", "25", "250", "RFC 3463 §3.7", "END", _F, _NOBODY, "6.2 6.5")
_row("6.5", "45", "", "RFC 3463 §3.7", "END", _F, _SENDER, "6.3 6.4")
_row("6.6", "45", "554", "RFC 4468 §5", "END", _F, _USER, "7.14 6.0")
_row("6.7", "5", "550 553", "RFC 6531 §3.5, §4.1", "MAIL RCPT", _F, _SENDER, "6.9 6.8 1.3")
_row("6.8", "25", "252 550 553", "RFC 6531 §3.7.4.2", "VRFY EXPN", _F, _PROGRAM, "6.7 6.9", "RCPT")
_row("6.9", "5", "550", "RFC 6531 §3.5, §4.1", "END", _F, _SENDER, "6.7 6.3")
_row("6.10", "25", "", "RFC 6531 §4.1", "-", _F, _PROGRAM, "6.8 6.7")
# -- security and rules -----------------------------------------------------------------------
_row("7.0", "245", "220 235 450 454 500 501 503 504 530 535 550", "RFC 3463 §3.8", "all", _X, _SENDER, "7.1 7.28 0.0", "CONNECT")
_row("7.1", "5+4", "451 454 502 503 533 550 551", "RFC 3463 §3.8", "all", _X, _SENDER, "7.0 7.23 7.25 7.26 1.1", "CONNECT EHLO")
_row("7.2", "5", "550", "RFC 3463 §3.8", "RCPT EXPN", _D, _OWNER, "7.1 2.4", "END")
_row("7.3", "5", "", "RFC 3463 §3.8", "END", _F, _SENDER, "7.4 6.3")
_row("7.4", "5", "504", "RFC 3463 §3.8", "AUTH MAIL RCPT", _F, _USER, "7.9 7.6 3.3")
_row("7.5", "45", "", "RFC 3463 §3.8", "STARTTLS END", _F, _SERVER, "7.6 7.7 7.10")
_row("7.6", "45", "", "RFC 3463 §3.8", "STARTTLS END", _F, _SERVER, "7.5 7.4")
_row("7.7", "245", "", "RFC 3463 §3.8", "END", _F, _SERVER, "7.5 7.20")
_row("7.8", "5", "535 554", "RFC 4954 §6; RFC 4468 §5", "AUTH", _F, _USER, "7.9 7.13 7.0", "END")
_row("7.9", "5", "534", "RFC 4954 §6", "AUTH", _F, _USER, "7.8 7.11 7.4")
_row("7.10", "5", "523", "RFC 5248; RFC 8689 §4.2.1", "AUTH MAIL RCPT", _F, _USER, "7.11 7.30 7.9")
_row("7.11", "5", "524 538", "RFC 4954 §6", "AUTH", _F, _USER, "7.10 7.9")
_row("7.12", "4", "422 432", "RFC 4954 §6", "AUTH", _F, _USER, "7.8 7.9")
_row("7.13", "5", "525", "RFC 5248", "AUTH", _X, _USER, "7.8 2.1")
_row("7.14", "5", "535 554", "RFC 5248; RFC 4468 §5", "AUTH END", _F, _RECEIVER, "6.6 7.8")
_row("7.15", "45", "450 550", "RFC 6710", "MAIL RCPT END", _F, _SENDER, "7.16 3.6")
_row("7.16", "45", "552", "RFC 6710", "MAIL END", _F, _SENDER, "7.15 3.4")
_row("7.17", "5", "", "RFC 7293", "RCPT", _D, _SENDER, "7.18 7.19 1.6", "END")
_row("7.18", "5", "", "RFC 7293", "RCPT", _D, _SENDER, "7.17 7.19", "END")
_row("7.19", "5", "", "RFC 7293", "RCPT", _F, _SENDER, "7.17 7.18", "END")
_row("7.20", "5+4", "550", "RFC 7372 §3.1; RFC 6376 §6.1", "END", _F, _DOMAIN, "7.21 7.22 7.26")
_row("7.21", "5+4", "550", "RFC 7372 §3.1; RFC 6376 §6.1", "END", _F, _DOMAIN, "7.20 7.22")
_row("7.22", "5+4", "550", "RFC 7372 §3.1; RFC 6376 §6.1", "END", _F, _DOMAIN, "7.20 7.21 7.26")
_row("7.23", "5+4", "550", "RFC 7372 §3.2; RFC 7208 §8.4", "MAIL RCPT END", _F, _DOMAIN, "7.24 7.26 7.1", "EHLO")
_row("7.24", "45", "451 550", "RFC 7372 §3.2; RFC 7208 §8.6, §8.7", "MAIL RCPT END", _F, _DOMAIN, "7.23 7.26 4.3")
_row("7.25", "5+4", "550", "RFC 7372 §3.3; RFC 8601 §3", "MAIL RCPT END", _F, _SERVER, "7.1 7.23", "CONNECT EHLO")
_row("7.26", "5+4", "550", "RFC 7372 §3.4", "END", _F, _DOMAIN, "7.20 7.23 7.22 7.1", "RCPT")
_row("7.27", "5+4", "550", "RFC 7505 §4.2", "MAIL", _F, _DOMAIN, "1.10 1.8 7.23", "RCPT END")
_row("7.28", "45", "", "RFC 5248", "MAIL RCPT END", _X, _SERVER, "4.5 5.3 7.1", "CONNECT")
_row("7.29", "5+4", "550", "RFC 8617 §5.2.2, §10.4", "END", _F, _SERVER, "7.20 7.26")
_row("7.30", "5+4", "550", "RFC 8689 §4.2.1, §7", "MAIL RCPT END", _F, _SERVER, "7.10 7.5")
# fmt: on
