"""A disk that fails, fills up or loses its power costs no acknowledged message."""

from __future__ import annotations

import contextlib
import os
import signal
import smtplib
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.queue import disks

from .senders import Senders, counted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PAUSED = "[delivery]\npaused = true\n"


def relay(port: int) -> str:
    return (
        f'[relay]\nnetworks = ["127.0.0.0/8"]\n[route]\n"*" = "smtp:127.0.0.1:{port}"\n'
        '[delivery.retry]\nfirst = "1s"\nfactor = 1.0\nlongest = "1s"\njitter = 0.0\n'
    )


def all_arrive(target: Any, acknowledged: set[str], seconds: float = 60) -> None:
    """Wait until the sink has every one of them."""
    end = time.monotonic() + seconds
    while missing := acknowledged - set(counted([m.body for m in target.messages])):
        assert time.monotonic() < end, f"{len(missing)} of {len(acknowledged)} are lost"
        time.sleep(0.2)


@pytest.mark.skipif(
    bool(disks.lacks("mkfs.ext4", root=True)), reason=disks.lacks("mkfs.ext4", root=True)
)
def test_a_power_cut_under_load_loses_nothing_acknowledged(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    target = sink()
    with disks.breakable() as disk:
        server = served(
            relay(target.port) + "[policy]\nmin_free_disk = 0\n" + PAUSED,
            workers=2,
            data=str(disk.mount / "data"),
        )
        acknowledged: set[str] = set()
        for number in range(5):
            server.start()
            senders = Senders(server.port, prefix=f"cut{number}")
            time.sleep(1.0)
            for pid in [*server.workers_of(), server.process.pid]:
                os.kill(pid, signal.SIGSTOP)
            disk.cut()
            server.kill()
            senders.stop()
            acknowledged |= senders.acknowledged
            disk.restore()
        server.more = server.more.replace(PAUSED, "")
        server.start()
        all_arrive(target, acknowledged)
        assert len(acknowledged) > 100
        assert server.stop() == 0


@pytest.mark.skipif(bool(disks.lacks("strace", root=True)), reason=disks.lacks("strace", root=True))
def test_a_failing_fsync_is_answered_451_and_never_250(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    target = sink()
    server = served(relay(target.port) + PAUSED)
    server.start()
    senders = Senders(server.port)
    time.sleep(0.5)
    (worker,) = server.workers_of()
    broken = subprocess.Popen(
        [
            *("strace", "-f", "-q", "-e", "trace=fsync,fdatasync"),
            *("-e", "inject=fsync,fdatasync:error=EIO", "-p", str(worker), "-o", "/dev/null"),
        ],
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not senders.refused[451]:
        assert time.monotonic() < end, server.log()[-4000:]
        time.sleep(0.1)
    time.sleep(1.0)  # what was synced before may still be on its way to its sender
    taken = len(senders.acknowledged)
    time.sleep(1.0)
    # While no fsync succeeds nothing is acknowledged.
    assert len(senders.acknowledged) == taken
    os.killpg(broken.pid, signal.SIGINT)
    broken.wait()
    end = time.monotonic() + 30
    while len(senders.acknowledged) == taken:
        assert time.monotonic() < end, server.log()
        time.sleep(0.1)
    senders.stop()
    server.stop()
    server.more = server.more.replace(PAUSED, "")
    server.start()
    all_arrive(target, senders.acknowledged)


@pytest.mark.skipif(bool(disks.lacks(root=True)), reason=disks.lacks(root=True))
def test_a_full_disk_is_answered_452_and_mail_goes_on_when_there_is_room(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    target = sink()
    with disks.small(96_000_000) as small:
        more = relay(target.port) + '[journal]\nmax_size = "2MB"\n'
        more += '[policy]\nmin_free_disk = "40MB"\n'
        server = served(more + PAUSED, data=str(small / "data"))
        server.start()
        senders = Senders(server.port, lines=3000)
        end = time.monotonic() + 60
        while not senders.refused[452]:
            assert time.monotonic() < end, server.log()
            time.sleep(0.1)
        senders.stop()
        assert set(senders.refused) <= {451, 452}
        # Somebody else fills what was kept free: clients hear it before they send anything.
        with contextlib.suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(100_000))
        time.sleep(1.2)  # a look at the disk is good for a second
        with smtplib.SMTP("127.0.0.1", server.port) as smtp:
            smtp.ehlo()
            assert smtp.mail("a@example.net")[0] == 452
        (small / "filler").unlink()
        assert server.stop() == 0
        server.more = more
        server.start()
        all_arrive(target, senders.acknowledged)
        again = Senders(server.port, prefix="again")
        end = time.monotonic() + 30
        while not again.acknowledged:
            assert time.monotonic() < end, server.log()
            time.sleep(0.1)
        again.stop()
        all_arrive(target, again.acknowledged)
        assert server.stop() == 0
