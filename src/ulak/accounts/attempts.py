"""Failed logins: answered slower and slower, then shut out for a while.

Counted are the failures of an IP address (of IPv6 a /64, which is one customer's link), of the
network round it (/24, /56), of an account, and of an account in a network. Counts fade with time.

Shut out are addresses and networks, never an account: whoever guesses at it from outside cannot
keep its owner out. And where a network is shut out for the guesses of some, an account that has
logged in from there before is let through; only wrong passwords for that account from that
network shut this door, too. Who has an account cannot have guesses at others forgotten: a login
takes back only what failed for the same account.

A name is counted whether there is an account of it or not.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

_V4_NETWORK = 24
_V6_ADDRESS, _V6_NETWORK = 64, 56
_PACE = 10  # failures that fade within `forget_after` where nobody is shut out
_AGAIN = 0.5  # what the same wrong password counts: no new guess, and no reason to go on
_TRIM_EVERY = 200  # failures between two looks at how many records there are


class Kind(StrEnum):
    """Whom a record is about."""

    ADDRESS = "address"
    NETWORK = "network"
    ACCOUNT = "account"
    DOOR = "door"  # one account in one network: failures
    KNOWN = "known"  # the same: when it logged in
    HOME = "home"  # a network: when any account logged in


class Key(NamedTuple):
    """Kind, and the address, network or login name; with both, a space between them."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """`count` failures were left at the time `at`; `bans` so far; shut out `until`.

    Times are seconds since the epoch, 0 for never. Of KNOWN and HOME only `at` means something.
    """

    count: float = 0.0
    at: float = 0.0
    bans: int = 0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How failures are answered. Times in seconds.

    The first failure is answered `first_delay` late, each further one twice as late, up to
    `longest_delay`. `ban_after` failures from an address shut it out for `ban_for`, the second
    time for twice as long, up to `longest_ban`; from a network `network_factor` times as many are
    needed. 0: nobody is shut out. `ban_after` failures are forgotten within `forget_after`. A
    network is known for an account for `known_for` after its last login.
    """

    first_delay: float = 1.0
    longest_delay: float = 16.0
    ban_after: int = 10
    network_factor: int = 4
    ban_for: float = 900.0
    longest_ban: float = 86_400.0
    forget_after: float = 3600.0
    known_for: float = 30 * 86_400.0
    most_records: int = 50_000  # of each kind

    def threshold(self, kind: Kind) -> int:
        """How many failures shut out; 0 for never."""
        factors = {Kind.NETWORK: self.network_factor, Kind.ACCOUNT: 0}
        return self.ban_after * factors.get(kind, 1)


class Records(Protocol):
    """Where records are kept, for all workers. All verbs may block, and raise AccountsError."""

    def read(self, keys: Collection[Key]) -> dict[Key, Record]:
        """Give those of the records that there are."""

    def update(self, keys: Collection[Key], change: Change) -> None:
        """Change records in one transaction; those that `change` gives None for are removed."""

    def banned(self, now: float) -> dict[Key, Record]:
        """Give the records of all who are shut out now."""

    def trim(self, now: float, keep: Mapping[Kind, float], most: int) -> None:
        """Forget records that are older than `keep` says, and the oldest over `most` a kind.

        Who is shut out now is forgotten last.
        """

    def close(self) -> None:
        """Let go of them."""


Change = Callable[[dict[Key, Record]], Mapping[Key, Record | None]]


