"""What is wrong with a cluster: each problem has a key, for its words, and facts.

A grave one takes mail's safety or its way; of the others an operator should know. The words stand
with those who show them, under the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ulak.cluster.database import Database
from ulak.cluster.member import Duty, Member, Spilled

SLOW = 1.0  # seconds that a beat may take
FULL = 85  # hundredths of the connections
OPEN = 900.0  # seconds that a transaction may be open
DEAD = 200_000  # rows that may be dead, if fewer live
BEHIND = 64_000_000  # octets that a standby may be behind
KEPT = 1_000_000_000  # octets that may be kept for a slot that nobody reads
OLDEST_SERVER = 150_000  # PostgreSQL 15


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to see to."""

    key: str
    grave: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)


def problems(
    members: Sequence[Member],
    database: Database | None,
    bucket: str = "",
    stopped: str = "",
) -> list[Problem]:
    """Tell what is wrong, grave things first; `database` is None where there is none to share.

    `bucket`: why large bodies do not go into theirs, "" where they do or there is none.
    `stopped` is the name of a server of which it is known that it does not run.
    """
    found = list(_of_members(members, stopped, shared=database is not None))
    if database is not None:
        found += _of_durability(database)
        found += _of_database(database)
        found += _of_versions(members, database)
    if bucket:
        found.append(Problem("bucket-away", grave=True, facts={"problem": bucket}))
    return sorted(found, key=lambda problem: not problem.grave)


def of_spilled(name: str, host: str, data: str, kept: Spilled, *, gone: bool) -> Problem:
    """Tell of mail that lies on the disk of one server alone; `gone`: that one is not there.

    While it is, that mail goes into the database by itself.
    """
    facts = {"name": name, "host": host, "data": data}
    numbers = {"messages": kept.messages, "size": kept.octets}
    return Problem("spilled-gone" if gone else "spilled", grave=gone, facts={**facts, **numbers})


def _of_members(members: Sequence[Member], stopped: str, *, shared: bool) -> Iterator[Problem]:
    alive = [member for member in members if not member.silent]
    if not alive:
        yield Problem("nobody", grave=True)
    elif all(member.stand.duty is not Duty.SERVING for member in alive):
        yield Problem("all-drained", grave=shared, facts={"name": alive[0].name})
    for member in members:
        if member.silent:
            facts = {"name": member.name, "host": member.host, "age": member.age}
            yield Problem("silent", grave=True, facts=facts)
        elif member.lag > SLOW:
            yield Problem("slow", facts={"name": member.name, "age": member.lag})
        if kept := member.stand.spilled:
            place = member.name, member.host, member.data
            yield of_spilled(*place, kept, gone=member.silent or member.name == stopped)
        if member.rival is not None:
            yield Problem("rival", grave=True, facts={"name": member.name})
    versions = sorted({member.version for member in alive})
    if len(versions) > 1:
        yield Problem("mixed", facts={"versions": ", ".join(versions)})


def _of_durability(database: Database) -> Iterator[Problem]:
    if database.standby:
        yield Problem("only-standby", grave=True)
        return
    confirming = [one for one in database.standbys if one.confirms and one.state == "streaming"]
    if not database.wanted:
        yield Problem("none-confirms")
    elif database.sees_all and not confirming:
        yield Problem("confirming-away", grave=True, facts={"names": database.wanted})
    for one in database.standbys:
        if one.behind > BEHIND:
            yield Problem("behind", facts={"name": one.name, "size": one.behind})
    if not database.sees_all:
        yield Problem("not-allowed")


def _of_database(database: Database) -> Iterator[Problem]:
    if database.number < OLDEST_SERVER:
        yield Problem("old-server", grave=True, facts={"version": database.version})
    if database.used * 100 >= database.most * FULL:
        facts = {"used": database.used, "most": database.most}
        yield Problem("connections", grave=True, facts=facts)
    if not database.autovacuum:
        yield Problem("autovacuum-off", grave=True)
    for table in database.tables:
        if table.dead > max(DEAD, 2 * table.live):
            numbers = {"dead": table.dead, "live": table.live}
            yield Problem("dead-rows", facts={"table": table.name, **numbers})
    oldest = database.oldest
    if oldest is not None and oldest.age > OPEN:
        who = {"who": oldest.who, "program": oldest.program, "age": oldest.age}
        if oldest.prepared:
            yield Problem("prepared", facts={**who, "name": oldest.prepared})
        else:
            yield Problem("open", facts=who)
    for slot in database.slots:
        if slot.kept > KEPT:
            yield Problem("slot", grave=True, facts={"name": slot.name, "size": slot.kept})


def _of_versions(members: Sequence[Member], database: Database) -> Iterator[Problem]:
    # What newer servers have added is in nobody's way when they are gone.
    newest = max((one.tables for one in members if not one.silent), default=0)
    if newest > database.known:
        facts = {"begun": newest, "known": database.known}
        yield Problem("newer-tables", facts=facts)


def older(members: Sequence[Member], database: Database) -> list[str]:
    """Name the servers at work that need of the tables what newer ones do not."""
    return [one.name for one in members if one.tables < database.begun and not one.silent]
