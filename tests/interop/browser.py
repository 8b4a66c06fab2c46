"""Visitors with a real browser: Debian's Chromium, driven by Playwright.

With `ULAK_SCREENSHOTS=FOLDER` every page that a visitor looks at is kept there as a picture.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

LANGUAGES = ("en", "tr", "ar")
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
_BAD = ("serious", "critical")


@dataclass(frozen=True)
class Eyes:
    """How a visitor looks at pages."""

    language: str
    size: str
    scheme: str

    @property
    def prefix(self) -> str:
        return "" if self.language == "en" else f"/{self.language}"

    def __str__(self) -> str:
        return f"{self.language}-{self.size}-{self.scheme}"


EYES = [
    Eyes(language, size, scheme)
    for language in LANGUAGES
    for size in SIZES
    for scheme in ("light", "dark")
]


def axe() -> str:
    """Give the script that finds what keeps people from a page."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    # No types: the package is not there where only the other tests run.
    try:
        api = importlib.import_module("playwright.sync_api")
    except ModuleNotFoundError:
        pytest.skip("playwright is missing: make interop installs it")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


class Visitor:
    """Somebody before a screen. What goes wrong on a page while they look is remembered."""

    def __init__(self, browser: Any, site: str, eyes: Eyes, **more: Any) -> None:
        width, height = SIZES[eyes.size]
        self.eyes = eyes
        self.site = site
        self.wrong: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            locale={"en": "en-GB", "tr": "tr-TR", "ar": "ar-EG"}[eyes.language],
            color_scheme=eyes.scheme,
            reduced_motion="reduce",
            **more,
        )
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        # Chromium tells every answer that is an error here, too; tests look at answers themselves.
        status = "Failed to load resource: the server responded" in message.text
        if message.type in ("error", "warning") and not status:
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.site, "data:", "blob:", "about:")):
            self.wrong.append(f"another host: {request.url}")

    def open(self, path: str, status: int = 200) -> Any:
        """Go to a page in the visitor's language."""
        answer = self.page.goto(f"{self.site}{self.eyes.prefix}{path}")
        assert answer.status == status, f"{path}: {answer.status}"
        return self.page

    def look(self, name: str) -> None:
        """Look at the page: nothing went wrong, all of it can be seen, and by everybody."""
        page = self.page
        html = page.locator("html")
        assert html.get_attribute("lang") == self.eyes.language, name
        assert html.get_attribute("dir") == ("rtl" if self.eyes.language == "ar" else "ltr"), name
        self._keep(name)
        wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{name}: {wide} pixels stand out\n{page.evaluate(_STANDS_OUT)}"
        assert page.locator("h1").count() == 1, name
        hidden = re.findall(r"\{[a-z_]+\}|\[object", page.evaluate(_TEXT))
        assert not hidden, f"{name}: {hidden}"
        page.evaluate(axe())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        bad = [
            f"{one['id']}: {one['help']}\n    "
            + "\n    ".join(n["html"][:200] for n in one["nodes"])
            for one in found["violations"]
            if one["impact"] in _BAD
        ]
        assert not bad, f"{name} ({self.eyes}):\n" + "\n".join(bad)
        assert not self.wrong, f"{name} ({self.eyes}): {self.wrong}"

    def _keep(self, name: str) -> None:
        if folder := os.environ.get("ULAK_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}-{self.eyes}.png", full_page=True)

    def tab_to(self, selector: str, most: int = 60) -> None:
        """Reach something by the keyboard alone, and see that it is reached."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                outline = self.page.evaluate(
                    "getComputedStyle(document.activeElement).outlineStyle"
                )
                assert outline != "none", f"{selector} does not show that it is reached"
                return
        pytest.fail(f"{selector} is not reached by {most} presses of Tab")

    def log_out(self) -> None:
        """Leave the console, where the menu of a phone or the row of a desk has it."""
        menu = self.page.locator(".desk .menu summary")
        if menu.is_visible() and not self.page.locator(".desk .menu[open]").count():
            menu.click()
        self.page.locator(".who form button:visible").click()

    def close(self) -> None:
        self.context.close()


# What is to be typed may have places of its own.
_TEXT = """
(() => {
  const main = document.querySelector("main").cloneNode(true);
  main.querySelectorAll("code, pre, samp").forEach(e => e.remove());
  return main.textContent;
})()
"""
_STANDS_OUT = """
[...document.querySelectorAll("body *")].filter(e => {
  const r = e.getBoundingClientRect();
  return r.width && (r.right > innerWidth + 1 || r.left < -1);
}).slice(0, 5).map(e => e.outerHTML.slice(0, 160)).join("\\n")
"""
