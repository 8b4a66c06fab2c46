"""The API: shapes, who may ask, what is refused and how."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from ulak.accounts.access import SCOPES, AccessToken, hashed, mint
from ulak.journal.deed import By
from ulak.journal.entry import Entry, Kind
from ulak.journal.figures import Figures, Series, Span
from ulak.journal.trace import AmbiguousError, Trace, What
from ulak.language import LANGUAGES
from ulak.queue.item import Pending, Row, Selection, State
from ulak.replies.catalog import CATALOG
from ulak.reports.aggregate import Aggregate, Note, Published
from ulak.reports.aggregate import Row as Record
from ulak.reports.observation import Sender, Signature
from ulak.reports.plain import domain_of, kind_of, totals
from ulak.reports.reading import Report
from ulak.reports.store import Kept, Parcel
from ulak.reports.store import State as ParcelState
from ulak.reports.tlsrpt import Failure, TlsPolicy, TlsReport
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.web import api
from ulak.web.api.ports import Conflict, Handed, Taken, Turned
from ulak.web.api.schemas import SCHEMAS
from ulak.web.application import application
from ulak.web.console import ports as console
from ulak.web.console.absent import Missing
from ulak.web.site import Site

NOW = 1_800_000_000.0
DMARC = Aggregate(
    "example.com", "dmarc@example.com", "r1", 1_799_900_000, 1_799_986_400,
    Published("example.org", "reject"),
    (
        Record(
            "192.0.2.1", 7, "none", "pass", "fail", "example.org", "list.example",
            notes=(Note("forwarded"),),
            signatures=(Signature("example.org", "s1", "pass"),),
            senders=(Sender("list.example", "pass"),),
        ),
    ),
)  # fmt: skip
TLS = TlsReport(
    "example.com", "tls@example.com", "r2", 1_799_900_000, 1_799_986_400,
    (
        TlsPolicy(
            "sts", "example.org", 90, 3, ("mx.example.org",),
            (Failure("certificate-expired", 3, "192.0.2.9", "mx.example.org"),),
        ),
    ),
)  # fmt: skip
ROW = Row("M1", "ada@example.org", 900, NOW - 60, Pending("<g@example.net>", "example.net"))
REPORTS: dict[int, Report] = {1: DMARC, 2: TLS}


BODIES = {
    "send": {"from": "a@b.example", "to": ["c@d.example"], "text": "x"},
    "suppress": {"address": "a@b.example"},
}


class Server:
    """Follows as much of `web.console.ports.Operation` as the API asks."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Selection, By]] = []
        self.asked: list[Selection] = []
        self.error: Exception | None = None
        self.traces: dict[str, Trace] = {}
        self.noted: list[tuple[str, By, Mapping[str, str]]] = []

    def missing(self) -> Missing:
        return Missing(("mx2",))

    def _or_error(self) -> None:
        if self.error is not None:
            raise self.error

    async def now(self) -> console.Now:
        self._or_error()
        return console.Now(NOW, 1, 1, NOW - 5, queued={State.READY: 3})

    async def figures(self, span: Span) -> Figures:
        self._or_error()
        series = (Series(Kind.REFUSED, "no-such-mailbox", (1,) * span.slots),)
        return Figures(span, span.begin(NOW), span.step, series)

    async def sessions(self, limit: int = 200) -> console.Sessions:
        self._or_error()
        one = console.Session("S1", NOW, "192.0.2.1", "127.0.0.1:25", "ready")
        return console.Sessions((one,)[:limit], 1)

    async def destinations(self, limit: int = 200) -> console.Destinations:
        self._or_error()
        said = console.Said(NOW, "deferred", "greylisted", "450 4.7.1 later")
        return console.Destinations((console.Destination("mx", "smtp", last=said),)[:limit], 1)

    async def queue(self, which: Selection, offset: int = 0, limit: int = 100) -> console.Listing:
        self._or_error()
        self.asked.append(which)
        rows = (ROW,) if which.matches(ROW) else ()
        return console.Listing(rows[offset : offset + limit], len(rows), offset)

    async def act(self, verb: str, which: Selection, by: By) -> int:
        self._or_error()
        self.done.append((verb, which, by))
        return 1

    async def story(self, identifier: str) -> Trace | None:
        self._or_error()
        if identifier == "none":
            return None
        if identifier in self.traces:
            return self.traces[identifier]
        facts = {"sender": "a@b.example", "account": "a@b.example"}
        entry = Entry(NOW, Kind.ACCEPTED, message=identifier, facts=facts)
        return Trace(What.MESSAGE, identifier, (entry,))

    async def note(self, verb: str, by: By, facts: Mapping[str, str]) -> None:
        self.noted.append((verb, by, facts))

    async def reports(self, domain: str, since: float, limit: int) -> tuple[Kept, ...]:
        self._or_error()
        kept = [
            Kept(
                number, kind_of(one), one.organization, one.report_id, domain_of(one), one.begin,
                one.end, *totals(one), NOW, "reports@example.com",
            )
            for number, one in REPORTS.items()
        ]  # fmt: skip
        wanted = (one for one in kept if one.end >= since and domain in ("", one.domain))
        return tuple(wanted)[:limit]

    async def report(self, number: int) -> Report | None:
        self._or_error()
        return REPORTS.get(number)

    async def parcels(self, limit: int) -> tuple[Parcel, ...]:
        self._or_error()
        uri, address = "mailto:dmarc@example.net", "dmarc@example.net"
        sent = Parcel("P1", "r1", "example.net", uri, address, state=ParcelState.SENT, changed=NOW)
        dropped = Parcel("P2", "r2", "example.com", uri, "", 10, ParcelState.DROPPED, why="dns")
        return (sent, dropped)[:limit]


