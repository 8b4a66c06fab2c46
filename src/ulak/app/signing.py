"""Who signs outgoing mail, and the watch over its keys: once a minute, and when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ulak import config as settings
from ulak.app.control import ControlError, Request, ask
from ulak.app.places import Places
from ulak.app.supervisor import running
from ulak.keys.folder import KeyFolder, KeysError
from ulak.keys.ring import KeyRing
from ulak.keys.signatory import Manner, Signatory
from ulak.log import Event, Log

_LOOK = 60.0  # seconds


def signatory_of(chosen: settings.Config, clock: Callable[[], float]) -> Signatory | None:
    """Make who signs; None where nothing is to be signed. Its keys are not there before a look."""
    dkim = chosen.dkim
    if not dkim.sign:
        return None
    manner = Manner(
        oversigned=dkim.oversign,
        lifetime=int(dkim.expire_after),
        parents=dkim.parent_domains,
    )
    return Signatory(KeyRing(KeyFolder(Places(chosen.data).dkim)), clock, manner)


def look(ring: KeyRing, log: Log) -> None:
    """Take the keys that are there now, and tell of those that cannot be used."""
    before = ring.domains
    try:
        refused = ring.look()
    except KeysError as error:
        log.emit(Event.DKIM_KEY_REFUSED, problem=str(error))
        return
    if refused is None:
        return
    for each in refused:
        log.emit(Event.DKIM_KEY_REFUSED, problem=str(each.error))
    if before or ring.domains:
        log.emit(Event.DKIM_KEYS, domains=" ".join(ring.domains))


async def watch(ring: KeyRing, log: Log, wanted: asyncio.Event, *, every: float = _LOOK) -> None:
    """Look again and again, until cancelled. `wanted` is set by who does not want to wait."""
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wanted.wait(), every)
        wanted.clear()
        await asyncio.to_thread(look, ring, log)


def folder_of(chosen: settings.Config) -> KeyFolder:
    """Give the keys of a configuration."""
    return KeyFolder(Places(chosen.data).dkim)


def tell_running(chosen: settings.Config) -> bool:
    """Let the workers of a running server look at the keys; False if one of them did not answer."""
    places = Places(chosen.data)
    if not running(places.data):
        return True
    told = True
    for path in places.controls():
        try:
            ask(path, Request("keys"))
        except ControlError:
            told = False
    return told
