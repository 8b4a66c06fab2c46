"""What workers answered (`ulak.app.live`), put together into the values of the console."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ulak.checks.dnsbl import Blocklist
from ulak.checks.reason import unpacked
from ulak.queue.depth import Depth, Share
from ulak.web.console.absent import Missing
from ulak.web.console.ports import (
    Answered,
    Destination,
    Destinations,
    Now,
    Said,
    Session,
    Sessions,
    Stopped,
    Terms,
    Zone,
)

Answers = Sequence[Mapping[str, Any]]


def now(
    answers: Answers,
    depth: Depth,
    time: float,
    expected: int,
    members: tuple[str, ...] = (),
    missing: Missing = Missing(),  # noqa: B008 -- it cannot be changed
) -> Now:
    """Add up how the workers are."""
    counted: Counter[str] = Counter()
    for answer in answers:
        counted.update(answer["counted"])

    def total(name: str) -> int:
        return sum(int(answer[name]) for answer in answers)

    return Now(
        time=time,
        workers=len(answers),
        expected=max(expected, len(answers)),
        started=min((answer["started"] for answer in answers), default=0.0),
        connections=total("connections"),
        transfers=total("transfers"),
        attempts=total("attempts"),
        outgoing=total("outgoing"),
        paused=bool(answers) and all(answer["paused"] for answer in answers),
        counted=dict(counted),
        messages=depth.counts.messages,
        queued=depth.counts.by_state,
        due=depth.due,
        oldest=depth.oldest,
        members=members,
        missing=missing,
    )


def sessions(answers: Answers, limit: int) -> Sessions:
    """Put the sessions of all workers into one list."""
    found = [
        Session(**row, member=answer.get("member", ""))
        for answer in answers
        for row in answer["sessions"]
    ]
    found.sort(key=lambda session: session.since)
    return Sessions(tuple(found[:limit]), sum(int(answer["total"]) for answer in answers))


def destinations(answers: Answers, sites: Answers, depth: Depth, limit: int) -> Destinations:
    """Add up what the workers know of each destination, and what lies in the queue for it."""
    on_terms = terms(sites)
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        for row in answer["destinations"]:
            rows.setdefault(row["key"], []).append(row)
    per_worker = max((int(answer["limit"]) for answer in answers), default=0)
    found = [
        replace(_destination(key, parts, per_worker, depth), terms=on_terms.get(key, ()))
        for key, parts in rows.items()
    ]
    found.sort(
        key=lambda d: (-(d.active + d.ready + d.queued), -(d.last.time if d.last else 0.0), d.key)
    )
    return Destinations(tuple(found[:limit]), max(len(found), *_totals(answers), 0))


def terms(answers: Answers) -> dict[str, tuple[Terms, ...]]:
    """Add up on which terms the workers send to each site: each has its part of them."""
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for answer in answers:
        for row in answer["sites"]:
            rows.setdefault((row["site"], row["source"]), []).append(row)
    found: dict[str, tuple[Terms, ...]] = {}
    for (site, source), parts in rows.items():
        stops = [part["suspended"] for part in parts if "suspended" in part]
        stopped = max(stops, key=lambda one: float(one["until"]), default=None)
        intervals = [float(part["interval"]) for part in parts]
        made = Terms(
            source,
            sum(int(part["active"]) for part in parts),
            sum(int(part["window"]) for part in parts),
            sum(int(part["most"]) for part in parts),
            1 / sum(1 / one for one in intervals) if all(intervals) else 0.0,
            None if stopped is None else _stopped(stopped),
        )
        found[site] = (*found.get(site, ()), made)
    return found


def _stopped(row: Mapping[str, Any]) -> Stopped:
    read = row.get("read") or {}
    names = ("why", "since", "until", "times", "rule", "cause", "reply", "host")
    fields = {name: row[name] for name in names}
    return Stopped(**fields, source=read.get("source", ""), date=read.get("date", ""))


def _totals(answers: Answers) -> Iterable[int]:
    return [0, *(int(answer["total"]) for answer in answers)]


def _destination(
    key: str, parts: Sequence[Mapping[str, Any]], limit: int, depth: Depth
) -> Destination:
    def total(name: str) -> int:
        return sum(int(part.get(name, 0)) for part in parts)

    domains = tuple(dict.fromkeys(name for part in parts for name in part["domains"]))
    shares = [depth.by_domain.get(name, Share(0)) for name in domains]
    said = [part["last"] for part in parts if part.get("last")]
    last = max(said, key=lambda one: float(one["time"]), default=None)
    return Destination(
        key=key,
        way=parts[0]["way"],
        domains=domains,
        active=total("active"),
        limit=limit,
        ready=total("ready"),
        connections=total("connections"),
        idle=total("idle"),
        queued=sum(share.queued for share in shares),
        held=sum(share.held for share in shares),
        due=min((share.due for share in shares if share.due is not None), default=None),
        delivered=total("delivered"),
        deferred=total("deferred"),
        failed=total("failed"),
        last=None if last is None else Said(**last),
        until=max(
            (float(part["suspended"]["until"]) for part in parts if "suspended" in part),
            default=None,
        ),
    )


def zones(answers: Answers, blocklists: Sequence[Blocklist]) -> tuple[Zone, ...]:
    """Add up how the lists answered, in the order of the configuration."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        for row in answer["zones"]:
            rows.setdefault(row["zone"], []).append(row)
    return tuple(_zone(blocklist, rows.get(blocklist.zone, ())) for blocklist in blocklists)


def _zone(blocklist: Blocklist, parts: Sequence[Mapping[str, Any]]) -> Zone:
    def total(name: str) -> int:
        return sum(int(part[name]) for part in parts)

    listed, unlisted, unanswered = map(total, ("listed", "unlisted", "unanswered"))
    return Zone(
        zone=blocklist.zone,
        label=blocklist.label,
        asked=listed + unlisted + unanswered,
        listed=listed,
        unlisted=unlisted,
        unanswered=unanswered,
        skipped=total("skipped"),
        resting=max((p["resting"] for p in parts if p["resting"] is not None), default=None),
        last_listed=_latest(part["last_listed"] for part in parts),
        last_trouble=_latest(part["last_trouble"] for part in parts),
    )


def _latest(heard: Iterable[Mapping[str, Any] | None]) -> Answered | None:
    found = [one for one in heard if one is not None]
    if not found:
        return None
    last = max(found, key=lambda one: float(one["time"]))
    return Answered(last["time"], last["subject"], unpacked(last["reasons"]), last["text"])
