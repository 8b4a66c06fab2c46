"""The door of the console: who is let in, for how long, and what a browser is told."""

from __future__ import annotations

import base64
import re
import threading

import pytest
from starlette.testclient import TestClient
from tests.web.console.conftest import SECRET, TABLE, Console, log_in, token_of

from ulak.accounts import password
from ulak.accounts.account import Role
from ulak.accounts.visits import Rules
from ulak.web.console.cookies import form_token
from ulak.web.console.ports import OperationError
from ulak.web.console.returning import inside

PATHS = [re.sub(r"\{[^}]*\}", "X", f"/console{place.path}") for place in TABLE]
SHOWN = [path for path, place in zip(PATHS, TABLE, strict=True) if place.show]
# A stream of events has no end; `tests/app/test_console.py` reads one.
WHOLE = [path for path in SHOWN if not path.endswith("/live")]
ACTED = [path for path, place in zip(PATHS, TABLE, strict=True) if place.act]
FOR_ADMINS = [
    path
    for path, place in zip(PATHS, TABLE, strict=True)
    if place.act and place.needs is Role.ADMIN
]


# -- every page ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHOWN)
def test_who_has_not_logged_in_is_led_to_the_login(console: Console, path: str) -> None:
    for prefix in ("", "/tr", "/ar"):
        answer = console.browser().get(f"{prefix}{path}?a=b")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{prefix}/console/login")
        assert answer.headers["cache-control"] == "no-store"
    assert console.browser().get(path, headers={"hx-request": "true"}).status_code == 204


@pytest.mark.parametrize("path", ACTED)
def test_who_has_not_logged_in_does_nothing(console: Console, path: str) -> None:
    answer = console.browser().post(path, data={"token": "x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    assert not console.server.acts


@pytest.mark.parametrize("path", ACTED)
def test_what_shows_no_token_of_a_form_does_nothing(console: Console, path: str) -> None:
    ada, grace = console.logged_in(), console.logged_in("grace")
    hers = token_of(grace.get("/console/visits").text)
    for data in ({}, {"token": ""}, {"token": "x"}, {"token": hers}, {"token": "ü"}):
        answer = ada.post(path, data=data)
        assert answer.status_code == 403, data
        assert answer.headers["cache-control"] == "no-store"
        assert "older than your visit" in answer.text
    assert ada.post(path, headers={"x-ulak-form": hers}).status_code == 403
    assert ada.get("/console/visits").status_code == 200
    assert not console.server.acts


@pytest.mark.parametrize("path", FOR_ADMINS)
def test_who_may_only_look_does_nothing(console: Console, path: str) -> None:
    grace = console.logged_in("grace")
    token = token_of(grace.get("/console/visits").text)
    answer = grace.post(path, data={"token": token})
    assert answer.status_code == 403
    assert "change nothing" in answer.text
    assert "trial" not in console.log_lines()
    assert not console.server.acts


@pytest.mark.parametrize("path", [*WHOLE, "/console/login", "/console/nowhere"])
def test_no_page_is_kept_by_anybody(console: Console, path: str) -> None:
    for browser in (console.browser(), console.logged_in()):
        for prefix in ("", "/tr"):
            answer = browser.get(f"{prefix}{path}", headers={"accept-encoding": "gzip, br"})
            assert answer.headers["cache-control"] == "no-store"
            # What is compressed tells of a token by its length (BREACH).
            assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", WHOLE)
def test_every_page_is_there_in_every_language(console: Console, path: str) -> None:
    ada = console.logged_in()
    for language, prefix in (("en", ""), ("tr", "/tr"), ("ar", "/ar")):
        answer = ada.get(f"{prefix}{path}")
        assert answer.status_code in (200, 303, 404), answer.text
        if answer.status_code == 200:
            assert f'<html lang="{language}"' in answer.text
    assert not console.incidents


def test_who_may_act_does(console: Console) -> None:
    ada = console.logged_in()
    token = token_of(ada.get("/console/visits").text)
    assert ada.post("/console/trial", data={"token": token}).status_code == 303
    assert ada.post("/console/trial", headers={"x-ulak-form": token}).status_code == 303
    assert console.log_lines().count("trial") == 2


def test_a_form_of_another_site_is_refused_whatever_it_shows(console: Console) -> None:
    ada = console.logged_in()
    token = token_of(ada.get("/console/visits").text)
    headers = {"sec-fetch-site": "cross-site"}
    assert ada.post("/console/logout", data={"token": token}, headers=headers).status_code == 403
    assert ada.get("/console/visits").status_code == 200


def test_htmx_shows_the_token_in_a_field_of_the_request(console: Console) -> None:
    ada = console.logged_in()
    token = token_of(ada.get("/console/visits").text)
    answer = ada.post("/console/logout", headers={"x-ulak-form": token, "hx-request": "true"})
    assert answer.headers["hx-redirect"] == "/console/login"
    assert ada.get("/console/visits").status_code == 303


# -- logging in ---------------------------------------------------------------------------------


def test_who_has_a_role_and_the_password_is_let_in(console: Console) -> None:
    ada = console.logged_in()
    page = ada.get("/console/visits")
    assert page.status_code == 200
    assert "ada@example.org" in page.text
    assert console.verbs() == ["login"]
    entry = console.server.journal.entries[0]
    assert entry.facts == {
        "verb": "login", "who": "ada@example.org", "from": "console", "ip": "127.0.0.1"
    }  # fmt: skip
    assert "console-login" in console.log_lines()
    assert SECRET not in console.log_lines()


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("ada@example.org", "wrong"),
        ("ada@example.org", ""),
        ("nobody@example.org", SECRET),
        ("none@example.org", "wrong"),
        ("", SECRET),
        ("x" * 400, SECRET),
        ("ada@example.org", "x" * 2000),
        ("<script>alert(1)</script>", SECRET),
    ],
)
def test_nobody_else_is(console: Console, name: str, secret: str) -> None:
    browser = console.browser()
    assert log_in(browser, name, secret) == 403
    assert browser.get("/console/visits").status_code == 303
    assert console.waited == [1.0]
    assert console.verbs() == ["login-denied"]


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(console: Console) -> None:
    told = []
    for name in ("ada@example.org", "nobody@example.org", "none@example.org"):
        browser = console.browser()
        token = token_of(browser.get("/console/login").text)
        data = {"token": token, "name": name, "password": "wrong"}
        page = browser.post("/console/login", data=data).text
        told.append(page.replace(name, "NAME").replace(token, "TOKEN"))
    assert told[0] == told[1] == told[2]


