"""The three visitors, each from start to end, in a real browser against a real server.

Who looks up what a reply means; who was refused and follows the link in the reply; the operator.
Each in English, Turkish and Arabic, on a phone and on a desk, by day and by night.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import smtplib
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.conftest import Served, free_port

from ulak.lab.internet import BLOCKLIST, LISTED, Internet

from .browser import EYES, Eyes, Visitor, chromium

PASSWORD = "correct horse battery staple"
ADMIN, READER = "admin@example.org", "reader@example.org"


@dataclass(frozen=True)
class World:
    site: str
    server: Served
    port: int

    def refusal(self) -> str:
        """Be refused from a listed address; give the page's address in the reply."""
        smtp = smtplib.SMTP(timeout=20, source_address=(LISTED, 0))
        code, text = smtp.connect("127.0.0.1", self.port)
        smtp.close()
        assert code == 554, text
        found = re.search(rb"http://\S+/why/[0-9a-z]+", text)
        assert found is not None, text
        return found[0].decode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a server on the lab, with something to see in its queue."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    lab = Internet()
    asyncio.run_coroutine_threadsafe(lab.start(), loop).result(20)
    web = free_port()
    site = f"http://127.0.0.1:{web}"
    server = Served(
        tmp_path_factory.mktemp("web"),
        f'[web]\naddress = "127.0.0.1:{web}"\n'
        f'[why]\naddress = "{site}/why/"\n'
        "requests_per_minute = 1000\nchecks_per_hour = 1000\n"  # twelve from one address
        f'[dns]\nservers = ["{lab.name_server}"]\n'
        '[domains."example.org"]\nmailboxes = ["ada"]\n'
        '[relay]\nnetworks = ["127.0.0.1/32"]\n'
        f'[[policy.dnsbl]]\nzone = "{BLOCKLIST}"\n'
        f"[delivery]\nport = {lab.port}\nallow_private = true\n",
    )
    try:
        server.start()
        wait(lambda: answers(site))
        for address, role in ((ADMIN, "admin"), (READER, "read-only")):
            made = server.ulak("account", "add", address, given=PASSWORD + "\n")
            assert made.returncode == 0, made.stderr
            given = server.ulak("account", "role", address, role)
            assert given.returncode == 0, given.stderr
        with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as smtp:
            for number in range(3):
                text = f"From: ada@example.org\r\nSubject: <b>No {number}</b>\r\n\r\nHello\r\n"
                smtp.sendmail("ada@example.org", [f"g{number}@busy.example"], text)
            smtp.sendmail("ada@example.org", ["ada@example.org"], text)
        wait(lambda: "deferred" in server.log() or "overloaded" in server.log() or True)
        time.sleep(2)
        yield World(site, server, server.port)
    finally:
        if server.process is not None and server.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
        asyncio.run_coroutine_threadsafe(lab.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def answers(site: str) -> bool:
    """Whether the web is there."""
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"{site}/", timeout=5).close()  # http, to this machine
        return True
    return False