@dataclass(frozen=True, slots=True)
class Look:
    """Whether somebody may try: not before `until`, where it is not 0.

    `home`: some account has logged in from this network before, this one or another. Then who is
    shut out is best let try on nobody's password: to be sent away at once would tell for whom
    the network is known.
    """

    until: float = 0.0
    home: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """How late a failure is to be answered, in seconds; and whom it has shut out until when."""

    delay: float
    banned: Mapping[Key, float]


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody who is shut out."""

    kind: Kind
    name: str
    until: float


def _nobody(ip: str) -> bool:
    del ip
    return False


class Attempts:
    """Counts failures. `now` is in seconds since the epoch; `name` a key of `accounts.account`.

    For what is no name `""` is given: it counts for the address and its network alone. `trusted`
    says of an address whether others may log in through it, a web mail's users perhaps: from
    there failures are slowed by account, and nobody is shut out.
    """

    def __init__(
        self,
        records: Records,
        rules: Rules | None = None,
        trusted: Callable[[str], bool] = _nobody,
    ) -> None:
        self._records = records
        self._rules = rules or Rules()
        self._trusted = trusted
        self._failures = 0

    def look_at(self, ip: str, now: float) -> Look:
        """Look whether anybody at all may try from an address."""
        if self._trusted(ip):
            return Look()
        places = _places(ip)
        home = Key(Kind.HOME, places[-1].name)
        found = self._records.read([*places, home])
        until = _until(found, places, now)
        return Look(until, home=self._fresh(found.get(home), now))

    def look(self, ip: str, name: str, now: float) -> Look:
        """Look whether somebody may try an account from an address."""
        if self._trusted(ip):
            return Look()
        places = _places(ip)
        home = Key(Kind.HOME, places[-1].name)
        door, known = _both(name, places[-1].name)
        found = self._records.read([*places, home, door, known])
        shut = _until(found, [door], now)
        if not self._fresh(found.get(known), now):
            shut = max(shut, _until(found, places, now))
        return Look(shut, home=self._fresh(found.get(home), now))

    def failed(self, ip: str, name: str, now: float, *, again: bool = False) -> Failure:
        """Count a failure; `again` it is the same one as before, which counts for a half."""
        places = _places(ip)
        trusted = self._trusted(ip)
        counted = [] if trusted else list(places)
        if name:
            counted += [Key(Kind.ACCOUNT, name), _both(name, places[-1].name)[0]]
        failure = Failure(self._rules.longest_delay, {})

        def change(found: dict[Key, Record]) -> dict[Key, Record | None]:
            nonlocal failure
            fresh: dict[Key, Record | None] = {}
            banned: dict[Key, float] = {}
            most = 0
            for key in counted:
                before = found.get(key, Record())
                more = _AGAIN if again and key in found else 1.0
                record, count = self._more(key, before, now, more, ban=not trusted)
                fresh[key] = record
                most = max(most, count if key.kind in (Kind.ADDRESS, Kind.ACCOUNT) else 0)
                if record.until > now and before.until <= now:
                    banned[key] = record.until
            failure = Failure(self._delay(most), banned)
            return fresh

        self._records.update(counted, change)
        self._failures += 1
        if self._failures % _TRIM_EVERY == 1:
            self.trim(now)
        return failure

    def succeeded(self, ip: str, name: str, now: float) -> None:
        """Note a login: what failed for the same account from there is forgotten."""
        places = _places(ip)
        door, known = _both(name, places[-1].name)
        account, home = Key(Kind.ACCOUNT, name), Key(Kind.HOME, places[-1].name)
        if not self._noteworthy(self._records.read([door, known, home]), (door, known, home), now):
            return  # nothing to write, which is nearly always

        def change(found: dict[Key, Record]) -> dict[Key, Record | None]:
            mine = self._left(door, found.get(door, Record()), now)
            fresh: dict[Key, Record | None] = {door: None}
            for key in (*places, account):
                if key in found:
                    left = max(0.0, self._left(key, found[key], now) - mine)
                    fresh[key] = replace(found[key], count=left, at=now)
            fresh[known] = fresh[home] = Record(at=now)
            return fresh

        self._records.update([*places, account, door], change)

    def bans(self, now: float) -> list[Ban]:
        """Give everybody who is shut out, those for longest first."""
        found = self._records.banned(now)
        bans = [Ban(key.kind, key.name, record.until) for key, record in found.items()]
        return sorted(bans, key=lambda ban: (-ban.until, ban.kind, ban.name))

    def lift(self, whom: str, now: float) -> int:
        """Let an address, a network or an account (by its key) try again; how many bans it had."""
        bans = [Key(ban.kind, ban.name) for ban in self.bans(now) if _meant(ban, whom)]
        self._records.update(bans, lambda _found: dict.fromkeys(bans))
        return len(bans)

    def trim(self, now: float) -> None:
        """Forget what has faded."""
        rules = self._rules
        keep = dict.fromkeys(Kind, max(rules.forget_after, rules.longest_ban))
        keep[Kind.KNOWN] = keep[Kind.HOME] = rules.known_for
        self._records.trim(now, keep, rules.most_records)

    def close(self) -> None:
        """Let go of the records."""
        self._records.close()

    # -- counting ---------------------------------------------------------------------------

    def _more(
        self, key: Key, record: Record, now: float, more: float, *, ban: bool
    ) -> tuple[Record, int]:
        """Count a failure more; give the record, and how many there are now."""
        rules, threshold = self._rules, self._rules.threshold(key.kind)
        if record.until > now:
            return record, threshold
        count = self._left(key, record, now) + more
        whole = math.ceil(count)
        if not ban or not threshold or whole < threshold:
            return replace(record, count=count, at=now), whole
        time = min(rules.ban_for * 2**record.bans, rules.longest_ban)
        return Record(0.0, now, min(record.bans + 1, 30), now + time), whole

    def _left(self, key: Key, record: Record, now: float) -> float:
        """How many failures are left of a record by now."""
        pace = self._rules.threshold(key.kind) or self._rules.ban_after or _PACE
        faded = pace * max(0.0, now - record.at) / self._rules.forget_after
        return max(0.0, record.count - faded)

    def _delay(self, failures: int) -> float:
        rules = self._rules
        doubled = rules.first_delay * 2.0 ** max(0, min(failures - 1, 30))
        return min(doubled, rules.longest_delay)

    def _fresh(self, record: Record | None, now: float) -> bool:
        return record is not None and now - record.at < self._rules.known_for

    def _noteworthy(
        self, found: Mapping[Key, Record], keys: tuple[Key, Key, Key], now: float
    ) -> bool:
        """Whether a login changes anything that is worth a write."""
        door, *seen = keys
        day = self._rules.known_for / 30
        return door in found or any(key not in found or now - found[key].at > day for key in seen)


def _both(name: str, network: str) -> tuple[Key, Key]:
    both = f"{name} {network}"
    return Key(Kind.DOOR, both), Key(Kind.KNOWN, both)


def _places(ip: str) -> tuple[Key, ...]:
    """Give the address and the network that an IP address counts for."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return (Key(Kind.ADDRESS, ip), Key(Kind.NETWORK, ip))
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.version == 4:  # noqa: PLR2004 -- the version of IP
        return (
            Key(Kind.ADDRESS, str(address)),
            Key(Kind.NETWORK, _network(str(address), _V4_NETWORK)),
        )
    return (
        Key(Kind.ADDRESS, _network(str(address), _V6_ADDRESS)),
        Key(Kind.NETWORK, _network(str(address), _V6_NETWORK)),
    )


def _network(ip: str, bits: int) -> str:
    return str(ipaddress.ip_network(f"{ip}/{bits}", strict=False))


def _until(found: Mapping[Key, Record], keys: Collection[Key], now: float) -> float:
    """Until when the last of these is shut out; 0 where none is."""
    latest = max((found[key].until for key in keys if key in found), default=0.0)
    return latest if latest > now else 0.0


def _meant(ban: Ban, whom: str) -> bool:
    """Whether a ban is about an account, or about what has to do with an address or network."""
    account, _, place = ban.name.rpartition(" ")
    if whom in (account, place):
        return True
    try:
        mine = ipaddress.ip_network(whom, strict=False)
        its = ipaddress.ip_network(place)
    except ValueError:
        return False
    return mine.version == its.version and mine.overlaps(its)
