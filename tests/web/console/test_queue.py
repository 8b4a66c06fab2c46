"""The page of the queue: what it shows, and what an operator can do about it."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest
from starlette.testclient import TestClient
from tests.web.console.conftest import NOW, Console, token_of
from tests.web.console.server import EVIL, QUEUED, filled

from ulak.queue.item import Selection, State
from ulak.web.console.ports import OperationError
from ulak.web.console.queue.choice import Choice, fits


@pytest.fixture
def full(console: Console) -> Console:
    asyncio.run(filled(console.server))
    return console


def states(console: Console) -> dict[str, State]:
    rows = asyncio.run(console.server.store.list(Selection(everything=True)))
    return {row.id: row.pending.state for row in rows}


def fields(page: str, action: str) -> dict[str, list[str]]:
    """Give what the form of a page sends as it is."""
    form = page.split(f'action="{action}"')[1].split("</form>", maxsplit=1)[0]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input type=\"hidden\"[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name
        assert value
        found.setdefault(name[1], []).append(value[1].replace("&amp;", "&"))
    return found


def asked(browser: TestClient, verb: str, query: str = "", **more: object) -> str:
    """Choose on the page of the queue; give the page that asks once more."""
    page = browser.get(f"/console/queue{query}").text
    data = fields(page, "/console/queue/ask") | {"verb": verb, **more}
    answer = browser.post("/console/queue/ask", data=data)
    assert answer.status_code == 200, answer.text
    return answer.text


def done(browser: TestClient, page: str, **more: object) -> str:
    """Confirm on the page that asks; give the page of the queue that follows."""
    answer = browser.post("/console/queue/do", data=fields(page, "/console/queue/do") | more)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"]).text


def test_an_empty_queue_says_so(console: Console) -> None:
    page = console.logged_in().get("/console/queue").text
    assert "The queue is empty" in page


@pytest.mark.parametrize("language", ["", "/tr", "/ar"])
def test_each_recipient_is_told_of_with_its_last_reply(full: Console, language: str) -> None:
    page = full.logged_in("grace").get(f"{language}/console/queue").text
    for identifier, recipient, _ in QUEUED:
        assert f'href="{language}/console/message/{identifier}"' in page
        assert recipient in page
    assert "452 4.2.2 The mailbox is full" in page
    assert f'href="{language}/causes/mailbox-full"' in page
    assert f'href="{language}/codes/452"' in page
    assert f'href="{language}/explain?reply=452%204.2.2%20The%20mailbox%20is%20full"' in page
    assert "of-yesterday" in page
    if not language:
        assert "The mailbox is full" in page
        assert "in 1 h" in page
        assert "1 to 5 of 5" in page
    assert "<button name" not in page


def test_what_strangers_said_is_shown_and_not_obeyed(full: Console) -> None:
    ada = full.logged_in()
    for path in ("/console/queue", f"/console/queue?domain={EVIL}&cause={EVIL}&age={EVIL}"):
        page = ada.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("domain=example.net", [0, 1]),
        ("domain=x@EXAMPLE.net", [0, 1]),
        ("domain=example.net,+example.com;", [0, 1, 2, 3, 4]),
        ("address=Held@example.com", [2]),
        ("address=%3Csender3@example.org%3E", [3]),
        ("address=sender3@example.org&domain=example.net", []),
        ("cause=mailbox-full", [0]),
        ("state=held", [2]),
        ("domain=example.com&state=ready", [3, 4]),
        ("age=1h", [0, 1]),
        ("age=7d", []),
        ("age=nonsense&state=nonsense", [0, 1, 2, 3, 4]),
        ("offset=3", [3, 4]),
        ("offset=-1", [0, 1, 2, 3, 4]),
        ("offset=٣", [0, 1, 2, 3, 4]),
        ("offset=99999999999999999999", [0, 1, 2, 3, 4]),
    ],
)
def test_it_shows_what_fits_the_filter(full: Console, query: str, there: list[int]) -> None:
    page = full.logged_in().get(f"/console/queue?{query}").text
    found = [place for place, row in enumerate(QUEUED) if f'"/console/message/{row[0]}"' in page]
    assert found == there


@pytest.mark.parametrize(
    ("sort", "rows", "column"),
    [
        ("", [0, 1, 2, 3, 4], "Came"),
        ("-age", [4, 3, 2, 1, 0], "Came"),
        ("due", [1, 2, 4, 3, 0], "Next attempt"),
        ("-due", [0, 3, 1, 2, 4], "Next attempt"),
        ("domain", [2, 3, 4, 0, 1], "To"),
        ("-domain", [0, 1, 2, 3, 4], "To"),
        ("nonsense", [0, 1, 2, 3, 4], "Came"),
    ],
)
def test_it_goes_by_what_is_asked_for_and_says_by_what(
    full: Console, sort: str, rows: list[int], column: str
) -> None:
    browser = full.logged_in()
    page = browser.get(f"/console/queue?sort={sort}").text
    assert re.findall(r'"/console/message/(\w+)"', page) == [QUEUED[row][0] for row in rows]
    (head,) = re.findall(r'aria-sort="(\w+)"><a href="([^"]*)"[^>]*>([^<]*)', page)
    assert head[::2] == ("descending" if sort.startswith("-") else "ascending", column)
    turned = browser.get(head[1].replace("&amp;", "&")).text
    assert re.findall(r'aria-sort="(\w+)"', turned) != [head[0]]
    # It stays as it was when something is done, and on the next page.
    if sort in ("-age", "due"):
        assert f'name="sort" value="{sort}"' in asked(browser, "hold", f"?sort={sort}", whole="yes")


def test_many_domains_are_one_filter_unless_they_are_too_many() -> None:
    names = [f"d{number}.example" for number in range(100)]
    assert Choice.of({"domain": fits(names)}).selection(NOW).domains == tuple(names)
    assert fits([*names, "one.more.example"]) == ""
    assert fits(["a" * 200 + ".example"] * 30) == f"{'a' * 200}.example"
    assert fits([f"{'a' * 200}{number}.example" for number in range(30)]) == ""


def test_what_the_queue_is_made_of_leads_to_it(full: Console) -> None:
    page = full.logged_in().get("/console/queue?state=ready").text
    assert 'href="/console/queue?state=ready&amp;cause=mailbox-full"' in page
    assert 'href="/console/queue?state=ready&amp;domain=example.net"' in page


def test_many_are_shown_a_page_at_a_time(full: Console) -> None:
    from ulak.web.console.queue import listing  # noqa: PLC0415 -- only here

    ada = full.logged_in()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_PAGE", 2)
        first = ada.get("/console/queue?state=ready").text
        assert "offset=2" in first
        assert 'rel="prev"' not in first
        last = ada.get("/console/queue?state=ready&offset=2").text
        assert 'rel="next"' not in last
        assert 'href="/console/queue?state=ready&amp;offset=0"' in last


@pytest.mark.parametrize(
    ("verb", "count", "after"),
    [
        ("retry", 4, {"msg0001aaa": State.READY}),
        ("hold", 4, {"msg0001aaa": State.HELD}),
        ("release", 1, {"msg0003ccc": State.READY}),
    ],
)
def test_what_is_to_happen_is_said_and_then_done(
    full: Console, verb: str, count: int, after: dict[str, State]
) -> None:
    ada = full.logged_in()
    before = states(full)
    page = asked(ada, verb, whole="yes")
    assert f"<strong>{count}</strong>" in page
    assert states(full) == before
    assert full.verbs() == ["login"]
    page = done(ada, page)
    assert f"recipients: {count}." in page
    assert after.items() <= states(full).items()
    assert full.verbs() == ["login", *[verb] * count]
    entry = full.server.journal.entries[-1]
    assert entry.facts["who"] == "ada@example.org"
    assert entry.facts["from"] == "console"
    assert entry.facts["ip"] == "127.0.0.1"


def test_chosen_ones_alone_are_meant(full: Console) -> None:
    ada = full.logged_in()
    page = asked(ada, "bounce", id=["msg0001aaa", "msg0004ddd", "msg0001aaa"], whole="no")
    assert "<strong>2</strong>" in page
    assert "The senders get a report" in page
    done(ada, page)
    assert set(states(full)) == {"msg0002bbb", "msg0003ccc", "msg0005eee"}


def test_a_filter_is_kept_to_the_end(full: Console) -> None:
    ada = full.logged_in()
    page = asked(ada, "hold", "?domain=example.com", whole="yes")
    assert "<strong>2</strong>" in page
    answer = ada.post("/console/queue/do", data=fields(page, "/console/queue/do"))
    assert answer.headers["location"].startswith("/console/queue?domain=example.com&done=")
    assert states(full)["msg0001aaa"] is State.READY
    assert states(full)["msg0004ddd"] is State.HELD


def test_what_comes_later_is_not_meant(full: Console) -> None:
    ada = full.logged_in()
    for row in QUEUED:
        asyncio.run(full.server.store.drop(Selection((row[0],))))
    full.now = NOW - 3500
    page_before = ada.get("/console/queue").text
    assert "The queue is empty" in page_before
    asyncio.run(filled(full.server))
    data = {
        "token": token_of(page_before),
        "verb": "hold",
        "whole": "yes",
        "before": str(NOW - 3500),
    }
    full.now = NOW
    page = ada.post("/console/queue/ask", data=data).text
    assert "<strong>2</strong>" in page  # two have come before that


def test_a_drop_wants_the_number_typed(full: Console) -> None:
    ada = full.logged_in()
    page = asked(ada, "drop", "?domain=example.net", whole="yes")
    assert "cannot be taken back" in page
    data = fields(page, "/console/queue/do")
    for typed in ("", "3", "drop", "²", "2" * 500):
        answer = ada.post("/console/queue/do", data=data | {"count": typed})
        assert answer.status_code == 422, typed
        assert "not the number" in answer.text
    assert len(states(full)) == 5
    assert "recipients: 2." in done(ada, page, count=" ٢ ")
    assert len(states(full)) == 3


def test_what_is_sent_twice_is_done_once(full: Console) -> None:
    ada = full.logged_in()
    page = asked(ada, "hold", "?domain=example.net", whole="yes")
    assert "recipients: 2." in done(ada, page)
    asyncio.run(full.server.store.release(Selection(domains=("example.net",)), NOW))
    assert "recipients: 2." in done(ada, page)
    assert states(full)["msg0001aaa"] is State.READY
    assert len(full.server.acts) == 1


def test_what_is_sent_twice_at_once_is_done_once(full: Console) -> None:
    ada = full.logged_in()
    data = fields(asked(ada, "hold", whole="yes"), "/console/queue/do")
    statuses = []

    def go() -> None:
        browser = full.browser()
        browser.cookies.set("ulak-console", ada.cookies["ulak-console"])
        statuses.append(browser.post("/console/queue/do", data=data).status_code)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [303] * 4
    assert len(full.server.acts) == 1


def test_what_failed_can_be_tried_again(full: Console) -> None:
    ada = full.logged_in()
    data = fields(asked(ada, "hold", whole="yes"), "/console/queue/do")
    full.server.trouble = OperationError("not-running")
    answer = ada.post("/tr/console/queue/do", data=data)
    assert answer.status_code == 503
    assert "Sunucunun bunu yapabilecek" in answer.text
    full.server.trouble = None
    assert ada.post("/console/queue/do", data=data).status_code == 303
    assert len(full.server.acts) == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"verb": "retry"},
        {"verb": "retry", "id": "<script>"},
        {"verb": "explode", "whole": "yes"},
        {"verb": "retry", "id": [f"id{n}" for n in range(1001)]},
        {"verb": "hold", "whole": "yes", "once": "x"},
    ],
)
def test_what_says_not_what_is_meant_does_nothing(full: Console, data: dict[str, object]) -> None:
    ada = full.logged_in()
    token = token_of(ada.get("/console/queue").text)
    answer = ada.post("/console/queue/do", data=data | {"token": token})
    assert answer.status_code in (400, 413)
    if "once" not in data:
        assert ada.post("/console/queue/ask", data=data | {"token": token}).status_code == 400
    assert not full.server.acts


def test_where_nobody_is_meant_it_says_so(full: Console) -> None:
    page = asked(full.logged_in(), "release", "?state=ready", whole="yes")
    assert "nobody among the chosen" in page
    assert "/console/queue/do" not in page


def test_nobody_sees_what_another_did_by_the_address(full: Console) -> None:
    ada, grace = full.logged_in(), full.logged_in("grace")
    page = asked(ada, "hold", whole="yes")
    answer = ada.post("/console/queue/do", data=fields(page, "/console/queue/do"))
    where = answer.headers["location"]
    assert "Held, recipients" in ada.get(where).text
    assert "Held, recipients" not in grace.get(where).text
    assert "Held, recipients" not in ada.get("/console/queue?done=x").text


def test_a_disk_that_gives_nothing_is_told_of(full: Console) -> None:
    ada = full.logged_in()
    full.server.trouble = OperationError("incident", id="INC77")
    answer = ada.get("/console/queue")
    assert answer.status_code == 503
    assert "<code>ulak why INC77</code>" in answer.text
