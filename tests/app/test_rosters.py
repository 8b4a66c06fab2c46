"""A roster without what speaks to its database is in trouble, and refuses nobody."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from ulak import config
from ulak.app.ours import directory_of
from ulak.server.directory.found import Trouble
from ulak.smtp.grammar import parse_mailbox

TEXT = """
[domains."example.org".roster]
kind = "postgresql"
database = "postgresql://ulak@db.example/mail"
query = "SELECT 1"
"""


def test_where_psycopg_is_not_installed_the_operator_reads_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for name in ("ulak.rosters.postgresql", "ulak.database.bounded"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    file = tmp_path / "ulak.toml"
    file.write_text(TEXT)
    incidents: list[BaseException] = []

    def incident(error: BaseException) -> str:
        incidents.append(error)
        return "id"

    async def main() -> None:
        directory = directory_of(config.load(file), None, incident, None, [])
        assert await directory.ask(parse_mailbox("ada@example.org")) == Trouble("id")

    asyncio.run(main())
    (error,) = incidents
    assert "pip install 'ulak[postgres]'" in str(error)
