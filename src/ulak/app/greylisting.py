"""What is remembered of clients, from settings: in a file, or in the database of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.storing import in_database
from ulak.checks.reason import Reason, because
from ulak.clients import reputation, told
from ulak.clients.greylist import Rules
from ulak.clients.keeper import Keeper, Settings
from ulak.clients.network import network_of
from ulak.clients.sqlite import SqliteStore
from ulak.clients.store import ClientsError
from ulak.diagnose.diagnosis import Check
from ulak.log import Event
from ulak.server.newcomers import Newcomers

if TYPE_CHECKING:
    from ulak.app.parts import Parts
    from ulak.clients.store import Store


def remembers(chosen: settings.Config) -> bool:
    """Whether anything is remembered of clients."""
    return chosen.policy.greylist.on or chosen.policy.reputation.on


def keeper_of(parts: Parts) -> Keeper | None:
    """Make who knows the clients; None where nothing is remembered of them."""
    chosen = parts.config
    if not remembers(chosen):
        return None
    greylist, log = chosen.policy.greylist, parts.log
    rules = Rules(greylist.delay, greylist.window, greylist.keep) if greylist.on else None

    def tell(problem: str | None) -> None:
        if problem is None:
            log.emit(Event.CLIENTS_KNOWN)
        else:
            log.emit(Event.CLIENTS_UNKNOWN, problem=problem)

    made = Keeper(
        _store(chosen),
        Settings(rules, chosen.policy.reputation.half_life, greylist.trust_good),
        clock=parts.clock,
        tell=tell,
        incident=parts.incident,
    )
    parts.closing.append(made.close)
    return made


def newcomers_of(parts: Parts) -> Newcomers | None:
    """Make who meets strangers; None where nothing is remembered of them."""
    keeper, chosen = parts.keeper, parts.config
    if keeper is None:
        return None
    return Newcomers(keeper, (*chosen.checks.exempt, *chosen.policy.greylist.exempt))


async def reputation_of(chosen: settings.Config, ip: str, now: float) -> Check | None:
    """Tell what we ourselves know of a client; None where nothing is remembered of clients.

    Nothing speaks against a client by it: nobody is refused for a reputation.
    """
    network = network_of(ip)
    if not remembers(chosen) or not network:
        return None
    store, half_life = _store(chosen), chosen.policy.reputation.half_life

    def check(result: str, reason: Reason, *, good: bool | None = None) -> Check:
        return Check("reputation", network, result, good, (reason,))

    try:
        known = await store.read((), (network,))
    except ClientsError as error:
        why = because("reputation.unasked", network=network, problem=error)
        return check("could-not-ask", why)
    finally:
        await store.close()
    counts = reputation.faded(known.counts.get(network, reputation.Counts()), now, half_life)
    if not any(told.counted(counts).values()):
        return check("nothing", because("reputation.nothing", network=network))
    standing = reputation.standing(counts)
    good = standing is reputation.Standing.GOOD or None
    return check(standing, told.brought(network, counts), good=good)


def _store(chosen: settings.Config) -> Store:
    if in_database(chosen):
        from ulak.clients.postgres import PostgresStore  # noqa: PLC0415 -- not everybody has it

        return PostgresStore(chosen.queue.store)
    return SqliteStore(Places(chosen.data).clients)
