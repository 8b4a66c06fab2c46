"""How a cluster is, for a person and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from ulak.app.clustering import Look
from ulak.cli import output
from ulak.cli.frame import language
from ulak.cluster import words
from ulak.cluster.database import Database
from ulak.cluster.member import Member
from ulak.cluster.problems import Problem, older
from ulak.config.values import write_duration
from ulak.queue.item import State

_MEMBER = ("name", "duty", "since", "version", "sessions", "messages", "attempts", "seen")
_STANDBY = ("name", "address", "state", "sync", "behind")


def shown(ctx: click.Context, look: Look) -> str:
    """Give what a person reads."""
    parts = [
        _members(ctx, look),
        "\n".join(_queue(ctx, look)),
    ]
    if look.database is not None:
        parts.append("\n".join(_database(ctx, look, look.database)))
    if look.problems:
        parts.append("\n".join(_problems(ctx, look)))
    else:
        parts.append(output.paint(words.say(language(ctx), "fine"), "green"))
    return "\n\n".join(part for part in parts if part)


def _members(ctx: click.Context, look: Look) -> str:
    if not look.members:
        return ""
    rows = [
        (
            f"{member.name}{' *' if member.name == look.here else ''}",
            words.duty(member, language(ctx)),
            _moment(member.stand.since),
            member.version,
            member.stand.in_hand.sessions,
            member.stand.in_hand.messages,
            member.stand.in_hand.attempts,
            _moment(member.seen),
        )
        for member in look.members
    ]
    return output.table(rows, [words.say(language(ctx), f"head.{name}") for name in _MEMBER])


def _queue(ctx: click.Context, look: Look) -> Iterator[str]:
    counts = look.depth.counts
    states = counts.by_state
    yield output.prose(
        words.say(
            language(ctx),
            "queue",
            messages=counts.messages,
            ready=states.get(State.READY, 0),
            due=look.depth.due,
            leased=states.get(State.LEASED, 0),
            held=states.get(State.HELD, 0),
        )
    )
    if look.depth.oldest is not None:
        time = _moment(look.depth.oldest)
        yield output.prose(words.say(language(ctx), "oldest", time=time))


def _database(ctx: click.Context, look: Look, database: Database) -> Iterator[str]:
    yield output.prose(words.database(database, language(ctx)))
    if database.kept_until is not None:
        yield output.prose(_kept(ctx, older(look.members, database), database, database.kept_until))
    if database.standbys and database.sees_all:
        rows = [
            (one.name, one.address, one.state, one.sync, words.megabytes(one.behind))
            for one in database.standbys
        ]
        yield ""
        yield output.table(rows, [words.say(language(ctx), f"standby.{name}") for name in _STANDBY])


def _kept(ctx: click.Context, names: Sequence[str], database: Database, until: float) -> str:
    """Say for whom, or until when, what only older servers need is kept in the tables."""
    if names:
        keep = write_duration(database.keep_for)
        return words.say(language(ctx), "kept.for", names=output.clean(", ".join(names)), keep=keep)
    return words.say(language(ctx), "kept.until", time=_moment(until))


def _problems(ctx: click.Context, look: Look) -> Iterator[str]:
    for problem in look.problems:
        mark = output.paint("!", "red", bold=True) if problem.grave else output.paint("·", "yellow")
        text = output.prose(_sentence(ctx, problem), "  ")
        yield f"{mark}{text[1:]}"


def _sentence(ctx: click.Context, problem: Problem) -> str:
    return output.clean(words.sentence(problem, language(ctx)))


def told(ctx: click.Context, look: Look) -> dict[str, Any]:
    """Give what a program reads: times in seconds since the epoch, sizes in octets."""
    counts = look.depth.counts
    return {
        "here": look.here,
        "members": list(map(_member, look.members)),
        "queue": {
            "messages": counts.messages,
            **{state.value: counts.by_state.get(state, 0) for state in State},
            "due": look.depth.due,
            "oldest": look.depth.oldest,
        },
        "database": None if look.database is None else _of_database(look, look.database),
        "problems": [
            {
                "problem": problem.key,
                "grave": problem.grave,
                "text": _sentence(ctx, problem),
                "facts": dict(problem.facts),
            }
            for problem in look.problems
        ],
    }


def _member(member: Member) -> dict[str, Any]:
    in_hand, spilled = member.stand.in_hand, member.stand.spilled
    return {
        "name": member.name,
        "host": member.host,
        "data": member.data,
        "version": member.version,
        "tables": member.tables,
        "started": member.started,
        "workers": member.workers,
        "duty": member.stand.duty.value,
        "since": member.stand.since,
        "sessions": in_hand.sessions,
        "messages": in_hand.messages,
        "attempts": in_hand.attempts,
        "spilled": {"messages": spilled.messages, "octets": spilled.octets},
        "epochs": list(member.epochs),
        "seen": member.seen,
        "age": member.age,
        "silent": member.silent,
        "lag": member.lag,
        "rival": member.rival,
        "wanted": None if member.wanted is None else member.wanted.value,
    }


def _of_database(look: Look, database: Database) -> dict[str, Any]:
    oldest = database.oldest
    return {
        "version": database.version,
        "standby": database.standby,
        "synchronous_commit": database.durable,
        "synchronous_standby_names": database.wanted,
        "standbys": [
            {
                "name": one.name,
                "address": one.address,
                "state": one.state,
                "sync": one.sync,
                "behind": one.behind,
                "late": one.late,
            }
            for one in database.standbys
        ],
        "sees_all": database.sees_all,
        "connections": {"used": database.used, "most": database.most},
        "autovacuum": database.autovacuum,
        "tables": [
            {"name": one.name, "live": one.live, "dead": one.dead, "vacuumed": one.vacuumed}
            for one in database.tables
        ],
        "bodies": list(database.bodies),
        "size": database.size,
        "oldest_transaction": None
        if oldest is None
        else {
            "who": oldest.who,
            "program": oldest.program,
            "age": oldest.age,
            "prepared": oldest.prepared,
        },
        "slots": [{"name": one.name, "kept": one.kept} for one in database.slots],
        "schema": {
            "begun": database.begun,
            "ended": database.ended,
            "known": database.known,
            "older": older(look.members, database),
            "kept_until": database.kept_until,
        },
    }


def _moment(seconds: float) -> str:
    local = datetime.fromtimestamp(int(seconds), UTC).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S")
