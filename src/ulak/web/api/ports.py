"""What the API needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from ulak.accounts.access import AccessToken
from ulak.events.event import Event
from ulak.suppression.suppressed import Suppressions
from ulak.web.console.ports import Operation as Server


class Tokens(Protocol):
    """Who may ask for what is not public."""

    async def find(self, token: str) -> AccessToken | None:
        """Give what is known of a token; None for one that there is not."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A message that a program hands in: for which account, from where, in which envelope.

    `key` is that of the request and its token, `digest` of all that it says; `""` without one.
    """

    account: str
    ip: str
    sender: str
    recipients: tuple[str, ...]
    octets: bytes
    utf8: bool = False
    key: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """The message is ours, and on the disk. `again`: it has been since an earlier request."""

    id: str
    message_id: str
    recipients: tuple[Mapping[str, str], ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Turned:
    """The message was not taken: the cause, and the reply that a client of SMTP would get.

    The cause is `no-account` where there is none to send as.
    """

    cause: str
    reply: str = ""
    recipients: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another message was taken under this key."""


class Events(Protocol):
    """What happens to mail, in order, each event behind a place that can be written down."""

    async def begin(self, place: str) -> str | None:
        """Give the place to begin at: the one that was given, or the end; None for nonsense."""

    async def after(self, place: str) -> Sequence[tuple[str, Event | None]]:
        """Give what lies behind a place, each with its own; None for what is no event."""

    async def lost(self, place: str) -> bool:
        """Whether something behind a place is kept no more."""


class Post(Protocol):
    """Who takes messages of programs. `clock` gives seconds since the epoch."""

    hostname: str
    clock: Callable[[], float]

    async def send(self, handed: Handed) -> Taken | Turned | Conflict:
        """Hand a message in; it is on the disk when it is `Taken`. Raises OperationError."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the operations are made of.

    `clock` gives seconds since the epoch. `count` counts a request, with a weight, and raises
    HTTPException 429 where it was too many. `post` takes messages, `suppressions` are the list of
    those whom nothing is sent to. Without a `server` there is only the reference, and without
    `tokens` nothing but what is public.
    """

    clock: Callable[[], float]
    count: Callable[[Request, float], None]
    tokens: Tokens | None = None
    server: Server | None = None
    post: Post | None = None
    suppressions: Suppressions | None = None
    events: Events | None = None
