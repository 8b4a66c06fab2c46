"""The other members, for who wants to ask them. Without a queue in PostgreSQL there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from ulak import config as settings
from ulak.app.storing import in_database, member_of
from ulak.questions.question import NOBODY, Answer, Heard

T = TypeVar("T")


class Others(Protocol):
    """Those who are asked."""

    @property
    def me(self) -> str:
        """How they call this server; `""` where there is nobody to call it."""

    @property
    def silent(self) -> tuple[str, ...]:
        """Those who did not answer when they were last asked."""

    @property
    def away(self) -> bool:
        """Whether nobody could be asked the last time: the database was not there."""

    async def ask(self, verb: str, arguments: Answer) -> Heard:
        """Ask them all."""

    async def close(self) -> None:
        """Let go of what was used."""


class Nobody:
    """There is this server, and no other."""

    me = ""
    silent: tuple[str, ...] = ()
    away = False

    async def ask(self, verb: str, arguments: Answer) -> Heard:
        """Ask nobody."""
        del verb, arguments
        return NOBODY

    async def close(self) -> None:
        """Do nothing."""


class FromThread:
    """The others, for what looks in a thread while the loop goes on. Made in the loop."""

    def __init__(self, others: Others) -> None:
        self._others = others
        self._loop = asyncio.get_running_loop()

    @property
    def me(self) -> str:
        """How they call this server."""
        return self._others.me

    def ask(self, verb: str, arguments: Answer) -> Heard:
        """Ask them all, and wait."""
        asking = self._others.ask(verb, arguments)
        return asyncio.run_coroutine_threadsafe(asking, self._loop).result()


def others_of(chosen: settings.Config) -> Others:
    """Give the other members of a configuration."""
    if not in_database(chosen):
        return Nobody()
    try:
        from ulak.questions.postgres import Asker  # noqa: PLC0415 -- not everybody has it
    except ModuleNotFoundError:
        return Nobody()  # looking into the queue says what is missing
    return Asker(chosen.queue.store, member_of(chosen))


def with_others(
    chosen: settings.Config, look: Callable[[Others], Awaitable[T]], *, here: bool = False
) -> T:
    """Have a command look with the other members at hand; `here`: with nobody else."""

    async def run() -> T:
        others = Nobody() if here else others_of(chosen)
        try:
            return await look(others)
        finally:
            await others.close()

    return asyncio.run(run())
