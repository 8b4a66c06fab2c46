"""The process that answers other members. Started by the supervisor, never by hand.

Searching a journal takes time that mail must not wait for, and an answer must not wait for mail:
so it is neither a worker's doing nor the web's, which not every server has. It opens what it looks
at and keeps nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import uvloop

from ulak.app.asking.answers import Answers
from ulak.app.child import Child, born, settle
from ulak.app.identifiers import Identifiers
from ulak.app.places import Places
from ulak.app.serving import make_log
from ulak.app.storing import member_of
from ulak.journal.incident import incident
from ulak.journal.memory import MemoryJournal
from ulak.log import Event, Log

_NICE = 5  # mail comes first


def main() -> int:
    """Read the job from the pipe that is named on the command line, and answer."""
    child = born()
    os.nice(_NICE)
    log = make_log(child.config, who="answers")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_answer(child, log))
    finally:
        log.close()
    return 0


async def _answer(child: Child, log: Log) -> None:
    from ulak.questions.postgres import Answerer  # noqa: PLC0415 -- not everybody has it

    chosen = child.config
    child.watch()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    new_id = Identifiers(time.time)

    def note(error: BaseException) -> str:
        # There is a journal for each worker, and none for this process: the log has it.
        return incident(error, new_id=new_id, journal=MemoryJournal(), log=log, clock=time.time)

    expected = chosen.workers or os.cpu_count() or 1
    answers = Answers(Places(chosen.data), expected, note)
    answerer = Answerer(chosen.queue.store, member_of(chosen), answers)
    task = loop.create_task(answerer.run())
    log.emit(Event.ANSWERS_READY, pid=os.getpid())
    child.ready()
    settle()
    await stop.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    log.emit(Event.STOPPED)


if __name__ == "__main__":
    sys.exit(main())
