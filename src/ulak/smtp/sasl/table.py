"""The mechanisms of the server, as a table: where each may be offered (RFC 4422, RFC 4954 §3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.sasl.external import External
from ulak.smtp.sasl.login import Login
from ulak.smtp.sasl.oauthbearer import OAuthBearer
from ulak.smtp.sasl.plain import Plain
from ulak.smtp.sasl.scram import Scram, ScramPlus
from ulak.smtp.sasl.steps import Mechanism
from ulak.smtp.sasl.xoauth2 import XOAuth2

_NAME = re.compile(rb"[A-Z0-9_-]{1,20}")
_NO_BINDINGS: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Channel:
    """What a connection gives to mechanisms.

    `secure`: it is under TLS. `certificate`: the client has shown one that was verified.
    `binding`: a login can be bound to it.
    """

    secure: bool = False
    certificate: bool = False
    binding: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """By which mechanisms a listener lets clients log in: `allowed` has their names.

    `clear`: SCRAM may be used without TLS, too. `scope` and `discovery` are as in `bearer.Bearer`.
    """

    allowed: frozenset[str] = frozenset()
    clear: bool = False
    scope: str = ""
    discovery: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One mechanism: what the channel has to give, and how its server's side is made.

    `clear`: what goes over the wire may be seen by others, where `Ways` allows that too. `weak`:
    it brings the password itself.
    """

    make: Callable[[Ways, Channel, str, Mapping[str, bytes]], Mechanism]
    clear: bool = False
    weak: bool = False
    binding: bool = False
    certificate: bool = False


def _plus_offered(ways: Ways, channel: Channel) -> bool:
    return ScramPlus.name in offered(ways, channel)


# In the order in which they are offered: the strongest first.
MECHANISMS: Mapping[str, Row] = {
    ScramPlus.name: Row(
        lambda _ways, _channel, nonce, bindings: ScramPlus(nonce, bindings=bindings), binding=True
    ),
    Scram.name: Row(
        lambda ways, channel, nonce, _: Scram(nonce, offers_plus=_plus_offered(ways, channel)),
        clear=True,
    ),
    External.name: Row(lambda *_: External(), certificate=True),
    OAuthBearer.name: Row(lambda ways, *_: OAuthBearer(ways.scope, ways.discovery)),
    XOAuth2.name: Row(lambda ways, *_: XOAuth2(ways.scope, ways.discovery)),
    Plain.name: Row(lambda *_: Plain(), weak=True),
    Login.name: Row(lambda *_: Login(), weak=True),
}


def offered(ways: Ways, channel: Channel) -> tuple[str, ...]:
    """Give the names of what may be used over a channel, in the order of the table."""
    return tuple(name for name, row in MECHANISMS.items() if _may(name, row, ways, channel))


def make(
    name: str,
    ways: Ways,
    channel: Channel,
    nonce: str,
    bindings: Mapping[str, bytes] = _NO_BINDINGS,
) -> Mechanism | Reply:
    """Make the server's side of a mechanism, or say why it is not to be had.

    `nonce` is printable ASCII without a comma, new each time. `bindings` has the octets of each
    channel binding by its name.
    """
    row = MECHANISMS.get(name)
    if row is not None and _may(name, row, ways, channel):
        return row.make(ways, channel, nonce, bindings)
    if row is not None and name in ways.allowed and not channel.secure:
        return catalog.MECHANISM_NEEDS_TLS.reply(mechanism=name)
    if row is not None and row.weak and channel.secure:
        return catalog.MECHANISM_TOO_WEAK.reply(mechanism=name)
    return catalog.MECHANISM_UNKNOWN.reply(mechanism=name)


def _may(name: str, row: Row, ways: Ways, channel: Channel) -> bool:
    return (
        name in ways.allowed
        and (channel.secure or (row.clear and ways.clear))
        and (channel.binding or not row.binding)
        and (channel.certificate or not row.certificate)
    )


def mechanism_of(word: bytes) -> str:
    """Give a mechanism's name in capital letters, `""` for what can be none (RFC 4422 §3.1)."""
    name = word.upper()
    return name.decode("ascii") if _NAME.fullmatch(name) else ""