def test_an_unknown_name_costs_as_much_as_a_known_one(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    real = password.matches

    def matches(kept: str, given: str) -> bool:
        tried.append(kept.rpartition("$")[0].rpartition("$")[0])
        return real(kept, given)

    monkeypatch.setattr(password, "matches", matches)
    for name in ("ada@example.org", "nobody@example.org"):
        log_in(console.browser(), name, "wrong")
    assert len(tried) == 2
    assert tried[0] == tried[1]


def test_a_name_that_is_no_address_is_kept_nowhere(console: Console) -> None:
    log_in(console.browser(), "my secret password", "ada@example.org")
    assert "secret" not in str(console.server.journal.entries)
    assert "secret" not in console.log_lines()


def test_who_has_no_role_hears_so_with_the_right_password_alone(console: Console) -> None:
    browser = console.browser()
    token = token_of(browser.get("/console/login").text)
    data = {"token": token, "name": "none@example.org", "password": SECRET}
    answer = browser.post("/console/login", data=data)
    assert answer.status_code == 403
    assert "ulak account role" in answer.text
    assert "no role" in answer.text
    assert browser.get("/console/visits").status_code == 303


def test_a_disabled_account_is_not_let_in(console: Console) -> None:
    console.change("ada", disabled=True)
    browser = console.browser()
    assert log_in(browser, "ada@example.org") == 403
    assert browser.get("/console/visits").status_code == 303


def test_after_many_failures_an_address_is_shut_out(console: Console) -> None:
    browser = console.browser("https://testserver", "192.0.2.1")
    for number in range(10):
        log_in(browser, f"user{number}@example.org", f"guess {number}")
    assert console.waited[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
    token = token_of(browser.get("/console/login").text)
    data = {"token": token, "name": "ada@example.org", "password": SECRET}
    answer = browser.post("/console/login", data=data)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 60
    assert "15 min" in answer.text
    assert log_in(console.browser("https://testserver", "198.51.100.1"), "ada@example.org") == 303


def test_too_many_at_once_are_asked_to_come_back(console: Console) -> None:
    console.doorkeeper._waiting = 10_000
    browser = console.browser()
    assert log_in(browser, "ada@example.org") == 503


def test_the_login_is_a_form_of_ours(console: Console) -> None:
    """Else somebody could be logged in as another, and would act for that one."""
    browser = console.browser()
    page = browser.get("/console/login").text
    for token in ("", "x", token_of(console.browser().get("/console/login").text)):
        data = {"token": token, "name": "ada@example.org", "password": SECRET}
        answer = browser.post("/console/login", data=data)
        assert answer.status_code == 403
        assert "ulak-console" not in answer.headers.get("set-cookie", "")
    assert console.browser().post("/console/login", data={}).status_code == 403
    # What is made of no token is no secret.
    data = {"token": form_token(""), "name": "ada@example.org", "password": SECRET}
    assert console.browser().post("/console/login", data=data).status_code == 403
    data = {"token": token_of(page), "name": "ada@example.org", "password": SECRET}
    assert browser.post("/console/login", data=data).status_code == 303
    assert console.verbs() == ["login"]


def test_the_login_is_bounded_in_what_it_reads(console: Console) -> None:
    browser = console.browser()
    answer = browser.post("/console/login", data={"name": "x" * 70_000})
    assert answer.status_code == 413
    many = {f"f{number}": "x" for number in range(2000)}
    assert browser.post("/console/login", data=many).status_code == 400


def test_where_nobody_has_a_role_the_page_says_how_to_give_one(console: Console) -> None:
    assert "ulak account role" in console.browser().get("/console/login").text
    assert "Nobody can log in here yet" not in console.browser().get("/console/login").text
    for name in ("ada", "grace"):
        console.change(name, role=Role.NONE)
    page = console.browser().get("/console/login").text
    assert "Nobody can log in here yet" in page
    assert "ulak account role ada@mx.example.org admin" in page


def test_the_journal_that_takes_nothing_keeps_nobody_out(console: Console) -> None:
    console.server.trouble = OperationError("storage")
    assert log_in(console.browser(), "ada@example.org") == 303
    assert "console-unnoted" in console.log_lines()


# -- cookies ------------------------------------------------------------------------------------


def test_the_cookie_is_for_this_host_and_for_no_script(console: Console) -> None:
    browser = console.browser("https://testserver")
    token = token_of(browser.get("/console/login").text)
    data = {"token": token, "name": "ada@example.org", "password": SECRET}
    cookie = browser.post("/console/login", data=data).headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-ulak-console=[A-Za-z0-9_-]{43}; HttpOnly; Path=/; SameSite=strict; Secure",
        cookie,
    )
    assert browser.get("/console/visits").status_code == 200


def test_without_tls_it_has_another_name(console: Console) -> None:
    browser = console.logged_in()
    names = {cookie.name for cookie in browser.cookies.jar}
    assert names == {"ulak-console", "ulak-form"}
    # What was given in clear is nothing by TLS.
    other = console.browser("https://testserver")
    other.cookies.set("ulak-console", browser.cookies["ulak-console"])
    assert other.get("/console/visits").status_code == 303


def test_the_token_is_in_no_file(console: Console) -> None:
    token = console.logged_in().cookies["ulak-console"]
    kept = b"".join(file.read_bytes() for file in console.folder.glob("visits.db*"))
    assert kept
    assert token.encode() not in kept
    assert base64.urlsafe_b64decode(token + "=") not in kept


def test_each_login_has_a_token_of_its_own(console: Console) -> None:
    """Whoever has put a token into somebody's browser has not got the visit (fixation)."""
    browser = console.browser()
    planted = "A" * 43
    browser.cookies.set("ulak-console", planted)
    assert log_in(browser, "ada@example.org") == 303
    assert planted not in [c.value for c in browser.cookies.jar if c.name == "ulak-console"][1:]
    other = console.browser()
    other.cookies.set("ulak-console", planted)
    assert other.get("/console/visits").status_code == 303
    first = console.logged_in().cookies["ulak-console"]
    assert console.logged_in().cookies["ulak-console"] != first


def test_who_logs_in_again_leaves_the_visit_before(console: Console) -> None:
    browser = console.logged_in()
    old = browser.cookies["ulak-console"]
    data = {
        "token": token_of(console_login_page(console, browser)),
        "name": "grace@example.org",
        "password": SECRET,
    }
    assert browser.post("/console/login", data=data).status_code == 303
    other = console.browser()
    other.cookies.set("ulak-console", old)
    assert other.get("/console/visits").status_code == 303


def console_login_page(console: Console, browser: TestClient) -> str:
    """Give the login as a browser has it that is logged in: only its own cookie matters."""
    fresh = console.browser()
    fresh.cookies.set("ulak-form", browser.cookies["ulak-form"])
    return fresh.get("/console/login").text


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "A" * 10_000, "=" * 43, "A A"])
def test_what_is_no_token_is_nobodys(console: Console, token: str) -> None:
    headers = {b"cookie": f"ulak-console={token}".encode()}
    assert console.browser().get("/console/visits", headers=headers).status_code == 303


