"""A resolver over a table: DNS for tests, for the lab, and for trying a record out.

It answers as a resolver does: aliases are followed (RFC 1034 §3.6.2), wildcards are put in for
names that do not exist (RFC 4592), and a name that only has names below it exists (RFC 8020).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ulak.dns.names import to_ascii
from ulak.dns.records import MX, Answer, Record, Status

_CHAIN = 16  # aliases followed for one question
_REMEMBERED = 10_000

Written = Record | tuple[int, str]
"""A record as a table has it: MX also as `(preference, exchange)`, TXT also as text."""

_NAMES = frozenset({"CNAME", "NS", "PTR"})


@dataclass(frozen=True, slots=True)
class Found:
    """What a table has for a question: the aliases on the way, and what is at their end."""

    aliases: tuple[tuple[str, str], ...]
    name: str
    status: Status
    records: tuple[Record, ...] = ()


class Zone:
    """Answers from a table of `(name, kind)` to its records.

    A `Status` in place of records makes every such question fail that way; the kind `"*"`
    stands for every kind that the name has no entry for. `ttl` is what every answer has, in
    seconds; `authentic` whether answers count as validated. `asked` are the latest questions,
    oldest first.
    """

    def __init__(
        self,
        table: Mapping[tuple[str, str], Sequence[Written] | Status],
        *,
        ttl: int = 300,
        authentic: bool = False,
    ) -> None:
        self.ttl = ttl
        self.asked: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)
        self.authentic = authentic
        self._entries: dict[str, dict[str, tuple[Record, ...] | Status]] = {}
        self._existing = {""}
        for (name, kind), records in table.items():
            self.put(name, kind, records)

    def put(self, name: str, kind: str, records: Sequence[Written] | Status) -> None:
        """Set what the table has for a name and a kind."""
        if isinstance(records, str) and not isinstance(records, Status):
            message = f"the records of {name} {kind} are to be a list, not {records!r}"
            raise TypeError(message)
        kind = kind.upper()
        entry = records if isinstance(records, Status) else tuple(_read(kind, records))
        key = _key(name)
        self._entries.setdefault(key, {})[kind] = entry
        self._exists(key)

    def remove(self, name: str, kind: str) -> None:
        """Take an entry out of the table."""
        kinds = self._entries.get(_key(name), {})
        kinds.pop(kind.upper(), None)
        if not kinds:
            self._entries.pop(_key(name), None)
        self._existing = {""}
        for key in self._entries:
            self._exists(key)

    async def resolve(self, name: str, kind: str) -> Answer:
        """Answer at once."""
        asked = to_ascii(name)
        kind = kind.upper()
        self.asked.append((name if asked is None else asked, kind))
        if asked is None:
            detail = "there can be no such name"
            return Answer(name, kind, Status.NXDOMAIN, canonical=name, detail=detail)
        found = self.find(asked, kind)
        failed = found.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN)
        return Answer(
            asked,
            kind,
            found.status,
            found.records,
            ttl=0 if failed else self.ttl,
            canonical=found.name,
            authentic=self.authentic and not failed,
            detail=f"the table says {found.status}" if failed else "",
        )

    def find(self, name: str, kind: str) -> Found:
        """Look a question up; `name` in lower case without a last dot."""
        aliases: list[tuple[str, str]] = []
        while len(aliases) <= _CHAIN:
            kinds = self._at(name)
            if kinds is None:
                return Found(tuple(aliases), name, Status.NXDOMAIN)
            entry = kinds.get(kind, kinds.get("CNAME", kinds.get("*")))
            if kind not in kinds and "CNAME" in kinds and isinstance(entry, tuple):
                (target,) = entry
                assert isinstance(target, str)  # noqa: S101 -- _read lets nothing else in
                aliases.append((name, target))
                name = target
                continue
            if isinstance(entry, Status):
                return Found(tuple(aliases), name, entry)
            status = Status.OK if entry else Status.NO_DATA
            return Found(tuple(aliases), name, status, entry or ())
        return Found(tuple(aliases[:1]), name, Status.SERVFAIL)

    def _at(self, name: str) -> Mapping[str, tuple[Record, ...] | Status] | None:
        """Give the entries of a name, of a wildcard in its place, or None if it does not exist."""
        kinds = self._entries.get(name)
        if kinds is not None:
            return kinds
        if name in self._existing:
            return {}
        # RFC 4592 §3.3.1: only the wildcard right below the closest name that exists counts.
        _, _, above = name.partition(".")
        while above and above not in self._existing:
            _, _, above = above.partition(".")
        return self._entries.get(f"*.{above}" if above else "*")

    def _exists(self, name: str) -> None:
        """Note that a name exists, and with it every name above (RFC 8020 §2)."""
        while name not in self._existing:
            self._existing.add(name)
            _, _, name = name.partition(".")


def _key(name: str) -> str:
    key = to_ascii(name)
    if key is None:
        message = f"{name!r} is not a domain name"
        raise ValueError(message)
    return key


def _read(kind: str, records: Iterable[Written]) -> Iterable[Record]:
    for record in records:
        match record:
            case (preference, exchange):
                yield MX(preference, _key(exchange))
            case MX(preference, exchange):
                yield MX(preference, _key(exchange))
            case str() if kind == "TXT":
                yield record.encode()
            case str() if kind in _NAMES:
                yield _key(record)
            case _:
                yield record
