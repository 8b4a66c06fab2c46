"""The parameters of MAIL and RCPT, one reader for each (RFC 5321 §4.1.1.11).

A reader takes the value (None: the parameter stood alone) and puts it into the draft of the
event, or gives a refusal. Which parameter may come when is the table's, `extensions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from ulak.language.case import upper
from ulak.mail import unitext, xtext
from ulak.mail.address import ascii_lower
from ulak.mail.envelope import NO_WISHES, NOTHING_ASKED, RecipientWishes, Wishes
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp import grammar
from ulak.smtp.offers import Standing
from ulak.smtp.terms import By, Terms

_DIGITS = frozenset("0123456789")
_SIZE_DIGITS = 20  # RFC 1870 §3
_HOLD_DIGITS = 9  # RFC 4865 §3
_ENVID = 100  # RFC 3461 §4.4: characters on the wire
_ORCPT = 500  # RFC 3461 §4.2, likewise
_NOTIFY = frozenset({"NEVER", "SUCCESS", "FAILURE", "DELAY"})

_BY = re.compile(r"([+-]?[0-9]{1,9});([NR])(T?)")
_PRIORITY = re.compile(r"-?[1-9]|0")
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?"
    r"(?:Z|([+-])([0-9]{2}):([0-5][0-9]))"
)
_LEAP = 60  # the second that is put in now and then
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*/?^_`{|}~-]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


class MailDraft:
    """What the parameters of one MAIL have said so far."""

    size = 0
    body = "7BIT"
    smtputf8 = False
    wishes: Wishes = NO_WISHES
    terms: Terms | None = None

    def __init__(self, standing: Standing) -> None:
        self.standing = standing


class RecipientDraft:
    """What the parameters of one RCPT have said so far."""

    wishes: RecipientWishes = NOTHING_ASKED

    def __init__(self, *, smtputf8: bool) -> None:
        self.smtputf8 = smtputf8


MailReader = Callable[[MailDraft, str | None], Reply | None]
RecipientReader = Callable[[RecipientDraft, str | None], Reply | None]
MailReaders = Mapping[str, MailReader]
RecipientReaders = Mapping[str, RecipientReader]


def _bad(parameter: str) -> Reply:
    return catalog.PARAMETER_BAD.reply(parameter=parameter)


# -- of MAIL ----------------------------------------------------------------------------------


def size(draft: MailDraft, value: str | None) -> Reply | None:
    """SIZE=n (RFC 1870 §3)."""
    # Not int() alone: that takes `1_000`, `+5` and the digits of every script.
    if not value or len(value) > _SIZE_DIGITS or not _DIGITS.issuperset(value):
        return _bad("SIZE")
    draft.size = int(value)
    return None


def body(draft: MailDraft, value: str | None) -> Reply | None:
    """BODY=7BIT or 8BITMIME (RFC 6152 §2)."""
    kind = upper(value or "")
    if kind not in ("7BIT", "8BITMIME"):
        return _bad("BODY")
    draft.body = kind
    return None


def body_or_binary(draft: MailDraft, value: str | None) -> Reply | None:
    """BODY where BINARYMIME is among its values (RFC 3030 §3)."""
    if upper(value or "") != "BINARYMIME":
        return body(draft, value)
    draft.body = "BINARYMIME"
    return None


def smtputf8(draft: MailDraft, value: str | None) -> Reply | None:
    """SMTPUTF8 (RFC 6531 §3.4)."""
    draft.smtputf8 = True
    return None if value is None else _bad("SMTPUTF8")


def ret(draft: MailDraft, value: str | None) -> Reply | None:
    """RET=FULL or HDRS (RFC 3461 §4.3)."""
    what = upper(value or "")
    if what not in ("FULL", "HDRS"):
        return _bad("RET")
    draft.wishes = replace(draft.wishes, ret=what)
    return None


def envid(draft: MailDraft, value: str | None) -> Reply | None:
    """ENVID=xtext (RFC 3461 §4.4); it stands for printable ASCII, so never for a line end."""
    text = _decoded(value, _ENVID, xtext.decode)
    if not _PRINTABLE.fullmatch(text):
        return _bad("ENVID")
    draft.wishes = replace(draft.wishes, envid=text)
    return None


def requiretls(draft: MailDraft, value: str | None) -> Reply | None:
    """REQUIRETLS (RFC 8689 §3)."""
    draft.wishes = replace(draft.wishes, require_tls=True)
    return None if value is None else _bad("REQUIRETLS")


def by(draft: MailDraft, value: str | None) -> Reply | None:
    """BY=seconds;mode (RFC 2852 §4): mode R needs a time that has not passed."""
    match = _BY.fullmatch(upper(value or ""))
    if match is None or (match[2] == "R" and int(match[1]) <= 0):
        return _bad("BY")
    wanted = By(int(match[1]), match[2], bool(match[3]))
    draft.terms = replace(draft.terms or Terms(), by=wanted)
    return None


def holdfor(draft: MailDraft, value: str | None) -> Reply | None:
    """HOLDFOR=seconds (RFC 4865 §3); not together with HOLDUNTIL."""
    terms = draft.terms or Terms()
    good = value and len(value) <= _HOLD_DIGITS and _DIGITS.issuperset(value)
    if not good or terms.hold_until is not None:
        return _bad("HOLDFOR")
    draft.terms = replace(terms, hold_for=int(value or 0), hold=f"for;{value}")
    return None


def holduntil(draft: MailDraft, value: str | None) -> Reply | None:
    """HOLDUNTIL=date-time (RFC 4865 §3); not together with HOLDFOR."""
    terms = draft.terms or Terms()
    when = date_time(value or "")
    if when is None or terms.hold_for is not None:
        return _bad("HOLDUNTIL")
    draft.terms = replace(terms, hold_until=when, hold=f"until;{value}")
    return None


def mt_priority(draft: MailDraft, value: str | None) -> Reply | None:
    """MT-PRIORITY=n from -9 to 9 (RFC 6710 §3)."""
    if not _PRIORITY.fullmatch(value or ""):
        return _bad("MT-PRIORITY")
    draft.terms = replace(draft.terms or Terms(), priority=int(value or 0))
    return None


def auth(draft: MailDraft, value: str | None) -> Reply | None:
    """AUTH=mailbox or <> in xtext (RFC 4954 §5). What a stranger says is not believed: it is <>."""
    text = _decoded(value, grammar.MAX_PATH * 3, xtext.decode)
    if text != "<>":
        try:
            text = str(grammar.parse_mailbox(text))
        except grammar.GrammarError:
            return _bad("AUTH")
    draft.wishes = replace(draft.wishes, auth=text if draft.standing.known else "<>")
    return None


# -- of RCPT ----------------------------------------------------------------------------------


def notify(draft: RecipientDraft, value: str | None) -> Reply | None:
    """NOTIFY=NEVER, or some of SUCCESS, FAILURE, DELAY (RFC 3461 §4.1)."""
    words = upper(value or "").split(",")
    wanted = frozenset(words)
    if not wanted <= _NOTIFY or len(wanted) < len(words) or ("NEVER" in wanted and len(words) > 1):
        return _bad("NOTIFY")
    draft.wishes = replace(draft.wishes, notify=wanted)
    return None


def orcpt(draft: RecipientDraft, value: str | None) -> Reply | None:
    """ORCPT=type;address (RFC 3461 §4.2), of type utf-8 in the forms of RFC 6533 §3."""
    kind, semicolon, coded = (value or "").partition(";")
    wide = ascii_lower(kind) == "utf-8"
    text = _decoded(coded, _ORCPT, unitext.decode if wide else xtext.decode)
    good = text.isprintable() if wide else _PRINTABLE.fullmatch(text)
    may = coded.isascii() or draft.smtputf8
    if not semicolon or not _ATOM.fullmatch(kind) or not text or not good or not may:
        return _bad("ORCPT")
    draft.wishes = replace(draft.wishes, orcpt=f"{ascii_lower(kind)};{text}")
    return None


# -- values -----------------------------------------------------------------------------------


def _decoded(value: str | None, most: int, decode: Callable[[str], str]) -> str:
    """Decode a value of at most so many octets; `""` where it is none."""
    if not value or len(value.encode()) > most:
        return ""
    try:
        return decode(value)
    except ValueError:
        return ""


def date_time(text: str) -> float | None:
    """Give the time of an RFC 3339 §5.6 date-time in seconds since the epoch, or None."""
    match = _DATE_TIME.fullmatch(upper(text))
    if match is None:
        return None
    *parts, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    leap = second == _LEAP
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    try:
        zone = timezone(-offset if match[8] == "-" else offset)
        year, month, day, hour, minute = parts
        when = datetime(year, month, day, hour, minute, second - leap, tzinfo=zone)
    except ValueError:
        return None
    return when.timestamp() + leap + float(f"0{match[7] or ''}")
