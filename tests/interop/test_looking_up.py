"""Somebody looks up what a reply means, in a real browser: from a server, and in files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from ulak.language import LANGUAGES
from ulak.replies import texts
from ulak.web.application import application
from ulak.web.reference import export, piece
from ulak.web.site import Site

from .browser import EYES, Eyes, Visitor, chromium

LISTED = "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
SLIPS = {"en": "mailbx ful", "tr": "POSTA KUTUSU DLOU", "ar": "صندوق البريد ممتلئ"}
_COPIED = """
[...document.querySelectorAll("button.copy")].some(one => one.dataset.done === one.textContent)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the reference alone."""

    def incident(error: BaseException) -> str:
        raise error

    app = application(Site("mx.example.org"), [piece()], incident)
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the same as files, below a folder, by a file server that knows nothing of it."""
    folder = tmp_path_factory.mktemp("files")
    # In a thread: Playwright has an event loop in this one.
    with ThreadPoolExecutor() as pool:
        pool.submit(export, folder / "mail", Site(languages=("en", "tr"))).result()
    with _files(folder) as address:
        yield f"{address}/mail"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name there
        """Say nothing."""


@contextmanager
def _files(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("eyes", EYES, ids=str)
def test_a_visitor_finds_what_a_reply_means_and_what_to_do(
    browser: Any, site: str, eyes: Eyes
) -> None:
    visitor = Visitor(browser, site, eyes)
    labels = texts.page("labels", eyes.language)
    page = visitor.open("/")
    visitor.look("home")
    # As one types, with a slip of the hand.
    page.locator("#q").press_sequentially(SLIPS[eyes.language])
    page.locator("#found .hits a[href$='/causes/mailbox-full']").wait_for()
    visitor.look("home-found")
    page.locator("#found .hits a[href$='/causes/mailbox-full']").click()
    page.wait_for_url("**/causes/mailbox-full")
    assert page.get_by_role("heading", name=labels["fix"]).is_visible()
    visitor.look("cause")
    # A whole reply, pasted.
    visitor.open("/").locator("#q").fill(LISTED)
    page.locator("#found .answer").wait_for()
    assert "192.0.2.1" in page.locator("#found .answer").inner_text()
    page.locator("#q").press("Enter")
    page.wait_for_url("**/search?q=*")
    visitor.look("reply")
    visitor.open("/codes")
    visitor.look("codes")
    visitor.open("/causes")
    visitor.look("causes")
    visitor.open("/codes/559", 404)
    visitor.look("missing")
    visitor.close()


@pytest.mark.parametrize("eyes", EYES, ids=str)
def test_a_visitor_sets_two_side_by_side_by_the_keyboard_alone(
    browser: Any, site: str, eyes: Eyes
) -> None:
    visitor = Visitor(browser, site, eyes)
    page = visitor.open("/")
    if eyes.size == "phone":
        visitor.tab_to(".top .menu summary")
        page.keyboard.press("Enter")
        visitor.look("menu")
    visitor.tab_to("nav a[href$='/compare']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare")
    visitor.look("compare")
    visitor.tab_to("#a")
    page.keyboard.type("554")
    visitor.tab_to("#b")
    page.keyboard.type("252")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare/252-vs-554")
    visitor.look("pair")
    if eyes.size == "desktop":  # what belongs together stands side by side, in reading order
        first, second = (page.locator(".heads > .card").nth(at).bounding_box() for at in (0, 1))
        assert first["y"] == second["y"]
        assert (first["x"] < second["x"]) == (eyes.language != "ar")
    visitor.tab_to("a.key[href$='/codes/554']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/codes/554")
    visitor.look("code")
    visitor.tab_to("button.copy")
    page.keyboard.press("Enter")
    page.wait_for_function(_COPIED)
    visitor.close()


def test_everything_can_be_read_without_scripts(browser: Any, site: str) -> None:
    visitor = Visitor(browser, site, EYES[0], java_script_enabled=False)
    page = visitor.open("/")
    page.locator("#q").fill("mailbox full")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/search?q=*")
    page.locator(".hits a[href='/causes/mailbox-full']").click()
    assert page.locator("button.copy").is_hidden()
    assert page.locator("h1").is_visible()
    visitor.close()


def test_a_page_is_printed_without_what_paper_cannot_do(browser: Any, site: str) -> None:
    visitor = Visitor(browser, site, EYES[0])
    page = visitor.open("/codes/554")
    page.emulate_media(media="print")
    for gone in ("nav", "button.copy"):
        assert not any(one.is_visible() for one in page.locator(gone).all()), gone
    assert page.locator("h1").is_visible()
    visitor.close()


@pytest.mark.parametrize("eyes", [e for e in EYES if e.language != "ar"], ids=str)
def test_a_site_of_files_is_searched_and_read_without_a_server(
    browser: Any, still: str, eyes: Eyes
) -> None:
    visitor = Visitor(browser, still, eyes)
    page = visitor.open("/")
    visitor.look("still-home")
    page.locator("#q").press_sequentially(SLIPS[eyes.language])
    page.locator("#found .hits a[href$='causes/mailbox-full/']").wait_for()
    page.locator("#found .hits a[href$='causes/mailbox-full/']").click()
    page.wait_for_url("**/causes/mailbox-full/")
    visitor.look("still-cause")
    page = visitor.open("/search/?q=%3Cimg%20src%3Dx%3E")
    visitor.look("still-search")
    page.locator("#q").fill("554")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/codes/554/")
    page = visitor.open("/compare/")
    page.locator("#a").fill("554")
    page.locator("#b").fill("252")
    page.locator("#b").press("Enter")
    page.wait_for_url("**/compare/252-vs-554/")
    visitor.look("still-pair")
    page = visitor.open("/compare/")
    page.locator("#a").fill("mailbox-full")
    page.locator("#b").fill("554")
    page.locator("#b").press("Enter")
    page.locator("#found a[href$='causes/mailbox-full/']").wait_for()
    visitor.look("still-no-pair")
    visitor.open("/codes/X.7.1/").wait_for_url("**/codes/5.7.1/")
    visitor.close()


def test_every_language_is_looked_at() -> None:
    assert {eyes.language for eyes in EYES} == set(LANGUAGES) == set(SLIPS)
