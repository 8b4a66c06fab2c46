"""What is written to tables that servers of two versions share (`ulak.queue.sql.postgres`)."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.repository import SOURCE, modules

_INSERT = re.compile(r"INSERT INTO \w+(?: AS \w+)?(\s*\()?")


def unnamed(module: Path) -> list[str]:
    """Give the inserts of a module that name no columns."""
    found = _INSERT.finditer(module.read_text("utf-8"))
    return [f"{module.name}: {one[0]}" for one in found if not one[1]]


def test_who_writes_to_a_shared_database_names_the_columns() -> None:
    shared = [one for one in modules() if "postgres" in str(one.relative_to(SOURCE))]
    assert sum(len(_INSERT.findall(one.read_text("utf-8"))) for one in shared) > 15
    assert [each for one in shared for each in unnamed(one)] == []


def test_an_insert_without_columns_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        'A = "INSERT INTO body SELECT 1"\nB = "INSERT INTO body AS b (seq) VALUES"\n'
    )
    assert unnamed(planted) == ["planted.py: INSERT INTO body"]