class PostOffice:
    """Follows `web.api.ports.Post`."""

    hostname = "mx.example.org"

    def __init__(self) -> None:
        self.clock = lambda: NOW
        self.handed: list[Handed] = []
        self.answer: Taken | Turned | Conflict | Exception | None = None

    async def send(self, handed: Handed) -> Taken | Turned | Conflict:
        self.handed.append(handed)
        if isinstance(self.answer, Exception):
            raise self.answer
        states = tuple({"recipient": one, "state": "accepted"} for one in handed.recipients)
        return self.answer or Taken("M1", "<1@mx.example.org>", states)


class Tokens:
    def __init__(self) -> None:
        self.known: dict[str, AccessToken] = {}

    def make(self, *scopes: str, until: float = 0.0) -> str:
        token = mint(bytes([len(self.known)]) * 24)
        name = f"token {len(self.known)}"
        self.known[hashed(token)] = AccessToken(
            name, hashed(token), scopes, NOW, until, account="a@b.example"
        )
        return token

    async def find(self, token: str) -> AccessToken | None:
        return self.known.get(hashed(token))


class World:
    def __init__(self) -> None:
        self.server = Server()
        self.post_office = PostOffice()
        self.suppressions = SqliteSuppressions(Path(tempfile.mkdtemp()) / "suppressions.db")
        self.tokens = Tokens()
        self.wait = 0.0
        self.incidents: list[BaseException] = []
        ports = api.Ports(
            lambda: NOW,
            self.count,
            self.tokens,
            self.server,  # type: ignore[arg-type] # as much of it as is asked
            self.post_office,
            self.suppressions,
        )
        self.operations = api.operations(ports)
        self.app = application(Site(), [api.piece(ports, self.incident)], self.incident)
        self.client = TestClient(self.app)

    def count(self, _request: Request, _weight: float) -> None:
        if self.wait:
            raise HTTPException(429, headers={"retry-after": "3"})

    def incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "INC1"

    def get(self, path: str, token: str = "", **how: Any) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self.client.get(f"/api/v1{path}", headers=headers, **how)

    def post(self, path: str, token: str = "", **how: Any) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= how.pop("headers", {})
        return self.client.post(f"/api/v1{path}", headers=headers, **how)


@pytest.fixture
def world() -> World:
    return World()


def fits(name: str, told: object) -> None:
    """Hold an answer against its schema."""
    schema = {
        "$ref": f"#/components/schemas/{name}",
        "components": {"schemas": {k: dict(v) for k, v in SCHEMAS.items()}},
    }
    jsonschema_rs.validate(schema, told)


def test_the_reference_has_the_shape_that_is_described(world: World) -> None:
    for language in LANGUAGES:
        answer = world.get(f"/codes?lang={language}")
        fits("Reference", answer.json())
        assert answer.headers["content-language"] == language
    assert len(world.get("/codes").json()["causes"]) == len(CATALOG)


