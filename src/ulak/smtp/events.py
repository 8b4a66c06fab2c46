"""What a client said, one value a command (RFC 5321 §4.1.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ulak.mail.address import Address
from ulak.mail.envelope import NO_WISHES, NOTHING_ASKED, RecipientWishes, Wishes
from ulak.replies.reply import Reply
from ulak.smtp.terms import Terms


@dataclass(frozen=True, slots=True)
class Hello:
    """EHLO (`extended`) or HELO with the client's name."""

    name: str
    extended: bool


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL: the reverse-path (None: null) and what its parameters said.

    `terms` are those wishes that need a clock or a decision before they are any (`smtp.terms`).
    """

    sender: Address | None
    size: int = 0  # octets, as announced (RFC 1870); 0 where not
    body: str = "7BIT"
    smtputf8: bool = False
    wishes: Wishes = NO_WISHES
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """RCPT: one forward-path and what its parameters said."""

    address: Address
    wishes: RecipientWishes = NOTHING_ASKED


@dataclass(frozen=True, slots=True)
class Data:
    """DATA: the client wants to send the message."""


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT: a chunk of so many octets follows (RFC 3030 §2). Needs no answer until it is here.

    `first`: no other chunk of the message came before; `stray`: there is no message for it.
    """

    size: int
    first: bool = True
    stray: bool = False


@dataclass(frozen=True, slots=True)
class EndOfChunk:
    """The octets of a chunk are here, and it is not the last."""

    size: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the message, unstuffed. Needs no answer."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EndOfData:
    """The message is complete; `fault` is a refusal that its form earned on the way.

    `last`: the client thinks so too, and does not want to send another chunk.
    """

    size: int
    fault: Reply | None = None
    last: bool = True


@dataclass(frozen=True, slots=True)
class Verify:
    """VRFY. `smtputf8`: the reply may be in UTF-8 (RFC 6531 §3.7.4.2)."""

    user: Address
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """EXPN. `smtputf8` as with VRFY."""

    user: Address
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Help:
    """HELP, with a command's name perhaps."""

    topic: str = ""


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP."""


@dataclass(frozen=True, slots=True)
class Reset:
    """RSET."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS (RFC 3207)."""


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH: the name of a mechanism in capital letters, and what stands behind it (RFC 4954 §4)."""

    mechanism: str
    initial: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One line of the client's after 334."""

    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class XClient:
    """XCLIENT: whom the client speaks for (`smtp.xclient`).

    None: not said; `""` or 0: said not to be known. `own_ip` and `own_port` are where that
    client connected to.
    """

    name: str | None = None
    ip: str | None = None
    port: int | None = None
    protocol: str | None = None
    helo: str | None = None
    login: str | None = None
    own_ip: str | None = None
    own_port: int | None = None


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that the core refuses by itself. `closing`: the connection ends with the reply."""

    reply: Reply
    closing: bool = False


Event = (
    Hello
    | Mail
    | Recipient
    | Data
    | Bdat
    | EndOfChunk
    | Chunk
    | EndOfData
    | Verify
    | Expand
    | Help
    | Noop
    | Reset
    | StartTls
    | Auth
    | Response
    | XClient
    | Quit
    | Refused
)
