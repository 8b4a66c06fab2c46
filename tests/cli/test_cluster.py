"""`ulak cluster` shows servers and database, and says in each language what is wrong."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from tests.postgresql import PostgresServer
from tests.queue.driver import message, waiting

from ulak.cli import main
from ulak.cluster.member import Card, Duty, InHand, Order, Stand
from ulak.cluster.postgres import Row, opened
from ulak.language import LANGUAGES
from ulak.queue.postgres import open_store
from ulak.queue.sqlite import SqliteStore


class Cluster:
    """A database with the rows of two servers, and the configuration of a third that is down."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.file = folder / "ulak.toml"
        self.file.write_text(f'data = "data"\n[queue]\nstore = "{url}"\n[cluster]\nname = "mx3"\n')
        asyncio.run(self._written())
        # A busy machine may come to the next line when these would be silent already.
        self.sql("UPDATE member SET seen = now() + interval '10 minutes'")

    async def _written(self) -> None:
        store = await open_store(self.url, self.folder / "made", "made")
        await store.close()
        for name, duty in (("mx1", Duty.SERVING), ("mx2", Duty.DRAINED)):
            card = Card(
                name, "i", f"{name}.example.org", "/d", "1.0", 1, 1e9, (f"{name} worker 0",)
            )
            row = Row(self.url, card)
            await row.beat(Stand(duty, 1_700_000_000.0, InHand(3, 2, 1)))
            row._card = Card("other", "i", "", "", "", 1, 0.0, ())  # its row stays
            await row.leave()

    def __call__(self, *words: str, lang: str = "en") -> Result:
        line = ["cluster", *words, "--config", str(self.file), "--lang", lang]
        return CliRunner().invoke(main, line)

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET search_path = ulak")
            connection.execute(statement)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET search_path = ulak")
            return connection.execute(statement).fetchall()

    def wanted(self) -> dict[str, Order | None]:
        with opened(self.url) as table:
            return {one.name: one.wanted for one in table.all()}


@pytest.fixture
def cluster(database: PostgresServer, tmp_path: Path) -> Cluster:
    return Cluster(database.fresh(), tmp_path)


def said(result: Result) -> str:
    return " ".join((result.stdout + result.stderr).split())


def test_status_shows_the_servers_the_queue_and_the_database(cluster: Cluster) -> None:
    result = cluster("status")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "Server",
        "State",
        "Since",
        "Version",
        "Sessions",
        "Messages",
        "Attempts",
        "Last",
        "seen",
    ]
    assert lines[1].split()[:2] == ["mx1", "serving"]
    assert lines[2].split()[:2] == ["mx2", "drained"]
    assert lines[1].split()[4:8] == ["1.0", "3", "2", "1"]
    text = said(result)
    assert "Messages in the queue: 0." in text
    assert "and takes writes (synchronous_commit = on)" in text
    assert "· No standby confirms commits:" in text