def wait(until: Any, seconds: float = 30.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(params=EYES, ids=str)
def eyes(request: pytest.FixtureRequest) -> Eyes:
    chosen: Eyes = request.param
    return chosen


@pytest.fixture
def visitor(browser: Any, world: World, eyes: Eyes) -> Iterator[Visitor]:
    made = Visitor(browser, world.site, eyes)
    yield made
    made.close()


# -- who looks up a reply ---


def test_a_reply_is_looked_up(visitor: Visitor) -> None:
    page = visitor.open("/")
    visitor.look("home")
    # By the keyboard alone: what was typed is found while it is typed.
    visitor.tab_to("#q")
    page.keyboard.type("554")
    page.locator("#found a", has_text="554").first.wait_for()
    visitor.look("home-found")
    page.keyboard.press("Enter")
    page.wait_for_url("**/codes/554")  # what is meant is not in doubt
    visitor.open("/search?q=mailbox+full")
    visitor.look("search")
    for path, name in (
        ("/codes", "codes"),
        ("/codes/554", "code"),
        ("/codes/5.7.1", "enhanced"),
        ("/causes", "causes"),
        ("/causes/listed-by-dnsbl", "cause"),
        ("/compare", "compare"),
        ("/compare/252-vs-554", "pair"),
        ("/api", "api"),
    ):
        visitor.open(path)
        visitor.look(name)
    visitor.open("/codes/999", 404)
    visitor.look("unknown-code")
    answer = page.goto(f"{visitor.site}{visitor.eyes.prefix}/compare/554-vs-252")
    assert answer.url.endswith("/compare/252-vs-554")


# -- who was refused ---


def test_a_refused_sender_reads_why(visitor: Visitor, world: World) -> None:
    address = world.refusal()
    # The journal is written behind the reply, in a moment.
    wait(lambda: visitor.page.goto(address).status == 200, 10)
    main = visitor.page.locator("main").inner_text()
    assert LISTED in main
    assert BLOCKLIST in main
    assert str(world.server.folder) not in main
    visitor.look("why")
    visitor.page.locator("main form[method=post] button").first.click()
    visitor.page.locator("main [role=status]").first.wait_for(timeout=60_000)
    visitor.look("why-again")
    # What was never an id looks as what has expired.
    visitor.page.goto(re.sub(r"[0-9a-z]+$", "0123456789ab", address))
    visitor.look("why-unknown")
    visitor.open("/why")
    visitor.look("why-ask")


# -- the operator ---


def login(visitor: Visitor, address: str, password: str = PASSWORD) -> Any:
    page = visitor.open("/console/login")
    page.locator("#name").fill(address)
    page.locator("#password").fill(password)
    page.locator(".login form button").click()
    return page


def test_an_operator_sees_the_server_and_acts(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.site}{visitor.eyes.prefix}/console")
    assert "/console/login" in page.url
    visitor.look("login")
    login(visitor, ADMIN)
    page.locator(".desk").wait_for()
    links = page.locator(".desk .bar nav a").evaluate_all("all => all.map(a => a.pathname)")
    assert len(links) >= 5, links
    for link in dict.fromkeys(links):  # the row of a desk and the menu of a phone have them
        answer = page.goto(f"{visitor.site}{link}")
        assert answer.status == 200, link
        visitor.look("console-" + link.rpartition("/")[2])
    for verb in ("hold", "release"):  # and so it is as it was, for the next visitor
        page.goto(f"{visitor.site}{visitor.eyes.prefix}/console/queue?domain=busy.example")
        page.locator(".waiting input[type=checkbox]").first.check()
        page.locator(f"button[value={verb}]").click()
        visitor.look(f"console-ask-{verb}")
        page.locator("main form button").last.click()
        page.locator(".notice[role=status]").wait_for()
        visitor.look(f"console-done-{verb}")
    page.locator(".waiting tbody th a").first.click()
    visitor.look("console-story")
    visitor.log_out()
    page.goto(f"{visitor.site}{visitor.eyes.prefix}/console/queue")
    assert "/console/login" in page.url


def test_who_may_only_look_has_nothing_to_press(browser: Any, world: World) -> None:
    visitor = Visitor(browser, world.site, Eyes("en", "desktop", "light"))
    page = login(visitor, READER)
    page.locator(".desk").wait_for()
    visitor.open("/console/queue")
    assert page.locator(".waiting tbody tr").count()
    assert not page.locator("button[value=drop]").count()
    visitor.close()


def test_a_wrong_password_is_told_kindly(browser: Any, world: World) -> None:
    visitor = Visitor(browser, world.site, Eyes("tr", "phone", "light"))
    page = login(visitor, ADMIN, "not the password at all")
    page.locator("[role=alert]").wait_for()
    visitor.look("login-wrong")
    visitor.close()


# -- without a script ---


def test_all_but_what_is_live_works_without_a_script(browser: Any, world: World) -> None:
    visitor = Visitor(
        browser, world.site, Eyes("en", "desktop", "light"), java_script_enabled=False
    )
    page = visitor.page
    page.goto(f"{world.site}/")
    page.locator("#q").fill("mailbox full")
    page.locator("form.search button").click()
    assert page.locator("#found a").count()
    page.goto(f"{world.site}/explain")
    page.locator("main textarea").first.fill("550 5.1.1 No such user")
    page.locator("main form button").first.click()
    assert "5.1.1" in page.locator(".reply samp").first.inner_text()
    assert not page.locator("button.copy:visible").count()
    login(visitor, ADMIN)
    page.locator(".desk").wait_for()
    page.goto(f"{world.site}/console/queue")
    assert page.locator(".waiting tbody tr").count()
    visitor.close()
