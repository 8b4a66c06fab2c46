"""Debian's PostgreSQL 15, a primary and its standby: what is acknowledged survives all of it."""

from __future__ import annotations

import contextlib
import os
import smtplib
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from tests.kills import network as networks
from tests.kills.cluster import cluster, prepare
from tests.kills.pair import Pair
from tests.postgresql import PostgresServer
from tests.queue import disks

from ulak.queue.postgres import open_reader

DEBIAN = Path("/usr/lib/postgresql/15")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not DEBIAN.exists(), reason="not installed: postgresql-15"),
]


def test_the_queue_does_in_postgresql_15_what_it_promises(tmp_path: Path) -> None:
    """The contract of all stores, and what holds between nodes."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-k", "not memory and not sqlite", f"--basetemp={tmp_path / 'inner'}"),
            *("tests/queue/test_contract.py", "tests/queue/test_nodes.py"),
        ],
        env={**os.environ, "ULAK_TEST_POSTGRESQL": str(DEBIAN)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "passed" in ran.stdout


def test_three_nodes_a_primary_and_its_standby_are_killed_in_turn_and_every_message_arrives(
    tmp_path: Path,
) -> None:
    if missing := networks.lacks():
        pytest.skip(missing)
    with (
        networks.network() as network,
        cluster(tmp_path, installed=DEBIAN, network=network) as run,
    ):
        for node in run.nodes:
            time.sleep(1)
            run.kill_node(node)
        run.stop_standby()
        run.kill_primary()
        time.sleep(1)
        run.sleep_node(run.nodes[0])
        run.cut_node()
        for node in run.nodes:
            run.kill_node(node)
        run.kill_primary(frozen=6.0)
        time.sleep(1)
        verdict = run.finish()
        assert run.kills.total() == 11
    assert verdict.lost == []
    assert verdict.unexplained == [], "nothing comes twice unless an attempt was interrupted"
    assert verdict.acknowledged > 300
    print(f"{dict(run.kills)}: {verdict.acknowledged} acknowledged, doubled: {dict(verdict.by)}")


def send(host: str, port: int, name: str, octets: int = 100) -> int:
    """Hand a message in; give the code of the reply to it."""
    with smtplib.SMTP(host, port, "client.example", timeout=60) as smtp:
        text = f"From: a@example.net\r\nX-Id: {name}\r\n\r\n" + "0123456789abcde\r\n" * (
            octets // 17
        )
        try:
            smtp.sendmail("a@example.net", ["b@example.com"], text)
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code
    return 250


def until(true: object, what: str, patience: float = 40.0) -> None:
    assert callable(true)
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"waited in vain for {what}")
        time.sleep(0.05)


def test_a_wait_for_the_standby_that_was_ended_is_no_250_and_the_retry_no_second_message(
    tmp_path: Path,
) -> None:
    with cluster(tmp_path, installed=DEBIAN, nodes=1, clients=0) as run:
        (node,) = run.nodes
        for how in ("pg_cancel_backend", "pg_terminate_backend"):
            assert send(node.host, node.port, f"before-{how}") == 250
            run.until_arrived()
            codes: list[int] = []
            client = threading.Thread(
                target=lambda how=how, codes=codes: codes.append(send(node.host, node.port, how))
            )
            with run.standby_stopped():
                client.start()
                until(lambda how=how, codes=codes: run.end_waits(how) and codes, "an answer")
                client.join(30)
                assert codes == [451]
                assert run.pair.ask("SELECT count(*) FROM ulak.message") == [(1,)], how

            def taken(how: str = how) -> bool:
                return send(node.host, node.port, how) == 250

            until(taken, "the retry being taken")
            run.until_arrived()
        names = [copy.name for copy in run.sink.record.copies]
        assert len(names) == len(set(names)) == 4
        assert run.finish().unexplained == []


def test_commands_look_at_the_primary_and_where_there_is_none_at_the_standby() -> None:
    pair = Pair(DEBIAN)
    try:
        prepare(pair.primary.url)
        assert pair.standby is not None
        both = f"127.0.0.1:{pair.standby.port},127.0.0.1:{pair.primary.port}"
        with open_reader(f"postgresql://ulak@{both}/postgres") as reader:
            assert reader._all("SELECT pg_is_in_recovery()") == [(False,)]
        pair.primary.crash()

        def made() -> bool:  # what is on the standby's disk it replays a moment later
            with open_reader(f"postgresql://ulak@{both}/postgres") as reader:
                assert reader._all("SELECT pg_is_in_recovery()") == [(True,)]
                return reader.made

        until(made, "the tables on the standby")
    finally:
        pair.stop()


def test_a_node_that_is_cut_off_says_so_at_once_and_takes_nothing(tmp_path: Path) -> None:
    if missing := networks.lacks():
        pytest.skip(missing)
    with (
        networks.network() as network,
        cluster(tmp_path, installed=DEBIAN, network=network, nodes=2, clients=0) as run,
    ):
        there, cut = run.nodes
        assert send(cut.host, cut.port, "before") == 250
        run.until_arrived()
        network.cut()
        took = []
        for name in ("first", "second", "third"):
            begun = time.monotonic()
            assert send(cut.host, cut.port, name) == 451
            took.append(time.monotonic() - begun)
        assert max(took) < 12, "it is told of within a transaction's time"
        assert max(took[1:]) < 3, "after that at once"
        assert send(there.host, there.port, "elsewhere") == 250
        network.mend()
        until(lambda: send(cut.host, cut.port, "after") == 250, "mail being taken again", 20)
        run.until_arrived()
        assert run.sink.record.names() == {"before", "elsewhere", "after"}
        assert run.finish().unexplained == []


def test_who_sleeps_for_longer_than_its_lease_delivers_nothing_twice_when_it_wakes(
    tmp_path: Path,
) -> None:
    with cluster(tmp_path, installed=DEBIAN, nodes=2, clients=0) as run:
        sleeper, _ = run.nodes
        run.sink.delay = 1.0  # so that most waits in the memory of who has taken it
        with smtplib.SMTP(sleeper.host, sleeper.port, "client.example", timeout=60) as smtp:
            for number in range(100):
                text = f"From: a@example.net\r\nX-Id: m{number}\r\n\r\ntext\r\n"
                smtp.sendmail("a@example.net", ["b@example.com"], text)
        with run.asleep(sleeper):
            run.sink.delay = 0.0
            # Its connections to the sink are held for its own for a minute.
            until(lambda: len(run.sink.record.names()) == 100, "another to take over", 120)
            copies = len(run.sink.record.copies)
        time.sleep(3)
        assert len(run.sink.record.copies) < copies + 10, "only what was under way"
        verdict = run.finish()
    assert verdict.unexplained == []


def test_a_full_disk_of_the_database_refuses_and_nothing_is_lost_when_there_is_room_again(
    tmp_path: Path,
) -> None:
    if missing := disks.lacks("mount", "umount", root=True):
        pytest.skip(missing)
    with disks.small(200_000_000) as place, contextlib.ExitStack() as stack:
        place.parent.chmod(0o755)
        place.chmod(0o777)
        server = PostgresServer(
            installed=DEBIAN,
            data=place / "data",
            min_wal_size="32MB",
            max_wal_size="48MB",
            log_min_messages="panic",
        )
        stack.callback(server.stop)
        ballast = place / "ballast"
        run = stack.enter_context(cluster(tmp_path, server=server, nodes=2, clients=0))
        free = os.statvfs(place)
        ballast.write_bytes(bytes(max(free.f_bavail * free.f_bsize - 40_000_000, 0)))
        taken: set[str] = set()
        codes: list[int] = []
        while codes.count(452) + codes.count(451) < 5:
            name, node = f"m{len(codes)}", run.nodes[len(codes) % 2]
            codes.append(send(node.host, node.port, name, 300_000))
            if codes[-1] == 250:
                taken.add(name)
            assert len(codes) < 2000
        assert set(codes) <= {250, 451, 452}
        assert taken
        ballast.unlink()
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(server.url, connect_timeout=5).close()
            server.crash()
        server.start()
        until(lambda: send(run.nodes[0].host, run.nodes[0].port, "after") == 250, "room", 30)
        run.until_arrived()
        assert run.sink.record.names() >= taken | {"after"}
        assert run.sink.record.names() <= {*taken, "after"}