# -- how long a visit lasts ----------------------------------------------------------------------


def test_a_visit_outlives_the_process(console: Console) -> None:
    token = console.logged_in().cookies["ulak-console"]
    console.visits.close()
    again = console.opened()
    found = again.visitor(token)
    assert found is not None
    assert found[0].address == "ada@example.org"
    again.close()


def test_who_does_nothing_is_out(console: Console) -> None:
    ada = console.logged_in()
    console.now += 3599
    assert ada.get("/console/visits").status_code == 200
    console.now += 3599
    assert ada.get("/console/visits").status_code == 200
    console.now += 3601
    assert ada.get("/console/visits").status_code == 303


def test_a_page_that_keeps_itself_fresh_is_nobody_who_is_there(console: Console) -> None:
    ada = console.logged_in()
    for field in ({"hx-request": "true"}, {"accept": "text/event-stream"}):
        console.now += 1300
        assert ada.get("/console/visits", headers=field).status_code == 200
    console.now += 1300
    assert ada.get("/console/visits").status_code == 303


def test_after_half_a_day_everybody_is_out(console: Console) -> None:
    ada = console.logged_in()
    for _ in range(23):
        console.now += 1800
        assert ada.get("/console/visits").status_code == 200
    console.now += 1800
    assert ada.get("/console/visits").status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        {"changed": 2.0, "password": "x"},
        {"changed": 2.0, "role": Role.READ_ONLY},
        {"role": Role.NONE},
        {"disabled": True},
    ],
)
def test_a_visit_ends_when_its_account_changes(console: Console, change: dict[str, object]) -> None:
    ada = console.logged_in()
    console.change("ada", **change)
    assert ada.get("/console/visits").status_code == 303


