"""How one worker is just now, as JSON for whoever asks over its control socket.

What is read here is what the worker has in memory anyway: an answer costs it no look at a disk
and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from ulak.app.control import Answer
from ulak.checks.reason import packed
from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.carrier import Carrier
from ulak.delivery.heard import Account
from ulak.delivery.pool import Pool
from ulak.delivery.reportbox import ReportCarrier
from ulak.delivery.standing import Stand
from ulak.delivery.worker import Worker
from ulak.journal.sqlite import SqliteJournal
from ulak.policy.health import Healths, Heard
from ulak.server import glance
from ulak.server.connection import Connection

MOST = 1000  # of anything in one answer
_LONGEST = 2000  # characters of what another server said


def now(
    started: float,
    journal: SqliteJournal,
    sessions: set[Connection],
    workers: Sequence[Worker],
    pools: Sequence[Pool],
) -> Answer:
    """Tell how much is going on, and how much there has been since the worker began."""
    return {
        "started": started,
        "connections": len(sessions),
        "transfers": glance.receiving(sessions),
        "attempts": sum(worker.attempts for worker in workers),
        "outgoing": sum(map(len, pools)),
        "counted": journal.counted,
    }


def sessions(connections: set[Connection], moment: float, time: float, limit: int) -> Answer:
    """Tell who is connected, those who have been there longest.

    `moment` is the loop's time, `time` the same in seconds since the epoch.
    """
    seen = glance.glances(connections, moment, min(limit or MOST, MOST))
    return {
        "total": len(connections),
        "sessions": [asdict(one) | {"since": time - one.age} for one in seen],
    }


def destinations(
    workers: Sequence[Worker], pools: Sequence[Pool], per_target: int, limit: int
) -> Answer:
    """Tell where mail goes: the busiest first, then those that were heard of last."""
    open_: dict[str, tuple[int, int]] = {}
    for pool in pools:
        open_ |= pool.per_target()
    stands = [stand for worker in workers for stand in worker.stands()]
    stands.sort(key=lambda s: (-(s.active + s.ready), -(s.account.time if s.account else 0.0)))
    shown = [_destination(stand, open_) for stand in stands[: min(limit or MOST, MOST)]]
    return {"total": len(stands), "limit": per_target, "destinations": shown}


def _destination(stand: Stand, open_: dict[str, tuple[int, int]]) -> Answer:
    connections, idle = open_.get(stand.key, (0, 0))
    return {
        "key": stand.key,
        "way": stand.way,
        "domains": list(stand.domains[:20]),
        "active": stand.active,
        "ready": stand.ready,
        "connections": connections,
        "idle": idle,
        **(_account(stand.account) if stand.account is not None else {}),
    }


def _account(account: Account) -> Answer:
    told: Answer = {
        "delivered": account.delivered,
        "deferred": account.deferred,
        "failed": account.failed,
    }
    last = account.last
    if last is not None:
        told["last"] = {
            "time": account.time,
            "result": last.result.value,
            "cause": last.cause,
            "reply": last.reply[:_LONGEST],
            "host": last.host,
            "remote": last.remote,
            "tls": last.tls,
        }
    return told


def blocklists(healths: Healths, resting: dict[str, float], time: float) -> Answer:
    """Tell how the lists answer; `time` is seconds since the epoch."""
    zones = []
    for one in healths.all():
        rest = resting.get(one.zone)
        zones.append(
            {
                "zone": one.zone,
                "listed": one.listed,
                "unlisted": one.unlisted,
                "unanswered": one.unanswered,
                "skipped": one.skipped,
                "resting": None if rest is None else time + rest,
                "last_listed": _heard(one.last_listed),
                "last_trouble": _heard(one.last_trouble),
            }
        )
    return {"zones": zones}


def _heard(heard: Heard | None) -> Answer | None:
    if heard is None:
        return None
    finding = heard.finding
    return {
        "time": heard.time,
        "subject": finding.ip,
        "text": finding.text,
        "reasons": packed(finding.reasons),
    }


def pools_of(carriers: Iterable[Carrier]) -> list[Pool]:
    """Give the connections of all ways of handing mail on."""
    inner = (each.inner if isinstance(each, ReportCarrier) else each for each in carriers)
    by_id = {id(each): each.pool for each in inner if isinstance(each, SmtpCarrier)}
    return list(by_id.values())
