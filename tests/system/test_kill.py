"""Nothing acknowledged is lost, however the processes die."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from .senders import Senders, counted, rounds

KILLS = 50
RETRY = '[delivery.retry]\nfirst = "1s"\nfactor = 1.0\nlongest = "1s"\njitter = 0.0\n'


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_acknowledged_arrives_although_the_server_is_killed_fifty_times(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    chance = random.Random(5321)
    target = sink()
    server = served(
        f'[relay]\nnetworks = ["127.0.0.0/8"]\n[route]\n"*" = "smtp:127.0.0.1:{target.port}"\n'
        + RETRY,
        workers=2,
    )
    starts = [server.start()]
    senders = Senders(server.port)
    for number in rounds(KILLS, lambda: len(senders.acknowledged) > 1000):
        time.sleep(chance.uniform(0.1, 0.6))
        if number % 3 == 2:  # one worker alone; the supervisor brings it back
            workers = server.workers_of()
            if workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
            continue
        server.kill()
        starts.append(server.start())
    senders.stop()
    end = time.monotonic() + 60
    lost = senders.acknowledged
    while lost and time.monotonic() < end:
        time.sleep(0.2)
        lost = senders.acknowledged - set(counted([m.body for m in target.messages]))
    assert server.stop() == 0
    copies = counted([m.body for m in target.messages])
    assert len(senders.acknowledged) > 1000
    assert not lost, f"{len(lost)} of {len(senders.acknowledged)} are lost"
    # A second copy is legitimate only where the first went out over a connection that was cut.
    cut = Counter[str]()
    for session in target.server.sessions:
        if not session.quit:
            cut.update(counted([m.body for m in session.taken]))
    doubled = {name: count for name, count in copies.items() if count > 1}
    assert all(count - 1 <= cut[name] for name, count in doubled.items())
    print(
        f"{KILLS} kills, {len(senders.acknowledged)} acknowledged, 0 lost, {len(doubled)} doubled "
        f"by cut connections, ready again after {max(starts):.2f} s at most"
    )
