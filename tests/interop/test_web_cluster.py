"""An operator at the page of the servers that share a queue: two real ones, in a real browser."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.conftest import Served, free_port
from tests.postgresql import PostgresServer

from ulak.cluster import words

from .browser import EYES, Eyes, Visitor, chromium
from .test_web import ADMIN, PASSWORD, READER, answers, login, wait

pytestmark = pytest.mark.timeout(300)  # pages are looked at as a person does, each by axe


@dataclass(frozen=True)
class Cluster:
    site: str
    database: PostgresServer
    servers: list[Served]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run two servers over one database, the first of them with its pages."""
    database = PostgresServer()
    web = free_port()
    site = f"http://127.0.0.1:{web}"
    servers = []
    for name, more in (("mx1", f'[web]\naddress = "127.0.0.1:{web}"\n'), ("mx2", "")):
        chosen = f'[queue]\nstore = "{database.url}"\n[cluster]\nname = "{name}"\n{more}'
        servers.append(Served(tmp_path_factory.mktemp(name), chosen))
    try:
        for server in servers:
            server.start()
        wait(lambda: answers(site))
        for address, role in ((ADMIN, "admin"), (READER, "read-only")):
            made = servers[0].ulak("account", "add", address, given=PASSWORD + "\n")
            assert made.returncode == 0, made.stderr
            given = servers[0].ulak("account", "role", address, role)
            assert given.returncode == 0, given.stderr
        yield Cluster(site, database, servers)
    finally:
        for server in servers:
            if server.process is not None and server.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.process.pid, signal.SIGKILL)
                server.process.wait()
        database.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def state(page: Any, name: str, language: str, duty: str) -> Any:
    """Give the row of a server once it is in a state."""
    row = page.locator("tbody tr", has_text=name)
    row.locator(".badge", has_text=words.say(language, f"duty.{duty}")).first.wait_for()
    return row


@pytest.mark.parametrize("eyes", EYES, ids=str)
def test_an_operator_takes_a_server_out_of_service_and_back(
    browser: Any, cluster: Cluster, eyes: Eyes
) -> None:
    visitor = Visitor(browser, cluster.site, eyes)
    login(visitor, ADMIN).locator(".desk").wait_for()
    page = visitor.open("/console/servers")
    row = state(page, "mx2", eyes.language, "serving")
    visitor.look("servers")
    for order, duty in (("drain", "drained"), ("resume", "serving")):
        row.locator(f"a[href*='order={order}']").click()
        page.wait_for_url("**/console/servers/ask?*")
        visitor.look(f"servers-ask-{order}")
        page.locator("main form button:not(.small)").last.click()
        page.locator(".notice[role=status]").first.wait_for()
        row = state(page, "mx2", eyes.language, duty)  # without being loaded again
        row.locator(f"a[href*='order={order}']").wait_for(state="detached")
        visitor.look(f"servers-{duty}")
    visitor.open("/console/audit")
    assert page.locator("main", has_text="mx2").count()
    visitor.close()


def test_who_may_only_look_sees_the_servers_without_a_script(
    browser: Any, cluster: Cluster
) -> None:
    eyes = Eyes("en", "desktop", "light")
    visitor = Visitor(browser, cluster.site, eyes, java_script_enabled=False)
    login(visitor, READER).locator(".desk").wait_for()
    page = visitor.open("/console/servers")
    assert page.locator("tbody tr", has_text="mx2").count()
    assert not page.locator("a[href*='servers/ask']").count()
    visitor.close()


@pytest.mark.parametrize("eyes", [each for each in EYES if each.scheme == "light"], ids=str)
def test_without_its_database_the_page_says_so(browser: Any, cluster: Cluster, eyes: Eyes) -> None:
    visitor = Visitor(browser, cluster.site, eyes)
    login(visitor, ADMIN).locator(".desk").wait_for()
    cluster.database.crash()
    try:
        page = visitor.open("/console/servers")
        # What was seen a moment before is shown until the next look, which comes by itself.
        page.locator("tbody tr", has_text="mx2").wait_for(state="detached")
        assert page.locator("tbody tr", has_text="mx1").count()
        assert "451" in page.locator(".notice.bad").first.inner_text()
        visitor.look("servers-away")
    finally:
        cluster.database.start()
    state(page, "mx2", eyes.language, "serving")  # it is back, and the page shows it by itself
    visitor.close()
