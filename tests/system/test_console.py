"""The console of a real server: logins outlive its processes, and end with what they rest on."""

from __future__ import annotations

import os
import re
import signal
import smtplib
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.system.web import Web

SECRET = "correct horse battery"
REST = """
[relay]
networks = ["127.0.0.1/32"]
[delivery]
paused = true
[domains."example.org"]
mailboxes = ["ada"]
"""


class Browser:
    """A browser without a screen, over a real socket."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Give the status, where it leads, and the text."""
        link = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["content-type"] = "application/x-www-form-urlencoded"
        link.request("GET" if form is None else "POST", path, body, headers)
        answer = link.getresponse()
        for given in answer.headers.get_all("set-cookie", []):
            name, _, value = given.partition(";")[0].partition("=")
            self.cookies[name] = value
        text = answer.read().decode()
        link.close()
        return answer.status, answer.headers.get("location", ""), text

    def token(self, path: str) -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.ask(path)[2])
        assert found
        return found[1]

    def log_in(self, name: str = "ada@example.org", secret: str = SECRET) -> int:
        token = self.token("/console/login")
        form = {"token": token, "name": name, "password": secret}
        return self.ask("/console/login", form)[0]


@pytest.fixture
def web(served: Callable[..., Any]) -> Web:
    made = Web(served, rest=REST)
    made.start()
    return made


def with_role(web: Web, role: str = "admin") -> None:
    for words, given in (
        (("add", "ada@example.org"), f"{SECRET}\n"),
        (("role", "ada@example.org", role), ""),
    ):
        done = web.server.ulak("account", *words, given=given)
        assert done.returncode == 0, done.stderr


def test_a_first_run_says_how_to_get_in_and_then_lets_in(web: Web) -> None:
    browser = Browser(web.port)
    assert "ulak account role" in browser.ask("/console/login")[2]
    assert browser.log_in() == 403
    with_role(web)
    assert browser.log_in() == 303
    assert browser.ask("/console/queue")[0] == 200
    web.wait(lambda: '"console-login"' in web.log())  # the log is written behind
    assert '"console-denied"' in web.log()
    assert SECRET not in web.log()


def test_a_login_outlives_the_process_and_the_server(web: Web) -> None:
    with_role(web)
    browser = Browser(web.port)
    browser.log_in()
    os.kill(web.process, signal.SIGKILL)
    web.wait(lambda: web.log().count('"web-ready"') == 2)
    assert browser.ask("/console/queue")[0] == 200
    assert web.server.stop() == 0
    web.start()
    assert browser.ask("/console/queue")[0] == 200


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("password", "ada@example.org"), "another one entirely\n"),
        (("role", "ada@example.org", "read-only"), ""),
        (("disable", "ada@example.org"), ""),
        (("remove", "ada@example.org"), ""),
    ],
)
def test_a_command_ends_the_logins_that_rested_on_what_it_changes(
    web: Web, words: tuple[str, ...], given: str
) -> None:
    with_role(web)
    browser = Browser(web.port)
    browser.log_in()
    assert browser.ask("/console/queue")[0] == 200
    assert web.server.ulak("account", *words, given=given).returncode == 0
    assert browser.ask("/console/queue")[:2] == (303, "/console/login?next=%2Fconsole%2Fqueue")


def test_mail_is_held_and_it_is_told_who_did_it(web: Web) -> None:
    with_role(web)
    with smtplib.SMTP("127.0.0.1", web.server.port, timeout=20) as smtp:
        smtp.sendmail("ada@example.org", ["grace@example.net"], "From: ada@example.org\r\n\r\nx")
    browser = Browser(web.port)
    browser.log_in()
    status, _, page = browser.ask("/console/queue")
    assert "grace@example.net" in page
    token = browser.token("/console/queue")
    status, _, page = browser.ask(
        "/console/queue/ask", {"token": token, "verb": "hold", "whole": "yes"}
    )
    assert "<strong>1</strong>" in page
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once
    form = {"token": token, "verb": "hold", "whole": "yes", "once": once[1]}
    status, where, _ = browser.ask("/console/queue/do", form)
    assert status == 303
    assert "Held, recipients: 1." in browser.ask(where)[2]
    assert '"state": "held"' in web.server.ulak("queue", "list", "--json").stdout
    page = browser.ask("/console/audit")[2]
    assert "ada@example.org" in page
    assert "held" in page
    found = re.search(r"/console/message/([A-Za-z0-9]+)", page)
    assert found
    story = browser.ask(f"/console/message/{found[1]}")[2]
    assert "ada@example.org" in story
    assert browser.ask(f"/console/find?q={found[1][:14]}")[1] == f"/console/message/{found[1]}"


def test_what_a_command_does_to_the_suppression_list_is_noted_by_the_server(web: Web) -> None:
    with_role(web)
    for words in (("add", "--for", "shop.example"), ("remove",)):
        done = web.server.ulak("suppression", *words, "bob@example.net")
        assert done.returncode == 0, done.stderr
    browser = Browser(web.port)
    browser.log_in()
    web.wait(lambda: "let mail be sent again" in browser.ask("/console/audit")[2])
    page = browser.ask("/console/audit")[2]
    assert "stopped mail to" in page
    assert "<bdi>bob@example.net</bdi>" in page
    assert "shop.example" in page
    assert "command line" in page


def test_the_console_can_be_off(served: Callable[..., Any]) -> None:
    web = Web(served, "console = false\n", rest=REST)
    web.start()
    assert Browser(web.port).ask("/console/login")[0] == 404
    assert Browser(web.port).ask("/console")[0] == 404
