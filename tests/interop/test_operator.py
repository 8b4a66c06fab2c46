"""An operator at the keyboard: what is held and dropped, and who comes by a link."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.system.web import Web

from ulak.cli import main

from .browser import Eyes, Visitor, chromium

DESKTOP, PHONE = Eyes("en", "desktop", "light"), Eyes("ar", "phone", "dark")
SECRET = "correct horse battery"
EVIL = '"><img src=x onerror=alert(1)>'
REST = """
[relay]
networks = ["127.0.0.1/32"]
[delivery]
paused = true
[domains."example.org"]
mailboxes = ["ada"]
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def web(served: Callable[..., Any]) -> Web:
    made = Web(served, rest=REST)
    made.start()
    config = Path(made.server.folder) / "ulak.toml"
    for words in (
        ["add", "ada@example.org"],
        ["role", "ada@example.org", "admin"],
        ["add", "grace@example.org"],
        ["role", "grace@example.org", "read-only"],
    ):
        done = CliRunner().invoke(
            main, ["account", *words, "--config", str(config)], input=f"{SECRET}\n"
        )
        assert done.exit_code == 0, done.output
    for number in range(3):
        with smtplib.SMTP("127.0.0.1", made.server.port, timeout=20) as smtp:
            text = f"From: ada@example.org\r\nSubject: {EVIL}\r\n\r\nHello.\r\n"
            smtp.sendmail("ada@example.org", [f"grace{number}@example.net"], text)
    return made


def logged_in(visitor: Visitor, name: str) -> None:
    page = visitor.page
    page.fill("#name", f"{name}@example.org")
    page.fill("#password", SECRET)
    page.keyboard.press("Enter")
    page.wait_for_selector(".desk")


@pytest.mark.parametrize("eyes", [DESKTOP, PHONE], ids=str)
def test_an_operator_holds_by_the_keyboard_and_drops(browser: Any, web: Web, eyes: Eyes) -> None:
    visitor = Visitor(browser, f"http://127.0.0.1:{web.port}", eyes)
    page = visitor.open("/console/queue")
    logged_in(visitor, "ada")
    assert page.url.endswith("/console/queue")
    visitor.look("console-queue")

    # One of them is held, by the keyboard alone.
    visitor.tab_to(".waiting input[type=checkbox]")
    page.keyboard.press("Space")
    visitor.tab_to("button[name=verb][value=hold]")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=once]", state="attached")
    visitor.look("console-ask")
    page.click(".go button")
    page.wait_for_selector(".notice[role=status]")
    visitor.look("console-done")
    assert page.locator(".badge.warn").count() == 1

    # What is held is dropped, and the number typed.
    page.select_option("select[name=state]", "held")
    page.click(".filter button")
    page.check("input[name=whole][value=yes]")
    page.click("button[name=verb][value=drop]")
    page.fill("#count", "7")
    page.click(".go button")
    page.wait_for_selector("#wrong")
    visitor.look("console-ask-wrong")
    page.fill("#count", "1")
    page.click(".go button")
    page.wait_for_selector(".notice[role=status]")

    # The story of another, from the search.
    visitor.open("/console/queue")
    assert page.locator(".waiting tbody tr").count() == 2
    page.fill("input[name=q]", "grace1@example.net")
    page.keyboard.press("Enter")
    page.wait_for_selector(".waiting tbody th a")
    visitor.look("console-found")
    page.click(".waiting tbody th a")
    page.wait_for_selector(".happenings")
    visitor.look("console-story")

    if eyes.size == "phone":  # every page is reached by the keyboard, from a menu of one line
        assert page.locator(".bar").bounding_box()["height"] < 70
        visitor.tab_to(".desk .menu summary")
        page.keyboard.press("Enter")
        visitor.look("console-menu")
        visitor.tab_to('.menu a[href$="/console/audit"]')
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/audit")
    visitor.log_out()
    page.wait_for_selector("#password")
    visitor.open("/console/audit")
    assert page.locator("#password").count() == 1
    visitor.close()


def test_a_link_from_another_site_leads_to_the_page(browser: Any, web: Web, tmp_path: Path) -> None:
    """A cookie for one site alone is not there at first, and the page asks once more."""
    visitor = Visitor(browser, f"http://127.0.0.1:{web.port}", DESKTOP)
    page = visitor.open("/console/queue")
    logged_in(visitor, "ada")
    other = tmp_path / "mail.html"
    other.write_text(f'<a href="{visitor.site}/console/audit?limit=5">link</a>', "utf-8")
    page.goto(f"file://{other}")
    page.click("a")
    page.wait_for_selector(".audit")
    assert page.url.endswith("/console/audit?limit=5")
    visitor.close()
