"""A refused sender and a browser: the link, the page in one's language, the check, the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.system.test_checks import HERE, mail, send
from tests.system.test_delivery import Lab, lab, until
from tests.system.web import Web

from ulak.lab import senders
from ulak.replies.refusal import parted

from .browser import EYES, Visitor, chromium

__all__ = ["lab"]

MORE = "[why]\nrequests_per_minute = 1000\nchecks_per_hour = 1000\n"


@pytest.mark.timeout(600)
def test_a_refused_sender_finds_the_way_from_the_link_to_a_check(
    served: Callable[..., Any], lab: Lab
) -> None:
    web = Web(
        served, rest=f'{HERE}{lab.settings()}[checks]\nspf = "enforce"\ndmarc = "off"\n{MORE}'
    )
    web.start()
    said = send(
        web.server,
        mail("x@nowhere.example"),
        f"x@{senders.FIRM}",
        source=senders.NAMELESS_IP,
        helo="client.example",
    )
    identifier = parted(said)[1]
    until(lambda: web.ask(f"/why/{identifier}")[0] == 200, "the page")
    site = f"http://127.0.0.1:{web.port}"
    with chromium() as browser:
        for eyes in EYES:
            visitor = Visitor(browser, site, eyes)
            page = visitor.page
            # The link in the reply has no language in it: the browser says which.
            answer = page.goto(f"{site}/why/{identifier}")
            assert answer.status == 200
            visitor.look("why")
            visitor.tab_to('main form[method="post"] button')
            page.keyboard.press("Enter")
            page.wait_for_selector('[role="status"]')
            visitor.look("why-checked")
            # Each language is one press away, English too.
            for other in ("ar", "en", "tr"):
                page.click(f'main a[hreflang="{other}"]')
                assert page.locator("html").get_attribute("lang") == other
            visitor.open("/why")
            visitor.look("why-ask")
            page.fill("#id", "nonsense")
            page.keyboard.press("Enter")
            page.wait_for_selector('[role="alert"]')
            visitor.look("why-ask-again")
            page.fill("#id", f"{site}/why/{identifier}")
            page.keyboard.press("Enter")
            page.wait_for_selector('main form[method="post"]')
            assert page.locator("html").get_attribute("lang") == eyes.language
            visitor.open("/why/000000000000", status=404)
            visitor.look("why-unknown")
            visitor.close()
        for eyes in EYES[:1]:  # and without scripts
            visitor = Visitor(browser, site, eyes, java_script_enabled=False)
            visitor.page.goto(f"{site}/why/{identifier}")
            visitor.page.click('main form[method="post"] button')
            visitor.page.wait_for_selector('[role="status"]')
            visitor.close()
