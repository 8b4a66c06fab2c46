"""The file of the accounts, which several processes share."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import apsw
import pytest

from ulak.accounts.account import Account, Role
from ulak.accounts.sqlite import SqliteAccounts
from ulak.accounts.sqlite.accounts import VERSION
from ulak.accounts.store import AccountsError

ADA, GRACE = Account("ada@example.org", "hash"), Account("grace@example.org")

_ADD = """
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from ulak.accounts.account import Account, Role
from ulak.accounts.sqlite import SqliteAccounts
store = SqliteAccounts(Path(sys.argv[1]))
for number in range(20):
    assert store.add(Account(f"user{number}-{sys.argv[2]}@example.org"))
"""


def test_looking_makes_no_file(tmp_path: Path) -> None:
    store = SqliteAccounts(tmp_path / "none" / "accounts.db")
    assert store.find("ada@example.org") is None
    assert store.list() == []
    assert not store.any()
    assert not store.remove("ada@example.org")
    assert not list(tmp_path.iterdir())


def test_the_file_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    store = SqliteAccounts(tmp_path / "accounts.db")
    store.add(ADA)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    store.close()


def test_a_change_of_another_process_is_seen_at_once(tmp_path: Path) -> None:
    server, tool = SqliteAccounts(tmp_path / "a.db"), SqliteAccounts(tmp_path / "a.db")
    assert server.find("ada@example.org") is None
    tool.add(ADA)
    assert server.find("ada@example.org") == ADA
    tool.remove("ada@example.org")
    assert server.find("ada@example.org") is None
    for store in (server, tool):
        store.close()


def test_many_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    running = [subprocess.Popen([sys.executable, "-c", _ADD, str(path), str(n)]) for n in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(SqliteAccounts(path).list()) == 60


def test_many_threads_share_one_store(tmp_path: Path) -> None:
    store = SqliteAccounts(tmp_path / "accounts.db")
    store.add(ADA)
    found: list[Account | None] = []
    threads = [
        threading.Thread(target=lambda: found.extend(store.find(ADA.address) for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ADA] * 200
    store.close()


def test_a_file_that_was_put_back_is_what_is_read(tmp_path: Path) -> None:
    path, saved = tmp_path / "a.db", tmp_path / "saved.db"
    before = SqliteAccounts(saved)
    before.add(GRACE)
    before.close()
    store = SqliteAccounts(path)
    store.add(ADA)
    for old in tmp_path.glob("a.db*"):
        old.unlink()
    assert not store.any()
    saved.rename(path)
    assert store.list() == [GRACE]
    store.close()


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    path.write_bytes(b"nonsense" * 1000)
    store = SqliteAccounts(path)
    with pytest.raises(AccountsError, match=r"accounts\.db cannot be used: .*not a database"):
        store.find("ada@example.org")
    with pytest.raises(AccountsError):
        store.add(ADA)


def test_the_accounts_of_a_newer_ulak_are_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    newer = apsw.Connection(str(path))
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(AccountsError, match="newer Ulak"):
        SqliteAccounts(path).add(ADA)


def test_the_accounts_of_an_older_ulak_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    older = apsw.Connection(str(path))
    schema = files("ulak.accounts.sqlite") / "sql" / "accounts"
    older.execute((schema / "1.sql").read_text())
    older.execute(
        "INSERT INTO account VALUES ('ada@example.org', 'Ada@example.org', 'hash', NULL, NULL,"
        " NULL, NULL, '*@example.net', 0, 5, NULL, 1.5, 2.5)"
    )
    older.execute("PRAGMA user_version = 1")
    older.close()
    store = SqliteAccounts(path)
    ada = Account(
        "Ada@example.org",
        "hash",
        send_as=("*@example.net",),
        messages_per_hour=5,
        made=1.5,
        changed=2.5,
    )
    assert store.find("ada@example.org") == ada
    admin = replace(ada, role=Role.ADMIN)
    assert store.replace(admin, was=ada)
    assert store.list() == [admin]
    store.close()
