"""What a site costs the others that accepts connections and then says nothing.

Three servers that are set up alike relay in turns, one of which has mail for such a site in its
queue. The other two differ in nothing: what is between them is the noise of the machine, so that
it can be told from what the site costs. Round by round the ratios are of runs that were neighbours.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Row, Run, Sink, settle, source
from bench.peers import PEERS
from bench.processes import Server, free_port, wait_for_port

_WAITING = 2000  # messages for the silent site
_KNOWN_AFTER = 3.0  # seconds until every connection to it is open and the rest lies in the queue
_TIMES = 3  # as many rounds as of other work: ratios of single rounds say little
_NAMES = ("alone", "again", "beside")


class _Bed:
    """One server with a sink of its own."""

    def __init__(self, folder: Path, asked: argparse.Namespace, mute: int) -> None:
        folder.mkdir(parents=True)
        self.port, sink_port = free_port(), free_port()
        command = PEERS["ulak"](folder, self.port, sink_port, relay=True, workers=asked.workers)
        config = folder / "ulak.toml"
        route = f'"silent.example" = "smtp:127.0.0.1:{mute}"\n'
        config.write_text(config.read_text().replace("[route]\n", f"[route]\n{route}"))
        self._asked = asked
        self.sink = Sink(sink_port)
        self.server = Server(command, folder / "log")

    def run(self, messages: int) -> Run:
        """Relay so many messages."""
        before, cpu, begun = self.sink.taken, self.server.cpu(), time.monotonic()
        source(self.port, messages, self._asked)
        settle(self.sink, before + messages)
        took = time.monotonic() - begun
        return Run(messages / took, (self.server.cpu() - cpu) / messages * 1000, 0.0)

    def stop(self) -> None:
        """End the server and the sink."""
        self.server.stop()
        self.sink.stop()


def silent(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Measure the relaying beside a site that accepts connections and says nothing."""
    runs: dict[str, list[Run]] = {name: [] for name in _NAMES}
    beds: dict[str, _Bed] = {}
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as mute:
        try:
            for name in _NAMES:
                beds[name] = _Bed(folder / name, asked, mute.getsockname()[1])
                wait_for_port(beds[name].port)
                beds[name].run(200)
            source(beds["beside"].port, _WAITING, asked, to="rcpt@silent.example")
            time.sleep(_KNOWN_AFTER)
            for number in range(asked.rounds * _TIMES):
                first = number % len(_NAMES)
                for name in (*_NAMES[first:], *_NAMES[:first]):
                    runs[name].append(beds[name].run(asked.messages))
        finally:
            for bed in beds.values():
                bed.stop()
    rate = statistics.median(run.rate for run in runs["alone"])
    return [
        ("relayed without a silent site, median", f"{rate:.0f}/s"),
        (f"beside {_WAITING} messages for one: rate", _ratio(runs, "beside")),
        ("beside them: CPU for a message", _ratio(runs, "beside", "cpu")),
        ("without any, a second server set up alike: rate", _ratio(runs, "again")),
        ("the same: CPU for a message", _ratio(runs, "again", "cpu")),
    ]


def _ratio(runs: dict[str, list[Run]], name: str, what: str = "rate") -> str:
    """Say how runs compare with their neighbours of the same round."""
    ratios = [
        getattr(run, what) / getattr(other, what)
        for run, other in zip(runs[name], runs["alone"], strict=True)
    ]
    return f"{statistics.median(ratios):.1%} ({_middle(ratios)} in half of the rounds)"


def _middle(ratios: Sequence[float]) -> str:
    quarters = statistics.quantiles(ratios, n=4, method="inclusive")
    low, high = quarters[0], quarters[-1]
    return f"{low:.1%} to {high:.1%}"
