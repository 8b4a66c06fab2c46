"""The extensions of the server, as a table (RFC 5321 §2.2).

One row an extension: its keyword, its RFC, whether a session may have it where it stands, and
which parameters and commands come with it. The answer to EHLO, what MAIL and RCPT understand,
and which commands there are, all are read off here. An extension that is new is a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType

from ulak.smtp import parameters, xclient
from ulak.smtp.offers import Standing
from ulak.smtp.parameters import MailReader, MailReaders, RecipientReader, RecipientReaders

Offer = Callable[[Standing, float], str | None]
_NO_MAIL: MailReaders = MappingProxyType({})
_NO_RCPT: RecipientReaders = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Extension:
    """One row.

    `offer` gives the line of EHLO, or None where the session may not have the extension now;
    it is told the time (seconds since the epoch) for what depends on it. `mail` and `rcpt` are
    the parameters it brings, by name; `commands` the commands.
    """

    keyword: str
    section: str
    offer: Offer
    mail: MailReaders = field(default_factory=lambda: _NO_MAIL)
    rcpt: RecipientReaders = field(default_factory=lambda: _NO_RCPT)
    commands: tuple[str, ...] = ()


def _plain(*keywords: str) -> Offer:
    """Offer the first keyword without arguments, unless it or one that it needs is withheld."""
    return lambda standing, _now: keywords[0] if standing.allows(*keywords) else None


def _size(standing: Standing, _now: float) -> str | None:
    return f"SIZE {standing.largest}" if standing.allows("SIZE") else None


def _limits(standing: Standing, _now: float) -> str | None:
    # The only one of the registered limits that this server has.
    return f"LIMITS RCPTMAX={standing.offers.recipients}" if standing.allows("LIMITS") else None


def _deliverby(standing: Standing, _now: float) -> str | None:
    least = standing.offers.least_deliver_by
    if not standing.allows("DELIVERBY"):
        return None
    return f"DELIVERBY {least}" if least else "DELIVERBY"


def _futurerelease(standing: Standing, now: float) -> str | None:
    # Whose message it is that waits here has to be known.
    offers = standing.offers
    if offers.kind != "submission" or not standing.known or not offers.longest_hold:
        return None
    if not standing.allows("FUTURERELEASE"):
        return None
    latest = datetime.fromtimestamp(int(now) + offers.longest_hold, UTC)
    return f"FUTURERELEASE {offers.longest_hold} {latest:%Y-%m-%dT%H:%M:%SZ}"


def _requiretls(standing: Standing, _now: float) -> str | None:
    # RFC 8689 §2: only under TLS.
    return "REQUIRETLS" if standing.secure and standing.allows("REQUIRETLS") else None


def _auth(standing: Standing, _now: float) -> str | None:
    mechanisms = standing.mechanisms
    return f"AUTH {' '.join(mechanisms)}" if mechanisms else None


def _starttls(standing: Standing, _now: float) -> str | None:
    return "STARTTLS" if standing.offers.tls and not standing.secure else None


def _xclient(standing: Standing, _now: float) -> str | None:
    if not standing.front or not standing.allows("XCLIENT"):
        return None
    return f"XCLIENT {' '.join(xclient.ATTRIBUTES)}"


def _vrfy(standing: Standing, _now: float) -> str | None:
    return "VRFY" if standing.offers.vrfy else None


def _expn(standing: Standing, _now: float) -> str | None:
    # RFC 5321 §3.5.2: listed where it is had; §4.2.4: and not where it gets 502.
    return "EXPN" if standing.offers.expn else None


# In the order of the answer to EHLO. Of two rows with the same parameter the later one reads it.
TABLE = (
    Extension("PIPELINING", "RFC 2920 §3.2", _plain("PIPELINING")),
    Extension("SIZE", "RFC 1870 §4", _size, {"SIZE": parameters.size}),
    Extension("8BITMIME", "RFC 6152 §2", _plain("8BITMIME"), {"BODY": parameters.body}),
    Extension(
        "SMTPUTF8",
        "RFC 6531 §3.1",  # which wants 8BITMIME too
        _plain("SMTPUTF8", "8BITMIME"),
        {"SMTPUTF8": parameters.smtputf8},
    ),
    Extension("CHUNKING", "RFC 3030 §2", _plain("CHUNKING"), commands=("BDAT",)),
    Extension(
        "BINARYMIME",
        "RFC 3030 §3",
        _plain("BINARYMIME", "CHUNKING", "8BITMIME"),
        {"BODY": parameters.body_or_binary},
    ),
    Extension(
        "DSN",
        "RFC 3461 §3",
        _plain("DSN"),
        {"RET": parameters.ret, "ENVID": parameters.envid},
        {"NOTIFY": parameters.notify, "ORCPT": parameters.orcpt},
    ),
    Extension("LIMITS", "RFC 9422 §3", _limits),
    Extension(
        "MT-PRIORITY",
        "RFC 6710 §3",
        _plain("MT-PRIORITY"),
        {"MT-PRIORITY": parameters.mt_priority},
    ),
    Extension("DELIVERBY", "RFC 2852 §3", _deliverby, {"BY": parameters.by}),
    Extension(
        "FUTURERELEASE",
        "RFC 4865 §3",
        _futurerelease,
        {"HOLDFOR": parameters.holdfor, "HOLDUNTIL": parameters.holduntil},
    ),
    Extension("REQUIRETLS", "RFC 8689 §2", _requiretls, {"REQUIRETLS": parameters.requiretls}),
    Extension("AUTH", "RFC 4954 §3", _auth, {"AUTH": parameters.auth}, commands=("AUTH",)),
    Extension("ENHANCEDSTATUSCODES", "RFC 2034 §3", _plain("ENHANCEDSTATUSCODES")),
    Extension("STARTTLS", "RFC 3207 §2", _starttls, commands=("STARTTLS",)),
    Extension("XCLIENT", "RFC 5321 §4.1.5", _xclient, commands=("XCLIENT",)),
    Extension("VRFY", "RFC 5321 §3.5", _vrfy),
    Extension("EXPN", "RFC 5321 §3.5", _expn),
    Extension("HELP", "RFC 5321 §4.1.1.8", _plain("HELP")),
)


@dataclass(frozen=True, slots=True)
class Offered:
    """What a session may use where it stands: parameters by name, and commands."""

    mail: MailReaders
    rcpt: RecipientReaders
    commands: frozenset[str]


COMMANDS = {command: row.keyword for row in TABLE for command in row.commands}
NOTHING_OFFERED = Offered(_NO_MAIL, _NO_RCPT, frozenset())


def may_be_had(command: str, standing: Standing) -> bool:
    """Whether the command belongs to no extension, or to one that the listener does not withhold.

    Whether it may come now is another question.
    """
    keyword = COMMANDS.get(command)
    if keyword == "AUTH" and not standing.offers.ways.allowed:
        return False
    return keyword is None or standing.allows(keyword)


def listing(standing: Standing, now: float) -> list[str]:
    """Give the lines of EHLO behind the first one."""
    lines = (row.offer(standing, now) for row in TABLE)
    return [line for line in lines if line is not None]


@lru_cache(maxsize=128)
def offered(standing: Standing) -> Offered:
    """Give what a session may use. The same for all that stand alike."""
    mail: dict[str, MailReader] = {}
    rcpt: dict[str, RecipientReader] = {}
    commands: set[str] = set()
    for row in TABLE:
        if row.offer(standing, 0.0) is not None:
            mail.update(row.mail)
            rcpt.update(row.rcpt)
            commands.update(row.commands)
    return Offered(MappingProxyType(mail), MappingProxyType(rcpt), frozenset(commands))
