"""A console with real accounts, real visits and real passwords, in a browser without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient
from tests.web.console.server import Server

from ulak.accounts import password
from ulak.accounts.account import Account, Role
from ulak.accounts.attempts import Attempts
from ulak.accounts.doorkeeper import Doorkeeper
from ulak.accounts.sqlite import SqliteAccounts, SqliteRecords, SqliteVisits
from ulak.accounts.visits import Rules, Visits
from ulak.log import Event, Log
from ulak.smtp.sasl.keys import ScramKeys
from ulak.web.application import application
from ulak.web.console.desk import Desk, Here
from ulak.web.console.piece import PLACES, piece
from ulak.web.console.table import Place
from ulak.web.site import Site

SECRET = "correct horse battery"
NOW = 1_795_000_000.0


async def _trial(here: Here) -> Response:
    """Stands for whatever an operator can do."""
    here.desk.log.emit(Event.CONSOLE_UNNOTED, verb="trial")
    return here.lead("/visits")


TABLE = (*PLACES, Place("/trial", act=_trial))


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> str:
    """Real argon2id at a cost that a test can pay many times."""
    monkeypatch.setattr(password, "MEMORY", 64)
    monkeypatch.setattr(password, "PASSES", 1)
    monkeypatch.setattr(password, "_NOW", (64, 1, 1))
    return password.hashed(SECRET, b"0123456789abcdef")


class Console:
    """All that a console is made of, and browsers that look at it."""

    def __init__(self, folder: Path, kept: str) -> None:
        self.folder = folder
        self.now = NOW
        self.waited: list[float] = []
        self.incidents: list[BaseException] = []
        self.accounts = SqliteAccounts(folder / "accounts.db")
        for name, role in (("ada", Role.ADMIN), ("grace", Role.READ_ONLY), ("none", Role.NONE)):
            self.accounts.add(Account(f"{name}@example.org", kept, changed=1.0, role=role))
        self.server = Server(NOW)
        self.logged = os.pipe()
        self.log = Log(self.logged[1], clock=lambda: self.now)
        self.doorkeeper = Doorkeeper(
            self.accounts,
            Attempts(SqliteRecords(folder / "attempts.db")),
            clock=lambda: self.now,
            chance=os.urandom,
            pretend=ScramKeys.pretended,
        )
        self.visits = self.opened()
        self.desk = Desk(
            self.server,
            self.doorkeeper,
            self.visits,
            self.accounts.operators,
            lambda: self.now,
            os.urandom,
            self.log,
            self._wait,
        )
        self.lines = ""
        self.app = application(Site("mx.example.org"), [piece(self.desk, TABLE)], self._incident)
        self.browsers: list[TestClient] = []

    def opened(self, rules: Rules | None = None) -> Visits:
        return Visits(
            SqliteVisits(self.folder / "visits.db"),
            self.accounts,
            clock=lambda: self.now,
            chance=os.urandom,
            rules=rules,
        )

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        traceback.print_exception(error)  # pytest shows it with a failure
        return "INC1"

    async def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def browser(self, base: str = "http://testserver", ip: str = "127.0.0.1") -> TestClient:
        client = TestClient(
            self.app,
            base,
            client=(ip, 50_000),
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        self.browsers.append(client)
        return client

    def logged_in(self, name: str = "ada", base: str = "http://testserver") -> TestClient:
        client = self.browser(base)
        answer = log_in(client, f"{name}@example.org")
        assert answer == 303, answer
        return client

    def change(self, name: str, **fields: object) -> None:
        old = self.accounts.find(f"{name}@example.org")
        assert old is not None
        self.accounts.replace(replace(old, **fields))  # type: ignore[arg-type]  # fields by their names

    def verbs(self) -> list[str]:
        return [entry.facts["verb"] for entry in self.server.journal.entries]

    def log_lines(self) -> str:
        self.log.flush()
        os.set_blocking(self.logged[0], False)
        with contextlib.suppress(BlockingIOError):
            self.lines += os.read(self.logged[0], 1 << 20).decode()
        return self.lines

    def close(self) -> None:
        for browser in self.browsers:
            browser.close()
        self.log.close()
        for one in self.logged:
            os.close(one)
        self.visits.close()
        asyncio.run(self.doorkeeper.close())  # with the accounts


def token_of(page: str) -> str:
    """Give what the forms of a page show."""
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def log_in(client: TestClient, name: str, secret: str = SECRET, **fields: str) -> int:
    """Log in as a person does; give the status."""
    page = client.get("/console/login").text
    data = {"token": token_of(page), "name": name, "password": secret, **fields}
    return client.post("/console/login", data=data).status_code


@pytest.fixture
def console(tmp_path: Path, kept: str) -> Iterator[Console]:
    made = Console(tmp_path, kept)
    yield made
    made.close()
