"""What every process of the server has of the supervisor: its job, its sockets, and its end.

A process reads its job from a pipe that stays open as long as the supervisor lives, and says on
another when it is ready.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import resource
import socket
import sys
from dataclasses import dataclass
from typing import cast

from ulak import config as settings


@dataclass(frozen=True, slots=True)
class Job:
    """What one process is to do: as number `index` of `count` of its kind.

    `sockets` are the descriptors of its listening sockets, in the order of their places.
    """

    index: int
    count: int
    sockets: tuple[int, ...]
    settings: object
    tells: int

    def pickled(self) -> bytes:
        """Write the job for the process that does it."""
        return pickle.dumps(self)


@dataclass(frozen=True, slots=True)
class Child:
    """This process, as one of the supervisor's."""

    job: Job
    pipe: int

    @property
    def config(self) -> settings.Config:
        """The settings that were in force when the process was started."""
        return cast("settings.Config", self.job.settings)

    def sockets(self) -> list[socket.socket]:
        """Give the listening sockets. Once: they are closed with what is given."""
        return [socket.socket(fileno=descriptor) for descriptor in self.job.sockets]

    def watch(self) -> None:
        """End this process at once when the supervisor is gone. In a running loop."""
        asyncio.get_running_loop().add_reader(self.pipe, _orphaned, self.pipe)

    def ready(self) -> None:
        """Tell the supervisor that everything runs."""
        os.write(self.job.tells, b"ready\n")
        os.close(self.job.tells)


def born() -> Child:
    """Take the job from the pipe that the command line names."""
    pipe = int(sys.argv[1])
    with os.fdopen(pipe, "rb", buffering=0, closefd=False) as stream:
        job = pickle.load(stream)  # noqa: S301 -- from our own supervisor
    take_descriptors()
    return Child(cast("Job", job), pipe)


def take_descriptors() -> None:
    """Let this process have as many descriptors as its user may: each connection takes one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle() -> None:
    """Say that what there is by now stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def _orphaned(pipe: int) -> None:
    if not os.read(pipe, 4096):
        os._exit(1)
