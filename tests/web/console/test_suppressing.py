"""The page of the suppression list: what it shows, and what an operator can do there."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient
from tests.web.console.conftest import NOW, Console, token_of
from tests.web.console.server import EVIL
from tests.web.console.test_queue import fields

from ulak.suppression.suppressed import BY_HAND, COMPLAINT, Suppressed
from ulak.web.console.ports import OperationError
from ulak.web.console.suppressing import part_of

BOB = "bob@example.net"
UNKNOWN = Suppressed(BOB, "", "no-such-mailbox", "550 5.1.1 <bob> no such user", "M1", NOW - 9)
COMPLAINED = Suppressed("eve@example.com", "shop.example", COMPLAINT, "abuse", "", NOW, NOW + 60)
NOTED = Suppressed(f'"{EVIL}"@example.com', "", BY_HAND, f"asked by phone {EVIL}")
OLD = Suppressed("old@example.com", "", "of-yesterday", "550 gone")
PATH = "/console/suppressions"


@pytest.fixture
def listed(console: Console) -> Console:
    console.server.silent += [UNKNOWN, COMPLAINED, NOTED, OLD]
    return console


def asked(browser: TestClient, given: dict[str, str], status: int = 200) -> str:
    data = {"token": token_of(browser.get("/console/visits").text), **given}
    answer = browser.post(f"{PATH}/ask", data=data)
    assert answer.status_code == status, answer.text
    return answer.text


def done(browser: TestClient, page: str, **more: object) -> str:
    """Confirm; give the page that follows."""
    answer = browser.post(f"{PATH}/do", data=fields(page, f"{PATH}/do") | more)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"]).text


def test_an_empty_list_says_so(console: Console) -> None:
    assert "There is no address on the suppression list." in console.logged_in().get(PATH).text


@pytest.mark.parametrize("language", ["", "/tr", "/ar"])
def test_each_address_is_told_of_with_what_it_is_there_for(listed: Console, language: str) -> None:
    page = listed.logged_in("grace").get(f"{language}{PATH}").text
    for one in (BOB, "eve@example.com", "old@example.com", "shop.example", "of-yesterday"):
        assert one in page
    assert f'href="{language}/console/message/M1"' in page
    assert f'href="{language}/causes/no-such-mailbox"' in page
    assert "550 5.1.1 &lt;bob&gt; no such user" in page
    assert f"{language}/explain?reply=550%205.1.1" in page
    assert "<script>alert" not in page
    assert "<button name" not in page
    assert f'action="{PATH}/ask"' not in page
    if not language:
        assert "for mail from shop.example" in page
        assert "Its reader has complained" in page
        assert "asked by phone" in page
        assert "1 to 4 of 4" in page


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("q=BOB", [BOB]),
        ("q=example.NET", [BOB]),
        ("q=%3Ceve@example.com%3E", ["eve@example.com"]),
        ("q=nobody", []),
        ("offset=3", ["old@example.com"]),
        ("offset=nonsense", [BOB, "eve@example.com", "old@example.com"]),
    ],
)
def test_it_shows_what_fits_the_search(listed: Console, query: str, there: list[str]) -> None:
    page = listed.logged_in().get(f"{PATH}?{query}").text
    heads = re.findall(r'<bdi class="to" dir="ltr">([^<"&]+)</bdi>', page)
    assert heads == there
    assert bool(there) != ("No address on the suppression list fits that." in page)


def test_a_search_is_made_in_the_form_that_addresses_are_kept_in() -> None:
    assert part_of("Çağrı@Örnek.example") == "Çağrı@xn--rnek-4qa.example"
    assert part_of("ÖRNEK.example") == "xn--rnek-4qa.example"
    assert part_of("<Bob@Example.NET>") == "Bob@example.net"
    assert part_of("bob") == "bob"


def test_a_long_list_is_shown_in_pages(console: Console) -> None:
    console.server.silent += [Suppressed(f"u{number}@example.net") for number in range(60)]
    browser = console.logged_in()
    page = browser.get(f"{PATH}?q=example").text
    assert "1 to 25 of 60" in page
    (after,) = re.findall(r'rel="next" href="([^"]+)"', page)
    page = browser.get(after.replace("&amp;", "&")).text
    assert "26 to 50 of 60" in page
    (before,) = re.findall(r'rel="prev" href="([^"]+)"', page)
    assert before == f"{PATH}?q=example"


def test_an_address_is_added_after_it_was_asked_and_once(listed: Console) -> None:
    browser = listed.logged_in()
    given = {
        "address": "<Zoe@Örnek.example>",
        "for": "@Shop.example",
        "keep": "30d",
        "note": "x\ny",
    }
    page = asked(browser, {"verb": "suppress", **given})
    assert "Zoe@xn--rnek-4qa.example" in page
    assert len(listed.server.silent) == 4  # it was only asked
    said = done(browser, page)
    assert "From now on nothing is sent to this address." in said
    wanted = Suppressed(
        "Zoe@xn--rnek-4qa.example", "shop.example", BY_HAND, "x y", "", NOW, NOW + 30 * 86_400
    )
    assert listed.server.silent[0] == wanted
    done(browser, page)  # the same page again, as a browser may send it
    assert len(listed.server.silent) == 5
    assert listed.verbs().count("suppress") == 1
    audit = browser.get("/console/audit").text
    assert "stopped mail to" in audit
    assert "Zoe@xn--rnek-4qa.example" in audit


def test_an_address_is_taken_off_for_those_senders_alone(listed: Console) -> None:
    listed.server.silent.append(Suppressed("eve@example.com"))
    browser = listed.logged_in()
    page = browser.get(f"{PATH}?q=eve").text
    form = fields(page.split('<ul class="waiting"')[1], f"{PATH}/ask")
    given = {name: values[0] for name, values in form.items()}
    page = asked(browser, given)
    assert "abuse" in page  # what it was there for
    said = done(browser, page)
    assert "From now on mail is sent to this address again." in said
    left = [(one.address, one.whose) for one in listed.server.silent]
    assert ("eve@example.com", "shop.example") not in left
    assert ("eve@example.com", "") in left
    assert "Nothing was changed" in asked(browser, given)
    assert listed.verbs()[-1] == "unsuppress"


def test_what_is_there_already_is_shown_before_it_is_replaced(listed: Console) -> None:
    page = asked(listed.logged_in(), {"verb": "suppress", "address": BOB})
    assert "It stands on the list already" in page
    assert "no such user" in page


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"address": "bob"}, "This is no mail address."),
        ({"address": "bob smith@example.net"}, "This is no mail address."),
        ({"address": ""}, "This is no mail address."),
        ({"address": BOB, "for": "not a domain"}, "This is no domain."),
    ],
)
def test_what_cannot_be_meant_is_told_where_it_was_typed(
    console: Console, given: dict[str, str], told: str
) -> None:
    page = asked(console.logged_in(), {"verb": "suppress", "note": "kept", **given}, 422)
    assert told in page
    assert 'aria-invalid="true"' in page
    assert 'value="kept"' in page


def test_who_only_looks_changes_nothing_and_nobody_without_the_form(listed: Console) -> None:
    grace, ada = listed.logged_in("grace"), listed.logged_in()
    given = {"verb": "unsuppress", "address": BOB, "once": "0" * 32}
    for path in (f"{PATH}/ask", f"{PATH}/do"):
        token = token_of(grace.get("/console/visits").text)
        assert grace.post(path, data={**given, "token": token}).status_code == 403
        assert ada.post(path, data=given).status_code == 403
    assert UNKNOWN in listed.server.silent


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"verb": "drop", "address": BOB},
        {"verb": "suppress", "address": BOB, "keep": "always"},
        {"verb": "suppress", "address": BOB},  # without the token of a page that asks
        {"verb": "suppress", "address": "bob", "once": "0" * 32},
    ],
)
def test_what_no_page_asked_is_not_done(console: Console, given: dict[str, str]) -> None:
    browser = console.logged_in()
    token = token_of(browser.get("/console/visits").text)
    assert browser.post(f"{PATH}/do", data={**given, "token": token}).status_code == 400
    assert console.server.silent == []


def test_a_list_that_is_not_heeded_is_shown_and_says_so(listed: Console) -> None:
    assert "suppression.on = false" not in listed.logged_in().get(PATH).text
    listed.server.heeded = False
    assert "suppression.on = false" in listed.logged_in().get(PATH).text


def test_a_disk_that_fails_is_told_of(listed: Console) -> None:
    browser = listed.logged_in()
    listed.server.trouble = OperationError("storage", problem="no room")
    assert browser.get(PATH).status_code == 503


def test_the_search_of_the_console_finds_it(listed: Console) -> None:
    browser = listed.logged_in()
    page = browser.get("/console/find?q=Bob@EXAMPLE.net").text
    assert f"{PATH}?q=Bob%40example.net" in page.replace("q=Bob@", "q=Bob%40")
    assert PATH + "?q" not in browser.get("/console/find?q=ada@example.net").text
