"""The mechanisms of the server, as a table: where each may be offered (RFC 4422, RFC 4954 §3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ulak.smtp.sasl.external import External
from ulak.smtp.sasl.login import Login
from ulak.smtp.sasl.oauthbearer import OAuthBearer
from ulak.smtp.sasl.plain import Plain
from ulak.smtp.sasl.scram import Scram, ScramPlus
from ulak.smtp.sasl.steps import Mechanism
from ulak.smtp.sasl.xoauth2 import XOAuth2

_NOTHING: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Channel:
    """What a connection gives to mechanisms.

    `bindings` has the octets of each channel binding by its name; `certificate` says whether the
    client has shown a certificate that was verified.
    """

    secure: bool = False
    certificate: bool = False
    bindings: Mapping[str, bytes] = field(default_factory=lambda: _NOTHING, repr=False)


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

    `clear`: what goes over the wire can be seen by others and is no use to them, where `Ways`
    says so.
    """

    make: Callable[[Ways, Channel, Callable[[], str]], Mechanism]
    clear: bool = False
    binding: bool = False
    certificate: bool = False


def _plus_offered(ways: Ways, channel: Channel) -> bool:
    return ScramPlus.name in offered(ways, channel)


# In the order in which they are offered: the strongest first.
MECHANISMS: Mapping[str, Row] = {
    ScramPlus.name: Row(
        lambda _w, channel, nonce: ScramPlus(nonce(), bindings=channel.bindings), binding=True
    ),
    Scram.name: Row(
        lambda ways, channel, nonce: Scram(nonce(), offers_plus=_plus_offered(ways, channel)),
        clear=True,
    ),
    External.name: Row(lambda _w, _c, _n: External(), certificate=True),
    OAuthBearer.name: Row(lambda ways, _c, _n: OAuthBearer(ways.scope, ways.discovery)),
    XOAuth2.name: Row(lambda ways, _c, _n: XOAuth2(ways.scope, ways.discovery)),
    Plain.name: Row(lambda _w, _c, _n: Plain()),
    Login.name: Row(lambda _w, _c, _n: Login()),
}


def offered(ways: Ways, channel: Channel) -> tuple[str, ...]:
    """Give the names of what may be used over a channel, in the order of the table."""
    return tuple(name for name, row in MECHANISMS.items() if _may(name, row, ways, channel))


def make(name: str, ways: Ways, channel: Channel, nonce: Callable[[], str]) -> Mechanism | None:
    """Make the server's side of a mechanism; None where it is not offered.

    `nonce` draws a text of printable ASCII without a comma.
    """
    row = MECHANISMS.get(name)
    if row is None or not _may(name, row, ways, channel):
        return None
    return row.make(ways, channel, nonce)


def _may(name: str, row: Row, ways: Ways, channel: Channel) -> bool:
    return (
        name in ways.allowed
        and (channel.secure or (row.clear and ways.clear))
        and (bool(channel.bindings) or not row.binding)
        and (channel.certificate or not row.certificate)
    )


def needs_tls(name: str, ways: Ways) -> bool:
    """Whether TLS is all that a mechanism lacks where it is not offered."""
    return name in ways.allowed and name in MECHANISMS


def known(names: Collection[str]) -> bool:
    """Whether there is such a mechanism for each name."""
    return MECHANISMS.keys() >= set(names)