def test_one_code_and_one_cause(world: World) -> None:
    assert world.get("/codes/252").json()["code"] == 252
    assert world.get("/codes/5.7.1").status_code == 200
    assert world.get("/causes/no-such-mailbox").json() == world.get("/codes/no-such-mailbox").json()
    for path in ("/codes/999", "/codes/nothing", "/causes/252", "/causes/nothing"):
        answer = world.get(path)
        assert answer.status_code == 404, path
        fits("Problem", answer.json())
        assert answer.headers["content-type"] == "application/problem+json"


def test_two_of_them_in_either_order(world: World) -> None:
    assert world.get("/compare/554/252").json() == world.get("/compare/252/554").json()
    assert world.get("/compare/252/nothing").status_code == 404


def test_a_reply_is_explained(world: World) -> None:
    answer = world.get("/explain", params={"reply": "550 5.1.1 No such user", "lang": "tr"})
    told = answer.json()
    fits("Explanation", told)
    assert told["cause"] == "no-such-mailbox"
    assert "kutusu" in told["title"]


BOUNCE = (
    b"From: MAILER-DAEMON@example.net\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\n\r\nNot delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; g@example.net\r\n"
    b"Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
    b"--b--\r\n"
)


def test_bodies_of_three_kinds_are_explained(world: World) -> None:
    kinds: list[tuple[str, bytes]] = [
        ("text/plain; charset=utf-8", b"550 5.1.1 No such user\n"),
        ("application/json", json.dumps({"replies": ["550 5.1.1 No such user"]}).encode()),
        ("application/json", json.dumps({"reply": "550 5.1.1 No such user"}).encode()),
        ("message/rfc822", BOUNCE),
    ]
    for kind, body in kinds:
        answer = world.post("/explain", content=body, headers={"content-type": kind})
        assert answer.status_code == 200, (kind, answer.text)
        fits("Explanations", answer.json())
        (told,) = answer.json()["explanations"]
        assert told["cause"] == "no-such-mailbox", kind


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"[]", 400),
        ("application/json", b"{", 400),
        ("application/json", b'{"reply": 5}', 400),
        ("application/json", b'{"replies": []}', 400),
        ("application/json", b'{"replies": [""]}', 400),
        ("application/json", b"[" * 60_000, 400),
        ("application/json", b'{"replies": ' + b'["x"' + b',"x"' * 100 + b"]}", 400),
        ("text/plain", b"", 400),
        ("text/plain", b"x" * 100_001, 400),
        ("message/rfc822", b"From: a@b.example\r\n\r\nHello\r\n", 422),
        ("text/html", b"x", 415),
        ("", b"x", 415),
        ("text/plain", b"x" * 2_000_001, 413),
    ],
)
def test_a_body_that_does_not_fit_is_a_problem(
    world: World, kind: str, body: bytes, status: int
) -> None:
    answer = world.post("/explain", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    fits("Problem", answer.json())
    assert answer.headers["content-type"] == "application/problem+json"
    assert not world.incidents


@pytest.mark.parametrize(
    "query",
    [
        "",
        "reply=",
        "reply=a&reply=b",
        "reply=" + "x" * 8001,
        "reply=550&lang=xx",
        "reply=550&lang=",
    ],
)
def test_a_parameter_that_does_not_fit_is_a_problem(world: World, query: str) -> None:
    answer = world.get(f"/explain?{query}")
    assert answer.status_code == 400
    fits("Problem", answer.json())


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=-1", "limit=1_0", "limit=٣", "limit=1.0", "limit=+1"]
)
def test_numbers_are_ascii_digits_in_their_bounds(world: World, query: str) -> None:
    token = world.tokens.make("queue:read")
    assert world.get(f"/queue?{query}", token).status_code == 400
    for time in ("1e300", ".5", "5.", "nan", "inf", "1" * 31, "0x1", "1_0", "٣"):
        assert world.get(f"/queue?before={time}", token).status_code == 400, time
    assert world.get("/queue?before=1.5", token).status_code == 200


def test_what_is_public_may_be_read_by_any_page_and_nothing_else(world: World) -> None:
    token = world.tokens.make(*SCOPES)
    assert world.get("/codes/252").headers["access-control-allow-origin"] == "*"
    assert world.get("/codes/nothing").headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in world.get("/codes/252").headers
    for path in ("/now", "/queue", "/stories/M1"):
        answer = world.get(path, token)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        asked = world.client.options(f"/api/v1{path}", headers={"origin": "https://x.example"})
        assert "access-control-allow-origin" not in asked.headers
    asked = world.client.options("/api/v1/explain", headers={"origin": "https://x.example"})
    assert asked.status_code == 204
    assert "authorization" not in asked.headers["access-control-allow-headers"]