def test_a_visit_ends_with_its_account(console: Console) -> None:
    ada = console.logged_in()
    console.accounts.remove("ada@example.org")
    assert ada.get("/console/visits").status_code == 303


def test_who_logs_out_is_out_whoever_has_the_token(console: Console) -> None:
    ada = console.logged_in()
    token = ada.cookies["ulak-console"]
    data = {"token": token_of(ada.get("/console/visits").text)}
    answer = ada.post("/tr/console/logout", data=data)
    assert answer.headers["location"] == "/tr/console/login"
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    other = console.browser()
    other.cookies.set("ulak-console", token)
    assert other.get("/console/visits").status_code == 303
    assert console.verbs() == ["login", "logout"]


def test_who_logs_out_everywhere_is_out_everywhere(console: Console) -> None:
    ada, again, grace = console.logged_in(), console.logged_in(), console.logged_in("grace")
    page = ada.get("/console/visits").text
    assert page.count("<code>127.0.0.1</code>") == 2
    ada.post("/console/logout-everywhere", data={"token": token_of(page)})
    assert [b.get("/console/visits").status_code for b in (ada, again, grace)] == [303, 303, 200]


def test_there_are_only_so_many_visits(console: Console) -> None:
    visits = console.opened(Rules(most=5, most_each=3))
    account = console.accounts.find("ada@example.org")
    other = console.accounts.find("grace@example.org")
    assert account is not None
    assert other is not None
    tokens = []
    for _ in range(5):
        console.now += 1
        tokens.append(visits.begin(account, "192.0.2.1"))
    assert [visits.visitor(token) is not None for token in tokens] == [False] * 2 + [True] * 3
    for _ in range(4):
        console.now += 1
        visits.begin(other, "192.0.2.1")
    assert len(visits.of(account.key)) == 2
    assert len(visits.of(other.key)) == 3
    visits.close()


