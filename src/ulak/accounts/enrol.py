"""Making an account of an address and a password."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ulak.accounts import password
from ulak.accounts.account import Account, is_domain, key_of
from ulak.accounts.password import Weakness
from ulak.smtp.sasl import prepare
from ulak.smtp.sasl.keys import ScramKeys

_SCRAM_SALT = 16  # octets


class NoAddressError(ValueError):
    """Something is no address; `address` is what it is."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address!r} is no address")
        self.address = address


class WeakPasswordError(ValueError):
    """Something is not taken as a password; `why` says why, and nothing what it is."""

    def __init__(self, why: Weakness) -> None:
        super().__init__(why.value)
        self.why = why


def account(address: str, send_as: Sequence[str], now: float) -> Account:
    """Make an account without a secret. NoAddressError for what is no address.

    Among the addresses that it may send as, each stands once.
    """
    if key_of(address) is None:
        raise NoAddressError(address)
    further: dict[str, str] = {}
    for one in send_as:
        key = _key(one)
        if key is None:
            raise NoAddressError(one)
        further.setdefault(key, one)
    further.pop(key_of(address) or "", None)
    return Account(address, send_as=tuple(further.values()), made=now, changed=now)


def with_password(
    account: Account,
    given: str,
    chance: Callable[[int], bytes],
    now: float,
    *,
    plain: bool = True,
    scram: bool = True,
) -> Account:
    """Give an account a password: its hash for PLAIN and LOGIN, keys for SCRAM, or both.

    Takes some tens of milliseconds. WeakPasswordError for what is not taken.
    """
    why = password.weakness(given, account.address)
    if why is not None:
        raise WeakPasswordError(why)
    keys = None
    if scram:
        try:
            keys = ScramKeys.of(given, chance(_SCRAM_SALT))
        except prepare.PreparationError:
            raise WeakPasswordError(Weakness.NOT_FOR_SCRAM) from None
    kept = password.hashed(given, chance(password.SALT)) if plain else ""
    return replace(account, password=kept, scram=keys, changed=now)


def _key(address: str) -> str | None:
    if not is_domain(address):
        return key_of(address)
    key = key_of(f"x{address[1:]}")
    return key and f"*{key[1:]}"