def test_every_operation_with_a_scope_wants_a_token_that_has_it(world: World) -> None:
    guarded = [one for one in world.operations if one.scope]
    assert guarded
    for one in guarded:
        path = one.path.replace("{id}", "M1").replace("{verb}", "hold").replace("{number}", "1")
        path += "?address=a@b.example" if one.method == "DELETE" else ""
        how: dict[str, Any] = {"json": BODIES.get(one.name, {"everything": True})}
        how = how if one.method == "POST" else {}

        def ask(path: str, token: str, method: str = one.method, **how: Any) -> Any:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            return world.client.request(method, f"/api/v1{path}", headers=headers, **how)

        for token in ("", "ulak_nonsense", world.tokens.make(one.scope, until=NOW)):
            answer = ask(path, token, **how)
            assert answer.status_code == 401, (one.name, token)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        others = [
            s for s in SCOPES if s != one.scope and s.split(":")[0] != one.scope.split(":")[0]
        ]
        answer = ask(path, world.tokens.make(*others), **how)
        assert answer.status_code == 403, one.name
        assert one.scope in answer.headers["www-authenticate"]
        answer = ask(path, world.tokens.make(one.scope, until=NOW + 1), **how)
        assert answer.status_code == one.status, answer.text
        fits(one.answer, answer.json())
    assert world.get("/queue", world.tokens.make("queue:write")).status_code == 200
    answer = world.post("/queue/drop", world.tokens.make("queue:read"), json={"everything": True})
    assert answer.status_code == 403


def test_a_token_counts_in_its_header_alone(world: World) -> None:
    token = world.tokens.make(*SCOPES)
    assert world.get(f"/now?access_token={token}").status_code == 401
    for given in (token, f"Basic {token}", f"Bearer {token} x", f"Bearer {token},", "Bearer "):
        answer = world.client.get("/api/v1/now", headers={"authorization": given})
        assert answer.status_code == 401, given
    answer = world.client.get("/api/v1/now", headers={"authorization": f"bearer {token}"})
    assert answer.status_code == 200


def test_a_verb_is_done_and_it_is_noted_who_did_it(world: World) -> None:
    token = world.tokens.make("queue:write")
    answer = world.post("/queue/hold", token, json={"domain": "example.net", "state": "ready"})
    assert answer.json() == {"verb": "hold", "count": 1}
    ((verb, which, by),) = world.server.done
    assert verb == "hold"
    assert which == Selection(domains=("example.net",), state=State.READY)
    assert (by.who, by.via, by.ip) == ("token 0", "api", "testclient")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ids": []},
        {"everything": False},
        {"everything": 1},
        {"domain": ""},
        {"domain": "example.net", "ids": []},
        {"before": None},
        {"ids": "M1"},
        {"ids": [1]},
        {"domain": 5},
        {"state": "gone"},
        {"before": "yesterday"},
        {"before": True},
        {"before": 1e300},
        {"everything": "yes"},
        {"all": True},
        {"ids": ["x"] * 1001},
    ],
)
def test_a_selection_that_says_nothing_does_nothing(world: World, given: dict[str, Any]) -> None:
    answer = world.post("/queue/drop", world.tokens.make("queue:write"), json=given)
    assert answer.status_code == 400
    assert not world.server.done


def test_no_verb_but_the_five(world: World) -> None:
    token = world.tokens.make("queue:write")
    assert world.post("/queue/erase", token, json={"everything": True}).status_code == 400
    assert world.get("/queue/drop", token).status_code == 405
    assert not world.server.done


def test_the_reports_of_others_are_listed_and_shown(world: World) -> None:
    token = world.tokens.make("reports:read")
    told = world.get("/reports", token).json()
    fits("Reports", told)
    assert [one["kind"] for one in told["reports"]] == ["dmarc", "tls"]
    assert (told["reports"][1]["messages"], told["reports"][1]["passed"]) == (93, 90)
    for query, count in (
        ("domain=EXAMPLE.org", 2),
        ("domain=example.net", 0),
        ("limit=1", 1),
        (f"since={NOW}", 0),
        (f"since={DMARC.end}", 2),
    ):
        assert len(world.get(f"/reports?{query}", token).json()["reports"]) == count, query
    first, second = (world.get(f"/reports/{number}", token).json() for number in (1, 2))
    fits("DmarcReport", first)
    fits("TlsReport", second)
    assert first["rows"][0]["signatures"][0]["selector"] == "s1"
    assert second["policies"][0]["failures"][0]["kind"] == "certificate-expired"
    assert world.get("/reports/3", token).status_code == 404
    for number in ("0", "01", "x", "-1", "1.0", str(2**53)):
        assert world.get(f"/reports/{number}", token).status_code == 400, number


