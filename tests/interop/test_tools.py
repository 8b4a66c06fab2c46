"""Who has a reply explained or something checked, with a browser and with none of its scripts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from tests.interop.browser import EYES, Eyes, Visitor, chromium
from tests.web.tools.test_check import SIGNED
from tests.web.tools.test_explain import BOUNCE
from tests.web.tools.world import LISTED, World


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    world = World()
    # Every visitor here comes from one address.
    world.clock = _Hasty()  # type: ignore[assignment] # a clock all the same
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(world.app(), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


class _Hasty:
    """A clock of which every look takes a second, so that nobody has asked too often."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 1.0
        return self._now


@pytest.fixture(params=EYES, ids=str)
def visitor(request: pytest.FixtureRequest, browser: Any, site: str) -> Iterator[Visitor]:
    made = Visitor(browser, site, request.param)
    yield made
    made.close()


def test_a_reply_is_explained_checked_and_shared(visitor: Visitor) -> None:
    page = visitor.open("/explain")
    visitor.look("explain")
    page.fill("#reply", LISTED + " <ada@firma.com.tr>")
    page.click("form:not([action*=check]) button")
    page.wait_for_selector("#r1-title")
    visitor.look("explain-reply")
    assert page.locator("button.copy").first.is_visible()
    page.click("#now button")
    page.wait_for_selector("#now .notice.bad")
    assert page.locator("#now .finding").count() >= 1
    visitor.look("explain-checked")
    page.locator("summary").last.click()
    page.click("article > details a >> nth=0")
    page.wait_for_selector("#r1-title")
    assert "firma.com.tr" not in page.content()


def test_a_bounce_is_dropped(visitor: Visitor) -> None:
    page = visitor.open("/explain")
    mail = {"name": "bounce.eml", "mimeType": "message/rfc822", "buffer": BOUNCE}
    page.set_input_files("#mail", mail)
    page.click("form:not([action*=check]) button")
    page.wait_for_selector("#r2-title")
    visitor.look("explain-bounce")
    page.click("#r2-now button")
    page.wait_for_selector("#now .notice")
    visitor.look("explain-bounce-checked")


def test_what_is_in_the_field_is_checked(visitor: Visitor) -> None:
    page = visitor.open("/check")
    visitor.look("check")
    page.fill("#what", "Ada <ada@ill.example>")
    page.click("main form button")
    page.wait_for_selector(".notice.bad")
    assert page.locator(".finding").count() > 5
    assert page.locator("[id^=record-]").count() > 1
    visitor.look("check-domain")
    page.goto(f"{visitor.site}{visitor.eyes.prefix}/check/ip?ip=198.51.100.66")
    visitor.look("check-ip")


def test_a_message_is_checked(visitor: Visitor) -> None:
    page = visitor.open("/check/message")
    mail = {"name": "letter.eml", "mimeType": "message/rfc822", "buffer": SIGNED}
    page.set_input_files("#mail", mail)
    page.locator("summary").click()
    page.fill("#ip", "198.51.100.66")
    page.fill("#mail_from", "ada@well.example")
    visitor.look("check-message-form")
    page.click("main form button")
    page.wait_for_selector(".notice")
    visitor.look("check-message")


@pytest.mark.parametrize("eyes", [EYES[0], EYES[-1]], ids=str)
def test_the_keyboard_alone_suffices(browser: Any, site: str, eyes: Eyes) -> None:
    visitor = Visitor(browser, site, eyes)
    page = visitor.open("/explain")
    visitor.tab_to("#reply")
    page.keyboard.type("550 5.7.1 [198.51.100.66] blocked using zen.spamhaus.org")
    visitor.tab_to("form button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#r1-title")
    visitor.tab_to("#now button", 100)
    page.keyboard.press("Enter")
    page.wait_for_selector("#now .notice.bad")
    visitor.close()


@pytest.mark.parametrize("eyes", [EYES[0], EYES[-1]], ids=str)
def test_without_scripts_all_of_it_is_there(browser: Any, site: str, eyes: Eyes) -> None:
    visitor = Visitor(browser, site, eyes, java_script_enabled=False)
    page = visitor.open("/explain")
    page.fill("#reply", LISTED)
    page.click("form:not([action*=check]) button")
    page.click("#now button")
    assert page.locator("#now .notice.bad").count() == 1
    assert page.locator("#now .finding").count() >= 1
    assert not page.locator("button.copy").first.is_visible()
    page = visitor.open("/check")
    page.fill("#what", "198.51.100.66")
    page.click("main form button")
    assert page.locator(".finding").count() > 3
    visitor.close()
