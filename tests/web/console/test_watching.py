"""Pages that show what a server does, has done, and is set to; hostile words in them stay words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.web.console.conftest import NOW, Console, token_of
from tests.web.console.server import EVIL

from ulak.checks.reason import because
from ulak.publish.compare import Checked, Standing
from ulak.publish.wanted import Purpose, Wanted
from ulak.queue.item import State
from ulak.reports.aggregate import Aggregate, Published
from ulak.reports.aggregate import Row as ReportRow
from ulak.reports.store import Kept, Parcel
from ulak.reports.store import State as ParcelState
from ulak.reports.tlsrpt import Failure, TlsPolicy, TlsReport
from ulak.web.console.absent import Missing
from ulak.web.console.lists import state_of
from ulak.web.console.ports import (
    Answered,
    Destination,
    Now,
    OperationError,
    Probed,
    Said,
    Session,
    Setting,
    Stopped,
    Terms,
    Trouble,
    Zone,
)
from ulak.web.console.reports import share
from ulak.web.console.standing import sections
from ulak.web.console.traffic import name_of
from ulak.web.console.watch import Sample, Watch, event

HOSTILE = "<script>alert(1)</script>\"'>&"
LANGUAGES = ("", "/tr", "/ar")
PAGES = ("now", "sessions", "destinations", "blocklists", "reports", "settings", "records")
CHECK = "records?domain=example.org&check=1"


def fill(console: Console) -> None:
    """Let the server have something to show of everything, and all of it hostile."""
    server = console.server
    server.state = Now(
        NOW,
        1,
        2,
        NOW - 3600,
        connections=3,
        counted={"accepted": 100},
        messages=4,
        queued={State.READY: 3, State.HELD: 1, State.LEASED: 0},
        oldest=NOW - 90,
        paused=True,
    )
    minute = int(NOW) - int(NOW) % 60
    server.counted = [
        (minute, {"accepted": 5, "refused no-such-mailbox": 3, f"refused {HOSTILE}": 1}),
        (minute - 60, {"delivered": 4, "deferred greylisted": 2, "failed mailbox-full": 1}),
    ]
    server.connected = tuple(
        Session(
            f"S{number}",
            NOW - 60,
            "192.0.2.1",
            "127.0.0.1:25",
            stage,
            client=HOSTILE,
            tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
            account="ada@example.org",
            sender=HOSTILE,
            recipients=2,
            octets=1000,
        )
        for number, stage in enumerate(("connected", "ready", "message", "chunks", "closed"))
    )
    reply = f"550 5.1.1 <a@b> No such user {HOSTILE}"
    server.places = (
        Destination(
            "mx:mx1.example.net,mx2.example.net:25",
            "smtp",
            ("example.net", HOSTILE),
            active=2,
            queued=3,
            due=NOW + 60,
            last=Said(NOW - 5, "failed", "no-such-mailbox", reply, HOSTILE, remote=True),
        ),
        Destination("maildir", "maildir", last=Said(NOW, "delivered", "delivered", "250 ok")),
        Destination("refused:x.example", "smtp", last=Said(NOW, "failed", "null-mx", "556 no")),
    )
    trouble = Answered(NOW - 9, HOSTILE, (because("dnsbl.refuses", zone=HOSTILE, codes="1"),))
    server.zones = (
        Zone("list.example", HOSTILE, 10, 2, 8, last_listed=trouble),
        Zone("dead.example", "", 6, 0, 0, 6, 2, NOW + 30, last_trouble=trouble),
    )
    server.probed = (
        Probed(
            "list.example", works=False, reasons=(because("dnsbl.refuses", zone="z", codes="c"),)
        ),
    )
    day = int(NOW) // 86_400 * 86_400
    row = ReportRow("192.0.2.9", 7, "reject", "fail", "fail", "example.org")
    dmarc = Aggregate(HOSTILE, "", "id", day, day + 1, Published("example.org"), (row,))
    failure = Failure("certificate-expired", 3, comment=HOSTILE)
    made_up = Failure(HOSTILE, 1)
    policy = TlsPolicy("sts", HOSTILE, 5, 4, failures=(failure, made_up))
    server.whole = {1: dmarc, 2: TlsReport(HOSTILE, "", "id", day, day + 1, (policy,))}
    server.read = (
        Kept(1, "dmarc", HOSTILE, "id", "example.org", day, day + 1, 7, 0, NOW, "x"),
        Kept(2, "tls", HOSTILE, "id", "example.org", day, day + 1, 9, 5, NOW, "x"),
    )
    server.sent = (
        Parcel("m", "r", HOSTILE, HOSTILE, "", None, ParcelState.DROPPED, why="dns", changed=NOW),
        Parcel("m", "r", "a.example", "u", "a@b.example", why=HOSTILE, changed=NOW),
    )
    server.chosen = (
        Setting("hostname", '"mx.example.org"', "ulak.toml:1"),
        Setting("delivery.port", "25", meaning="Where servers listen.", about=HOSTILE),
        Setting('domains."x".mailboxes', HOSTILE, HOSTILE),
    )
    server.published = {
        "example.org": (
            Checked(Wanted(Purpose.MX, "example.org", "MX", "10 mx."), Standing.THERE),
            Checked(
                Wanted(Purpose.SPF, "example.org", "TXT", "v=spf1 mx ~all", "spf-others"),
                Standing.OTHER,
                (HOSTILE,),
                "spf-result",
                (("address", HOSTILE), ("result", "fail")),
                because("spf.none", domain="example.org"),
            ),
            Checked(Wanted(Purpose.DKIM, "example.org", "TXT", ""), Standing.MISSING),
        ),
        "example.net": (),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", [*PAGES, CHECK, "reports/1", "reports/2", "now?span=month"])
def test_every_page_is_there_in_every_language_and_nothing_hostile_acts(
    console: Console, language: str, page: str
) -> None:
    fill(console)
    answer = console.logged_in("grace").get(f"{language}/console/{page}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "<script>alert" not in answer.text
    if page not in ("now", "now?span=month", "settings"):
        assert "alert(1)" in answer.text or "records" in page
    assert not console.incidents


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_there_where_there_is_nothing_to_show(console: Console, page: str) -> None:
    answer = console.logged_in().get(f"/console/{page}")
    assert answer.status_code == 200
    assert not console.incidents


@pytest.mark.parametrize("page", [*PAGES, CHECK, "now/live", "sessions/live", "records/check"])
def test_a_stranger_is_led_to_the_login(console: Console, page: str) -> None:
    answer = console.browser().get(f"/console/{page}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/login")


def test_the_page_now_tells_what_is_wrong_and_leads_to_causes_and_to_the_queue(
    console: Console,
) -> None:
    fill(console)
    page = console.logged_in().get("/console/now").text
    assert "Only 1 of 2 processes answer" in page
    assert "Delivery is paused" in page
    assert '<a href="/causes/no-such-mailbox">There is no such mailbox</a>' in page
    assert '<a href="/console/queue?cause=greylisted">2</a>' in page
    assert "1 min 30 s" in page


def test_without_workers_the_page_now_says_what_to_do(console: Console) -> None:
    console.server.state = Now(NOW, 0, 2, 0.0)
    assert "No process of the mail server answers" in console.logged_in().get("/console/now").text


def test_an_unknown_period_is_an_hour(console: Console) -> None:
    page = console.logged_in().get("/console/now?span=century").text
    assert re.search(r'href="\?span=hour" aria-current="page"', page)


def test_a_last_reply_is_explained_in_the_language_of_the_page(console: Console) -> None:
    fill(console)
    browser = console.logged_in()
    english = browser.get("/console/destinations").text
    assert "<summary>There is no such mailbox</summary>" in english
    assert "mx1.example.net, mx2.example.net:25" in english
    assert "Mailboxes here" in english
    assert 'href="/tr/causes/no-such-mailbox"' in browser.get("/tr/console/destinations").text


def test_a_destination_shows_its_policy_of_tls_and_why_it_is_left_alone(console: Console) -> None:
    stopped = Stopped(
        "refused", NOW - 60, NOW + 3600, 2, "listed", "listed-by-dnsbl", f"554 {EVIL}", "mx",
        "https://postmaster.example/limits", "2026-11-01",
    )  # fmt: skip
    policy = {"tls-policy": "mta-sts-enforce", "sts-domain": "example.net", "sts-id": "7"}
    said = Said(NOW, "delivered", "delivered", "250 ok", "mx", remote=True, tls="TLSv1.3")
    one = Destination(
        "mx:mx.example.net:25", "smtp", ("example.net",), last=replace(said, policy=policy),
        until=NOW + 3600, holds=(NOW - 100, NOW + 86_400),
        terms=(Terms("192.0.2.1", 1, 3, 20, 5.0, stopped), Terms("192.0.2.2", 0, 4, 20)),
    )  # fmt: skip
    plain = Destination("mx:other.example:25", "smtp", ("other.example",), last=said)
    here = Destination("maildir", "maildir", ("example.org",), last=replace(said, remote=False))
    console.server.places = (one, plain, here)
    browser = console.logged_in()
    page = browser.get("/console/destinations").text
    assert "The policy of example.net (MTA-STS, id 7) wants a host that it names" in page
    assert "It was fetched at" in page
    assert "Nothing is sent there before" in page
    assert "It does not want mail from this address of ours now" in page
    assert "That is 2 times in a row." in page
    assert "(rule listed)" in page
    assert 'href="https://postmaster.example/limits"' in page
    assert "3 of 20" in page
    assert "12 a minute" in page
    assert page.count("No policy says anything about TLS there") == 1
    assert "<script>alert" not in page
    assert "&lt;time" not in page
    for language in ("tr", "ar"):
        assert "MTA-STS" in browser.get(f"/{language}/console/destinations").text


def test_a_list_is_tested_when_somebody_asks_for_it(console: Console) -> None:
    fill(console)
    assert "probe" not in console.logged_in("grace").get("/console/blocklists").text
    browser = console.logged_in()
    page = browser.get("/console/blocklists").text
    assert "does not work for this server" not in page
    data = {"token": token_of(page), "zone": "list.example"}
    answer = browser.post("/console/blocklists/probe", data=data)
    assert answer.status_code == 200
    assert "does not work for this server" in answer.text
    data["zone"] = "other.example"
    assert browser.post("/console/blocklists/probe", data=data).status_code == 303
    data["token"] = "forged"
    assert browser.post("/console/blocklists/probe", data=data).status_code == 403


@pytest.mark.parametrize(
    ("zone", "state"),
    [
        (Zone("z"), "silent"),
        (Zone("z", asked=100, unlisted=90, unanswered=10), "good"),
        (Zone("z", asked=100, unlisted=70, unanswered=30), "failing"),
        (Zone("z", asked=3, unlisted=1, unanswered=2), "good"),
        (Zone("z", asked=2, unanswered=2), "failing"),
        (Zone("z", asked=100, unlisted=100, resting=NOW), "resting"),
    ],
)
def test_a_list_is_judged_by_its_answers(zone: Zone, state: str) -> None:
    assert state_of(zone)[0] == state


def test_records_are_asked_for_by_the_page_itself_and_by_hand(console: Console) -> None:
    fill(console)
    browser = console.logged_in()
    page = browser.get("/console/records?domain=example.org").text
    assert 'hx-get="/console/records/check?domain=example.org"' in page
    assert "check=1" in page
    part = browser.get(
        "/console/records/check?domain=example.org", headers={"hx-request": "true"}
    ).text
    assert part.index("Where mail for the domain arrives") < part.index("Who may send mail")
    assert "<html" not in part
    assert "DNS has something else." in part
    assert browser.get("/console/records/check?domain=far.example").status_code == 303


def test_settings_are_shown_by_their_section_and_those_alone_that_were_set(
    console: Console,
) -> None:
    fill(console)
    browser = console.logged_in()
    page = browser.get("/console/settings").text
    assert '<bdi dir="ltr" class="mono">[delivery]</bdi>' in page
    assert "delivery.port" in page
    assert "Where servers listen." in page
    assert " open>" not in page
    assert "delivery.port" not in browser.get("/console/settings?only=changed").text


def test_settings_are_looked_for_by_their_name_or_what_they_are_for(console: Console) -> None:
    fill(console)
    browser = console.logged_in()
    for named, found in (("delivery port", True), ("servers listen", True), ("hostname", False)):
        page = browser.get("/console/settings", params={"named": named}).text
        assert ('id="delivery.port"' in page) is found
        assert '<details class="settings" id="' in page
        assert " open>" in page
    assert "No setting fits that." in browser.get("/console/settings?named=nonsense").text


def test_settings_of_a_list_are_one_section() -> None:
    rows = [Setting("listener[0].address", "1"), Setting("listener[1].address", "2")]
    assert [(one.name, len(one.settings)) for one in sections(rows)] == [("listener", 2)]


def test_a_report_that_is_not_there_is_no_page(console: Console) -> None:
    browser = console.logged_in()
    for number in ("7", "x", "٣", "-1", "9" * 30):
        assert browser.get(f"/console/reports/{number}").status_code == 404
    assert not console.incidents


def test_only_all_is_a_hundred_percent() -> None:
    said = [share(part, 10_000, language="en") for part in (0, 1, 5_000, 9_999, 10_000)]
    assert said == ["0%", "0.1%", "50%", "99.9%", "100%"]
    assert share(0, 0, language="en") == "–"


def test_a_destination_has_the_name_of_its_hosts() -> None:
    def name(key: str, way: str = "smtp") -> str:
        return name_of(Destination(key, way))

    assert name("mx:a.example:25") == "a.example:25"
    assert name("lmtp:/run/lmtp.sock:0", "lmtp") == "/run/lmtp.sock:0"
    assert name("odd") == "odd"
    assert name("maildir", "maildir") == ""


# -- watching -----------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.paused = 0

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.paused += 1
        self.now += seconds
        await asyncio.sleep(0)


def at(time: float, started: float = 0.0, **counted: int) -> Now:
    return Now(time, 1, 1, started, counted={k.replace("_", " "): n for k, n in counted.items()})


def test_a_rate_is_taken_over_ten_seconds_or_what_there_is() -> None:
    assert Sample(1, at(100, accepted=5)).rate("accepted") is None
    before = tuple(at(100 + 2 * n, accepted=10 * n) for n in range(10))
    assert Sample(2, at(120, accepted=200), before).rate("accepted") == 15.0
    assert Sample(2, at(102, accepted=30), before[:1]).rate("accepted") == 15.0
    by_cause = at(110, refused_a=6, refused_b=4, accepted=9)
    assert Sample(2, by_cause, (at(100),)).rate("refused") == 1.0


def test_a_worker_that_began_anew_makes_no_rate() -> None:
    assert Sample(2, at(120, 110.0, accepted=1), (at(100, accepted=500),)).rate("accepted") is None
    assert Sample(2, at(120, 110.0), (at(100, accepted=5),)).course("accepted") == (None,)


def test_fifty_viewers_cost_one_look_and_one_writing_each_two_seconds(console: Console) -> None:
    fill(console)
    clock = Clock()
    watch = Watch(clock, clock.pause)
    written = 0

    async def make() -> str:
        nonlocal written
        sample = await watch.sample(console.server)
        written += 1
        return f"sample {sample.number}"

    async def always() -> bool:
        return True

    async def view(stream: AsyncIterator[str]) -> list[str]:
        return [await anext(stream) for _ in range(1)]

    async def main() -> None:
        async def shown() -> str:
            return await watch.shown("tiles", make)

        for _ in range(5):
            streams = [watch.follow({"tiles": shown}, always) for _ in range(50)]
            seen = await asyncio.gather(*map(view, streams))
            assert len({one for events in seen for one in events}) == 1
            for stream in streams:
                await stream.aclose()  # type: ignore[attr-defined] # it is a generator
            clock.now += 2.0

    asyncio.run(main())
    assert (console.server.looks, written) == (5, 5)


def test_what_has_not_changed_is_not_sent_again() -> None:
    clock = Clock()
    watch = Watch(clock, clock.pause)
    texts, made = ("one", "one", "two"), 0
    asked = 0

    async def make() -> str:
        nonlocal made
        made += 1
        return texts[min(made, len(texts)) - 1]

    async def still() -> bool:
        nonlocal asked
        asked += 1
        return asked < 2

    async def main() -> list[str]:
        async def shown() -> str:
            return await watch.shown("k", make)

        return [one async for one in watch.follow({"tiles": shown}, still)]

    assert asyncio.run(main()) == [event("tiles", "one"), event("tiles", "two")]
    assert asked == 2  # the visit was over then


def test_a_viewer_whose_visit_is_over_sees_nothing_more() -> None:
    clock = Clock()
    watch = Watch(clock, clock.pause)

    async def make() -> str:
        return "x"

    async def never() -> bool:
        return False

    async def main() -> list[str]:
        return [one async for one in watch.follow({"tiles": make}, never)]

    assert asyncio.run(main()) == [event("tiles", "x")]
    assert clock.paused * 2.0 <= 16


def test_an_event_of_many_lines_is_one_event() -> None:
    assert event("tiles", "a\nb\r\n\nc") == "event: tiles\ndata: a\ndata: b\ndata: \ndata: c\n\n"


def test_a_trouble_ends_a_stream_and_is_told_on_a_page(console: Console) -> None:
    browser = console.logged_in()
    console.server.trouble = OperationError(Trouble.STORAGE, problem=HOSTILE)
    answer = browser.get("/console/now")
    assert answer.status_code == 503
    assert "The disk does not give what was asked for" in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_say_which_servers_tell_and_which_have_not_answered(
    console: Console, language: str
) -> None:
    fill(console)
    browser = console.logged_in()
    server = console.server
    server.member = "mx1"
    server.absent = Missing((f"mx3{HOSTILE}",), away=True)
    server.state = replace(server.state, members=("mx1", "mx2"), missing=server.absent)
    server.connected = tuple(replace(one, member="mx2") for one in server.connected)
    for page in ("now", "sessions", "destinations", "blocklists", "audit"):
        text = browser.get(f"{language}/console/{page}").text
        assert "mx3&lt;script&gt;" in text, page
        assert HOSTILE not in text
    assert "mx1, mx2" in browser.get(f"{language}/console/now").text
    assert (
        '<bdi dir="ltr" class="small">mx2</bdi>' in browser.get(f"{language}/console/sessions").text
    )
    for page in ("reports", "settings"):
        assert "mx1" in browser.get(f"{language}/console/{page}").text
    answer = browser.get(f"{language}/console/message/none-such")
    assert answer.status_code == 404
    assert "mx3" in answer.text  # it may be known there


def test_of_one_server_nothing_is_said_of_others(console: Console) -> None:
    fill(console)
    browser = console.logged_in()
    now, sessions = (browser.get(f"/console/{page}").text for page in ("now", "sessions"))
    assert "Told by" not in now
    assert ">Server<" not in sessions