def test_many_log_in_at_once(console: Console) -> None:
    statuses: list[int] = []
    browsers = [console.browser() for _ in range(8)]

    def go(number: int) -> None:
        name = "ada@example.org" if number % 2 else "grace@example.org"
        statuses.append(log_in(browsers[number], name))

    threads = [threading.Thread(target=go, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [303] * 8
    assert len({browser.cookies["ulak-console"] for browser in browsers}) == 8
    assert len(console.visits.of("ada@example.org")) == 4


# -- where one goes from the login ---------------------------------------------------------------


def test_one_comes_to_where_one_wanted_to_go(console: Console) -> None:
    browser = console.browser()
    answer = browser.get("/ar/console/visits?a=b%20c&d=")
    page = browser.get(answer.headers["location"]).text
    then = re.search(r'name="next" value="([^"]*)"', page)
    assert then
    data = {
        "token": token_of(page),
        "name": "ada@example.org",
        "password": SECRET,
        "next": then[1].replace("&amp;", "&"),
    }
    answer = browser.post("/ar/console/login", data=data)
    assert answer.headers["location"] == "/ar/console/visits?a=b%20c&d="
    # Who is logged in needs no login.
    answer = browser.get("/tr/console/login?next=/console/visits")
    assert answer.headers["location"] == "/tr/console/visits"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/console//evil.example",
        "/console\\@evil.example",
        "/console/../../x",
        "/console/%2e%2e/x",
        "/console/%2f%2fevil.example",
        "/consoles",
        "/codes",
        "/console/login",
        "/console/a\r\nSet-Cookie: x=y",
        "/console/a%0d%0ab",
        "/console?x=\r\ny",
        "javascript:alert(1)",
        "/console/" + "a" * 3000,
        "/console/é",
        "console",
        "",
    ],
)
def test_one_goes_nowhere_else(console: Console, target: str) -> None:
    browser = console.browser()
    page = browser.get("/console/login").text
    data = {
        "token": token_of(page),
        "name": "ada@example.org",
        "password": SECRET,
        "next": target,
    }
    answer = browser.post("/console/login", data=data)
    assert answer.headers["location"] == "/console"
    assert "\n" not in answer.headers["location"]
    assert inside(target) is None


def test_who_comes_from_another_site_is_asked_for_once_more(console: Console) -> None:
    """Its browser does not show a cookie that is for one site alone until it asks from there."""
    browser = console.browser()
    answer = browser.get("/console/visits?a=1", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'content="0; url=/console/login?next=%2Fconsole%2Fvisits%3Fa%3D1"' in answer.text


# -- in clear -----------------------------------------------------------------------------------


def test_nobody_logs_in_where_others_could_read_along(console: Console) -> None:
    far = console.browser(ip="192.0.2.1")
    for answer in (
        far.get("/console/login"),
        far.post("/console/login", data={"name": "ada@example.org", "password": SECRET}),
        far.get("/console/visits"),
        far.post("/console/logout"),
    ):
        assert answer.status_code == 426
        assert "TLS" in answer.text or "https" in answer.text
        assert "set-cookie" not in answer.headers
    assert console.browser("https://testserver", "192.0.2.1").get("/console/login").is_success
    assert console.browser(ip="::1").get("/console/login").is_success


def test_the_accounts_that_cannot_be_read_are_no_incident(console: Console) -> None:
    ada = console.logged_in()
    console.accounts.close()
    for file in console.folder.glob("accounts.db*"):
        file.unlink()
    (console.folder / "accounts.db").write_bytes(b"nonsense" * 1000)
    assert ada.get("/console/visits").status_code == 503
    assert console.browser().get("/console/login").status_code == 503
    assert not console.incidents