def test_what_became_of_own_reports_and_who_sends_in_our_name_is_told(world: World) -> None:
    token = world.tokens.make("reports:read")
    told = world.get("/reports/sent", token).json()
    fits("Parcels", told)
    assert [(one["state"], one["why"]) for one in told["parcels"]] == [
        ("sent", ""),
        ("dropped", "dns"),
    ]
    assert len(world.get("/reports/sent?limit=1", token).json()["parcels"]) == 1
    told = world.get("/reports/sources?domain=Example.ORG", token).json()
    fits("Sources", told)
    assert told["reports"] == 1
    assert sum(one["messages"] for one in told["sources"]) == sum(r.count for r in DMARC.rows)
    assert told["sources"][0]["ip"] == DMARC.rows[0].ip
    assert world.get("/reports/sources?domain=example.net", token).json()["sources"] == []
    for path in ("/reports/sent", "/reports/sources"):
        assert world.get(path, world.tokens.make("journal:read")).status_code == 403
        world.server.error = console.OperationError("not-running")
        assert world.get(path, token).status_code == 503
        world.server.error = None


def test_who_may_read_stories_may_not_read_reports_for_that(world: World) -> None:
    assert world.get("/reports", world.tokens.make("journal:read")).status_code == 403
    assert world.get("/stories/M1", world.tokens.make("reports:read")).status_code == 403


def test_a_server_that_does_not_answer_is_a_503(world: World) -> None:
    token = world.tokens.make(*SCOPES)
    world.server.error = console.OperationError("not-running")
    answer = world.get("/now", token)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    world.server.error = AmbiguousError("M1", ("M11", "M12"))
    assert world.get("/stories/M1", token).status_code == 404
    world.server.error = None
    assert world.get("/stories/none", token).status_code == 404


@pytest.mark.parametrize("path", ["/figures", "/sessions", "/destinations", "/stories/M1"])
def test_it_is_said_which_servers_that_share_the_queue_are_missing(world: World, path: str) -> None:
    told = world.get(path, world.tokens.make(*SCOPES)).json()
    assert told["missing"] == {"silent": ["mx2"], "away": False}


def test_an_error_inside_is_an_incident(world: World) -> None:
    world.server.error = RuntimeError("secret of the house")
    answer = world.get("/now", world.tokens.make(*SCOPES))
    assert answer.status_code == 500
    assert "INC1" in answer.json()["detail"]
    assert "secret" not in answer.text
    assert len(world.incidents) == 1


def test_who_asks_too_much_is_told_how_long_to_wait(world: World) -> None:
    world.wait = 2.5
    answer = world.get("/codes/252?lang=tr")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3"
    assert "3 saniye" in answer.json()["detail"]


def test_what_there_is_not_is_a_problem_in_json(world: World) -> None:
    for path in ("", "/", "/nothing", "/codes/", "/codesx"):
        answer = world.get(path)
        assert answer.status_code == 404, path
        fits("Problem", answer.json())
    assert world.client.delete("/api/v1/codes").headers["allow"] == "GET"
    assert world.client.head("/api/v1/codes/252").content == b""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_every_operation(world: World, language: str) -> None:
    prefix = "" if language == "en" else f"/{language}"
    text = world.client.get(f"{prefix}/api").text
    for one in world.operations:
        assert f"{one.method} /api/v1{one.path}" in text
    for scope in SCOPES:
        assert scope in text


def test_a_token_is_as_long_as_it_has_to_be() -> None:
    assert mint(b"x" * 24).startswith("ulak_")
    with pytest.raises(ValueError, match="24"):
        mint(b"x" * 23)


def _names(operations: Sequence[api.Operation]) -> list[str]:
    return [one.name for one in operations]


def test_every_operation_has_a_name_of_its_own(world: World) -> None:
    names = _names(world.operations)
    assert len(names) == len(set(names))
    assert {one.scope for one in world.operations} - {""} <= set(SCOPES)
