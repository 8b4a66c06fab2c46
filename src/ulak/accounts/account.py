"""One account: who logs in by which secret, and as whom it may send (RFC 6409 §6.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ulak.dns.names import to_ascii
from ulak.mail.address import Address, ascii_lower, fold
from ulak.smtp.grammar import GrammarError, parse_mailbox
from ulak.smtp.sasl.keys import ScramKeys

_EVERYBODY = "*"  # as a local-part: every address of the domain


class Role(StrEnum):
    """What somebody may do in the console."""

    NONE = ""  # not even log in there
    READ_ONLY = "read-only"  # see everything
    ADMIN = "admin"  # and act

    def covers(self, needed: Role) -> bool:
        """Whether who has this role may do what needs that one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Account:
    """One account.

    `address` is the name by which one logs in, in the spelling that it was made with, and an
    address that it may send as; `send_as` are further ones, and `*@domain` for a whole domain.
    `password` is an argon2id hash (`accounts.password`), `""` for none: then PLAIN and LOGIN
    find no secret. `disabled` accounts log in with nothing. Limits are counts an hour, None for
    what the configuration says. Times are seconds since the epoch.
    """

    address: str
    password: str = field(default="", repr=False)
    scram: ScramKeys | None = None
    send_as: tuple[str, ...] = ()
    disabled: bool = False
    messages_per_hour: int | None = None
    recipients_per_hour: int | None = None
    made: float = 0.0
    changed: float = 0.0
    role: Role = Role.NONE

    @property
    def key(self) -> str:
        """What all spellings of the login name have in common."""
        key = key_of(self.address)
        if key is None:
            message = f"{self.address!r} is no address"
            raise ValueError(message)
        return key

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address, and every `*@domain`, that it may send as."""
        return (self.address, *self.send_as)

    def owns(self, sender: Address) -> bool:
        """Whether it may send as an address, however that is spelled."""
        domain = _domain(sender.domain)
        either = (f"{fold(sender.local)}@{domain}", f"{_EVERYBODY}@{domain}")
        return any(_owned(one) in either for one in self.addresses)


def key_of(name: str) -> str | None:
    """Bring a login name into the form in which names are compared; None for what is no address.

    Case does not matter, as in `mail.address.fold`, and a domain is the same in U-labels and in
    A-labels.
    """
    local, _, domain = name.rpartition("@")
    domain = _domain(domain)
    try:
        return f"{fold(parse_mailbox(f'{local}@{domain}').local)}@{domain}"
    except GrammarError:
        return None


def is_domain(address: str) -> bool:
    """Whether this is `*@domain`, every address of a domain."""
    return address.startswith(f"{_EVERYBODY}@")


def _owned(address: str) -> str | None:
    if is_domain(address):
        return f"{_EVERYBODY}@{_domain(address[2:])}"
    return key_of(address)


def _domain(name: str) -> str:
    return to_ascii(name) or ascii_lower(name)
