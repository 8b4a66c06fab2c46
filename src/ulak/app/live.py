"""How one worker is just now, as JSON for whoever asks over its control socket.

What is read here is what the worker has in memory anyway: an answer costs it no look at a disk
and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from ulak.app.control import Answer
from ulak.app.ruling import origin
from ulak.checks.reason import packed
from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.carrier import Carrier
from ulak.delivery.forwarding import ForwardingCarrier
from ulak.delivery.heard import Account
from ulak.delivery.pool import Pool
from ulak.delivery.reportbox import ReportCarrier
from ulak.delivery.returnbox import ReturnCarrier
from ulak.delivery.returnpath import ReturningCarrier
from ulak.delivery.sharing import Sharing
from ulak.delivery.site.suspension import Suspension
from ulak.delivery.standing import Held, Stand
from ulak.delivery.suppressing import SuppressingCarrier
from ulak.delivery.worker import Worker
from ulak.journal.sqlite import SqliteJournal
from ulak.policy.health import Healths, Heard
from ulak.server import glance
from ulak.server.connection import Connection

MOST = 1000  # of anything in one answer
_AROUND = (
    ReportCarrier,
    ForwardingCarrier,
    SuppressingCarrier,
    ReturnCarrier,
    ReturningCarrier,
)
_OF_TLS = ("tls-", "tlsa", "sts-")  # facts
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


def sessions(connections: set[Connection], limit: int) -> Answer:
    """Tell who is connected, those who have been there longest."""
    seen = glance.glances(connections, min(limit or MOST, MOST))
    return {"total": len(connections), "sessions": [asdict(one) for one in seen]}


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
    keys = {stand.key, *(stand.account.keys if stand.account is not None else ())}
    connections = sum(open_.get(key, (0, 0))[0] for key in keys)
    idle = sum(open_.get(key, (0, 0))[1] for key in keys)
    told = {} if stand.suspension is None else {"suspended": _suspension(stand.suspension)}
    return told | {
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
            "policy": {k: v for k, v in last.facts.items() if k.startswith(_OF_TLS)},
        }
    return told


def sites(posts: Iterable[tuple[Worker, Sharing]], limit: int) -> Answer:
    """Tell on which terms mail goes to sites: those that are suspended first."""
    held = [(one, sharing) for worker, sharing in posts for one in worker.held()]
    shown = held[: min(limit or MOST, MOST)]
    return {"total": len(held), "sites": [_site(*each) for each in shown]}


def _site(held: Held, sharing: Sharing) -> Answer:
    told: Answer = {
        "site": held.site,
        "source": held.source,
        "domains": list(held.domains),
        "active": held.active,
        "waiting": held.waiting,
        "window": held.window,
        "most": held.most,
        "share": held.share,
        "interval": held.interval,
    }
    if sharing.sharers:
        told["sharers"] = sharing.sharers
    if sharing.apart:
        told["apart"] = sharing.apart
    if held.suspension is not None:
        told["suspended"] = _suspension(held.suspension)
    return told


def _suspension(about: Suspension) -> Answer:
    return {
        "why": about.reason.value,
        "since": about.since,
        "until": about.until,
        "times": about.times,
        "rule": about.rule,
        **origin(about.rule),
        "cause": about.cause,
        "reply": about.reply[:_LONGEST],
        "host": about.host,
    }


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
    inner = map(_innermost, carriers)
    by_id = {id(each): each.pool for each in inner if isinstance(each, SmtpCarrier)}
    return list(by_id.values())


def _innermost(carrier: Carrier) -> Carrier:
    while isinstance(carrier, _AROUND):
        carrier = carrier.inner
    return carrier