def test_status_for_programs_has_the_same(cluster: Cluster) -> None:
    told = json.loads(cluster("status", "--json").stdout)
    assert told["here"] == "mx3"
    first, second = told["members"]
    assert (first["name"], first["host"], first["duty"]) == ("mx1", "mx1.example.org", "serving")
    assert (second["sessions"], second["messages"], second["attempts"]) == (3, 2, 1)
    assert first["since"] == 1_700_000_000.0
    assert not first["silent"]
    assert told["queue"]["messages"] == 0
    assert told["database"]["schema"] == {
        "begun": 1,
        "ended": told["database"]["schema"]["ended"],
        "known": 1,
        "older": [],
        "kept_until": None,
    }
    assert [one["problem"] for one in told["problems"]] == ["none-confirms"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_grave_is_a_finding_in_every_language(cluster: Cluster, lang: str) -> None:
    cluster.sql("UPDATE member SET seen = now() - interval '1h', rival = now()")
    result = cluster("status", lang=lang)
    assert result.exit_code == 1
    assert result.stdout.count("\n! ") == 5
    assert "mx1.example.org" in said(result)
    assert "ulak serve" in said(result)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_mail_that_one_server_alone_has_is_named(cluster: Cluster, lang: str) -> None:
    cluster.sql("UPDATE member SET spilled = 4711, spilled_octets = 2600000 WHERE name = 'mx2'")
    result = cluster("status", lang=lang)
    assert result.exit_code == 0  # it goes into the database by itself
    assert "\n· mx2" in result.stdout or "\n· أخذ mx2" in result.stdout
    for fact in ("4711", "2.6 MB", "/d/spill", "mx2.example.org"):
        assert fact in said(result)
    cluster.sql("UPDATE member SET seen = now() - interval '1h' WHERE name = 'mx2'")
    assert cluster("status", lang=lang).exit_code == 1
    told = json.loads(cluster("status", "--json", lang=lang).stdout)
    assert told["members"][1]["spilled"] == {"messages": 4711, "octets": 2_600_000}
    (found,) = [one for one in told["problems"] if one["problem"] == "spilled-gone"]
    assert found["grave"]
    assert (found["facts"]["messages"], found["facts"]["size"]) == (4711, 2_600_000)


def test_a_server_that_is_down_tells_of_mail_on_its_disk(cluster: Cluster) -> None:
    async def spill() -> None:
        store = SqliteStore(cluster.folder / "data" / "spill" / "0")
        for name in ("m1", "m2"):
            made = message(name)
            await store.put(made, waiting(made))
        await store.close()

    asyncio.run(spill())
    told = json.loads(cluster("status", "--json").stdout)
    (found,) = [one for one in told["problems"] if one["problem"] == "spilled-gone"]
    assert (found["facts"]["name"], found["facts"]["messages"]) == ("mx3", 2)
    # Its row may be there still, and has not what came when it could not be written any more.
    columns = "instance, host, data, version, tables, started, workers, duty, since, sessions"
    columns += ", messages, attempts, epochs, seen, lag"
    cluster.sql(
        f"INSERT INTO member (name, {columns}) SELECT 'mx3', {columns} FROM member "
        "WHERE name = 'mx1'"
    )
    told = json.loads(cluster("status", "--json").stdout)
    assert told["members"][2]["spilled"]["messages"] == 2
    (found,) = [one for one in told["problems"] if one["problem"] == "spilled-gone"]
    assert (found["facts"]["name"], found["facts"]["messages"]) == ("mx3", 2)
    cluster.file.write_text('data = "data"\n[queue]\nstore = "postgresql://ulak@127.0.0.1:1/x"\n')
    result = cluster("status")
    assert result.exit_code == 1
    assert "cannot be reached" in said(result)
    assert "this machine alone has until the database of the queue is back: 2." in said(result)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_for_whom_or_until_when_something_is_kept_in_the_tables_is_told(
    cluster: Cluster, lang: str
) -> None:
    cluster.sql("UPDATE store SET begun = 2, older_seen = '2026-11-28 12:00:00Z'")
    cluster.sql("UPDATE member SET tables = 2 WHERE name = 'mx1'")
    text = said(cluster("status", lang=lang))
    assert "mx2" in text.partition("PostgreSQL")[2]
    assert "1d" in text
    cluster.sql("UPDATE member SET tables = 2")
    text = said(cluster("status", lang=lang))
    assert f"{datetime(2026, 11, 29, 12, tzinfo=UTC).astimezone():%Y-%m-%d %H:%M:%S}" in text
    schema = json.loads(cluster("status", "--json").stdout)["database"]["schema"]
    kept = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()
    assert (schema["older"], schema["kept_until"]) == ([], kept)
    cluster.sql("UPDATE store SET begun = 1, ended = 1")
    assert "2026-11-29" not in said(cluster("status", lang=lang))


def test_an_order_is_left_for_the_server_that_is_named(cluster: Cluster) -> None:
    result = cluster("drain", "mx1")
    assert (result.exit_code, "mx1 has been asked to drain" in said(result)) == (0, True)
    assert cluster.wanted() == {"mx1": Order.DRAIN, "mx2": None}
    assert cluster("resume", "mx2.example.org").exit_code == 0  # by its host
    assert cluster.wanted() == {"mx1": Order.DRAIN, "mx2": Order.RESUME}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_name_that_nobody_has_is_told_with_those_there_are(cluster: Cluster, lang: str) -> None:
    result = cluster("drain", "mx9", lang=lang)
    assert result.exit_code == 1
    assert "mx1, mx2" in said(result)


def test_a_server_that_is_down_keeps_to_it_when_it_starts(cluster: Cluster) -> None:
    mark = cluster.folder / "data" / "drained"
    assert "mx3 does not run" in said(cluster("drain"))
    assert json.loads(mark.read_text())["from"] == "command"
    assert "mx3 does not run" in said(cluster("resume", "mx3"))
    assert not mark.exists()


def test_who_is_waited_for_in_vain_is_told_as_a_finding(cluster: Cluster) -> None:
    result = cluster("drain", "mx1", "--wait", "--timeout", "1s")
    assert result.exit_code == 1
    assert cluster("drain", "mx2", "--wait", "--timeout", "1s").exit_code == 0  # it is already
    assert cluster("drain", "mx1", "--timeout", "soon").exit_code == 2
    cluster.sql("DELETE FROM member WHERE name = 'mx1'")
    assert cluster("drain", "mx1", "--wait").exit_code == 1


def test_a_database_that_is_away_is_said_in_a_sentence(cluster: Cluster) -> None:
    cluster.file.write_text('data = "data"\n[queue]\nstore = "postgresql://ulak@127.0.0.1:1/x"\n')
    for words in (("status",), ("drain", "mx1")):
        result = cluster(*words)
        assert result.exit_code == 1
        assert "cannot be reached" in said(result)


def test_with_sqlite_there_is_one_server_at_most(tmp_path: Path) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text('data = "data"\n')
    runner = CliRunner()
    result = runner.invoke(main, ["cluster", "status", "--config", str(file), "--json"])
    told = json.loads(result.stdout)
    assert (told["members"], told["database"], result.exit_code) == ([], None, 1)
    result = runner.invoke(main, ["cluster", "drain", "mx1", "--config", str(file), "--lang", "en"])
    assert result.exit_code == 1
    assert "no server of this cluster" in said(result)
