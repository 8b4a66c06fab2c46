"""`ulak serve`, without its words: the configuration, the lock, the supervisor."""

from __future__ import annotations

import asyncio
import copyreg
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from ulak import __version__
from ulak import config as settings
from ulak.app.accounts import anybody_of
from ulak.app.offering import logins_needed
from ulak.app.places import Places
from ulak.app.selfmade import with_certificates
from ulak.app.sockets import ListenError, Place
from ulak.app.storing import in_database
from ulak.app.supervisor import DataInUseError, Role, Supervisor, lock
from ulak.log import Event, Form, Level, Log

_SOCKET_MODE = 0o660
_WORKER, _WEB, _ANSWERS = "worker", "web", "answers"


class Say(Protocol):
    """Who tells a person that the server serves."""

    def __call__(
        self,
        places: Sequence[str],
        web: Sequence[str],
        domains: Sequence[str],
        *,
        closed: bool,
        drained: bool,
    ) -> None:
        """Tell the addresses of mail and of the web, and the local domains.

        `closed`: nobody can log in who has to. `drained`: no mail is taken.
        """


# Settings go to the workers pickled; a mapping that cannot be changed is not pickled by itself.
copyreg.pickle(MappingProxyType, lambda mapping: (MappingProxyType, (dict(mapping),)))


class CannotServeError(Exception):
    """The server cannot start; the text says why and what to do."""


def serve(config: Path | None, data: Path | None, *, say: Say, language: str) -> int:
    """Run the server until it is told to stop; give the exit code.

    Raises ConfigError, and CannotServeError when a port or the data directory is taken. `say` is
    told the addresses and the local domains once all workers are ready.
    """
    chosen = _absolute(settings.load(config, data))
    try:
        held = lock(chosen.data)
    except DataInUseError as error:
        raise CannotServeError(str(error)) from error
    except OSError as error:
        message = (
            f"The data directory {chosen.data} cannot be used: {os.strerror(error.errno or 0)}."
        )
        raise CannotServeError(message) from error
    try:
        chosen = with_certificates(chosen)
    except OSError as error:
        os.close(held)
        message = f"{error.filename} cannot be written: {os.strerror(error.errno or 0)}."
        raise CannotServeError(message) from error
    log = make_log(chosen, who="supervisor")
    log.emit(Event.STARTED, pid=os.getpid(), version=__version__)

    def reload() -> settings.Config | None:
        try:
            fresh = with_certificates(_absolute(settings.load(config, data)))
        except settings.ConfigError as error:
            for sentence in error.sentences(language):
                log.emit(Event.RELOAD_REFUSED, problem=sentence)
            return None
        except OSError as error:
            log.emit(Event.RELOAD_REFUSED, problem=str(error))
            return None
        if fresh.data != chosen.data or _roles(fresh) != _roles(chosen):
            problem = (
                "the data directory, the addresses listened on, the number of workers and "
                "whether the queue lies in PostgreSQL need a restart to change"
            )
            log.emit(Event.RELOAD_REFUSED, problem=problem)
            return None
        return fresh

    def tell(places: Mapping[str, Sequence[str]]) -> None:
        for place in (each for role in places.values() for each in role):
            log.emit(Event.LISTENING, address=place)
        closed = logins_needed(chosen) and not anybody_of(chosen)()
        scheme = "https" if chosen.web and chosen.web.tls else "http"
        web = [f"{scheme}://{place}/" for place in places.get(_WEB, ())]
        drained = Places(chosen.data).drained.exists()
        say(places[_WORKER], web, sorted(chosen.domains), closed=closed, drained=drained)

    supervisor = Supervisor(
        roles=_roles(chosen),
        settings=chosen,
        reload=reload,
        say=tell,
        note=lambda event, facts: log.emit(event, **facts),
        grace=chosen.limits.shutdown + 5.0,
        shut=(_WORKER,) if Places(chosen.data).drained.exists() else (),
    )
    try:
        return asyncio.run(supervisor.run())
    except ListenError as error:
        raise CannotServeError(str(error)) from error
    finally:
        log.close()
        os.close(held)


def make_log(chosen: settings.Config, **always: object) -> Log:
    """Make the log of one process, on standard error."""
    forms = {"json": Form.JSON, "pretty": Form.PRETTY}
    return Log(
        sys.stderr.fileno(),
        clock=time.time,
        form=forms.get(chosen.log.format),
        least=Level[chosen.log.level.upper()],
        always=always,
    )


def _absolute(chosen: settings.Config) -> settings.Config:
    return replace(chosen, data=chosen.data.absolute())


def _roles(chosen: settings.Config) -> list[Role]:
    """Say which processes a server is made of."""
    workers = Role(
        name=_WORKER,
        module="ulak.app.worker",
        count=chosen.workers or os.cpu_count() or 1,
        places=tuple(_places(chosen)),
        started=Event.WORKER_STARTED,
        ended=Event.WORKER_ENDED,
        stalled=Event.WORKER_STALLED,
    )
    web = Role(
        name=_WEB,
        module="ulak.app.web.process",
        count=1,
        places=tuple(
            Place(one.host, one.port) for one in (chosen.web.addresses if chosen.web else ())
        ),
        started=Event.WEB_STARTED,
        ended=Event.WEB_ENDED,
        stalled=Event.WEB_STALLED,
        needed=False,  # mail does without
    )
    answers = Role(
        name=_ANSWERS,
        module="ulak.app.asking.process",
        count=1,
        places=(),
        started=Event.ANSWERS_STARTED,
        ended=Event.ANSWERS_ENDED,
        stalled=Event.ANSWERS_STALLED,
        needed=False,  # this server knows what it knows
    )
    roles = [workers]
    if web.places:
        roles.append(web)
    if in_database(chosen):
        roles.append(answers)
    return roles


def _places(chosen: settings.Config) -> list[Place]:
    return [
        Place(
            li.address.host,
            li.address.port,
            li.address.path,
            _SOCKET_MODE if li.socket_mode is None else li.socket_mode,
            li.socket_group or "",
        )
        for li in chosen.listeners
    ]
