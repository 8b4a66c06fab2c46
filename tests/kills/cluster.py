"""Three servers on one queue in a primary and its standby, under load, and ways to hit them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import psycopg
from tests.conftest import Served, free_port
from tests.kills import network as networks
from tests.kills.clients import Clients
from tests.kills.pair import Pair
from tests.kills.sink import RecordingSink
from tests.kills.verdict import ENDS, WATCH, Hit, Verdict, judged
from tests.postgresql import PostgresServer

from ulak.queue.postgres import open_store

LEASE = 4  # seconds that a silent node is believed to live here
_SILENT = LEASE * 1.5 + 1  # seconds after which it has been buried
_ARRIVES = 120.0  # seconds until everything has arrived

_SETTINGS = """
[relay]
networks = ["127.0.0.0/8", "198.18.0.0/15"]
[route]
"*" = "smtp:{sink}"
[queue]
store = "{url}"
[delivery.retry]
first = "1s"
factor = 1.0
longest = "1s"
jitter = 0.0
"""


def prepare(url: str, lease: int = LEASE) -> None:
    """Make the tables of a queue, with a short lease: tests have no minute to wait."""

    async def once() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = await open_store(url, Path(folder), "first of all")
            await store.close()

    asyncio.run(once())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"UPDATE ulak.store SET lease = {lease}")


class Cluster:
    """The cluster. The last of its nodes has a network of its own where there is one.

    `server`: that one, and no standby.
    """

    def __init__(
        self,
        folder: Path,
        *,
        installed: Path | None = None,
        server: PostgresServer | None = None,
        network: networks.Network | None = None,
        nodes: int = 3,
        clients: int = 6,
        chance: random.Random | None = None,
    ) -> None:
        self.chance = chance or random.Random(5432)
        self.kills: Counter[str] = Counter()
        self.hits: list[Hit] = []
        self._network = network
        self.pair = Pair(installed, alone=server)
        prepare(self.pair.primary.url)
        self.pair.ask(WATCH)
        self.sink = RecordingSink()
        self.nodes: list[Served] = []
        for number in range(nodes):
            inside = network if number == nodes - 1 else None
            self.nodes.append(self._node(folder / f"node-{number}", number, inside))
        for node in self.nodes:
            node.start()
        self.clients = Clients([(node.host, node.port) for node in self.nodes], clients)

    def _node(self, folder: Path, number: int, inside: networks.Network | None) -> Served:
        folder.mkdir()
        here = inside.here if inside is not None else "127.0.0.1"
        url = self.pair.address(inside.database if inside is not None else here)
        node = Served(
            folder,
            _SETTINGS.format(sink=f"{here}:{self.sink.port}", url=url),
            hostname=f"n{number}.example.org",
            host=inside.server if inside is not None else here,
            port=free_port(),
        )
        if inside is not None:
            node.wrapper = inside.wrapper
        return node

    # -- hits ------------------------------------------------------------------------------

    def kill_node(self, victim: Served | None = None) -> None:
        """SIGKILL of every process of a node, which is started again."""
        victim = victim or self.chance.choice(self.nodes)
        with self._hit("node", victim):
            victim.kill()
        time.sleep(self.chance.uniform(0, 0.5))
        victim.start()

    def kill_worker(self) -> None:
        """SIGKILL of a worker, which its supervisor starts again."""
        victim = self.chance.choice(self.nodes)
        with self._hit("worker", victim):
            for worker in victim.workers_of():
                os.kill(worker, signal.SIGKILL)

    def sleep_node(self, victim: Served | None = None) -> None:
        """SIGSTOP of a node for longer than its lease, and SIGCONT."""
        with self.asleep(victim or self.chance.choice(self.nodes)):
            time.sleep(_SILENT)

    @contextlib.contextmanager
    def asleep(self, victim: Served) -> Iterator[None]:
        """Have a node sleep."""
        assert victim.process is not None
        with self._hit("sleep", victim):
            os.killpg(victim.process.pid, signal.SIGSTOP)
        yield
        os.killpg(victim.process.pid, signal.SIGCONT)

    def cut_node(self) -> None:
        """Pull the cable between a node and the database for longer than its lease."""
        assert self._network is not None
        with self._hit("cut", self.nodes[-1]):
            self._network.cut()
            time.sleep(_SILENT)
            self._network.mend()

    def kill_primary(self, *, frozen: float = 0.0) -> None:
        """SIGKILL of the primary; the standby is promoted, and later it is given one of its own.

        `frozen`: for so many seconds it stands still before it dies.
        """
        with self._hit("frozen" if frozen else "primary", *self.nodes):
            if frozen:
                self.pair.freeze_primary()
                time.sleep(frozen)
            dead = self.pair.kill_primary()
        time.sleep(self.chance.uniform(0.3, 1.0))
        dead.stop()
        self.pair.copy()

    def stop_standby(self) -> None:
        """SIGSTOP of the standby: no commit ends. Some waits are cancelled. Then SIGCONT."""
        with self.standby_stopped():
            for number in range(4):
                time.sleep(0.5)
                self.end_waits(("pg_cancel_backend", "pg_terminate_backend")[number % 2])

    @contextlib.contextmanager
    def standby_stopped(self) -> Iterator[None]:
        """Have the standby stand still, so that every commit waits for it."""
        standby = self.pair.standby
        assert standby is not None
        processes = [standby.pid, *standby.children]
        with self._hit("standby", *self.nodes):
            for pid in processes:
                os.kill(pid, signal.SIGSTOP)
            try:
                yield
            finally:
                for pid in processes:
                    os.kill(pid, signal.SIGCONT)
            self.pair.synchronous()

    def end_waits(self, how: str, link: str = "") -> int:
        """End waits for the standby, of connections whose name ends so; how many there were."""
        found = self.pair.ask(
            f"SELECT count({how}(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
            f"AND application_name LIKE 'ulak %{link}'"
        )
        return cast("int", found[0][0])

    @contextlib.contextmanager
    def _hit(self, kind: str, *victims: Served) -> Iterator[None]:
        begun = time.time()
        self.kills[kind] += 1
        yield
        nodes = frozenset(each.hostname for each in victims)
        self.hits.append(Hit(kind, nodes, begun, time.time()))

    # -- the end ---------------------------------------------------------------------------

    def finish(self) -> Verdict:
        """Stop the clients, wait until all has arrived, stop the nodes, and judge."""
        self.clients.stop()
        self.until_arrived()
        for node in self.nodes:
            assert node.stop() == 0
        # What was settled last is noted now. Names of nodes are those of their folders.
        ends = [
            (
                cast("str", message),
                cast("str", recipient),
                self._hostname(cast("str", name)),
                cast("float", when),
            )
            for message, recipient, name, when in self.pair.ask(ENDS)
        ]
        left = self.pair.ask("SELECT count(*) FROM ulak.pending")
        verdict = judged(self.clients.told, self.sink.record.copies, ends, self.hits)
        if left != [(0,)]:
            verdict.unexplained.append(f"{left} recipients are in the queue still")
        return verdict

    def until_arrived(self, patience: float = _ARRIVES) -> None:
        """Wait until every acknowledged message has arrived and the queue is empty."""

        def arrived() -> bool:
            told = self.clients.told.copy()
            taken = {(n, r) for n, one in told.items() if one.acknowledged for r in one.recipients}
            if taken - self.sink.record.arrived():
                return False
            return self.pair.ask("SELECT count(*) FROM ulak.pending") == [(0,)]

        _until(arrived, patience)

    def _hostname(self, name: str | None) -> str:
        for node in self.nodes:
            if name is not None and str(node.data) in name:
                return node.hostname
        return str(name)

    def stop(self) -> None:
        """End all of it, however it went."""
        self.clients.stop()
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(node.process.pid, signal.SIGCONT)
                    os.killpg(node.process.pid, signal.SIGKILL)
                node.process.wait()
        self.sink.stop()
        self.pair.stop()


def _until(true: Callable[[], bool], patience: float) -> bool:
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


@contextlib.contextmanager
def cluster(folder: Path, **how: object) -> Iterator[Cluster]:
    """Give a cluster that ends with the block."""
    made = Cluster(folder, **how)  # type: ignore[arg-type]  # fields by their names
    try:
        yield made
    finally:
        made.stop()
