"""The frame of the site: languages, headers, what is let through, and what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ulak.language import LANGUAGES
from ulak.web.application import Piece, application
from ulak.web.asset import FOLDER, assets, lean
from ulak.web.full import BODIES, CHECKS, FullError
from ulak.web.page import language_of, path_of, render
from ulak.web.site import Site
from ulak.web.words import say


async def _page(request: Request) -> Response:
    return render(request, "home.html", title="<Title> & co", description='A "page"')


async def _echo(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{language_of(request)} {path_of(request)} {len(body)}")


async def _broken(_: Request) -> Response:
    message = "secret of the house"
    raise RuntimeError(message)


async def _busy(_: Request) -> Response:
    raise HTTPException(429, headers={"retry-after": "60"})


PIECE = Piece(
    "trial",
    pages=[
        Route("/page", _page),
        Route("/echo/{rest:path}", _echo, methods=["GET", "POST"]),
        Route("/broken", _broken),
        Route("/busy", _busy),
    ],
    bare=[Route("/bare", _echo)],
    bodies={"/echo/large": 200_000},
)


@pytest.fixture
def client() -> Iterator[TestClient]:
    seen: list[BaseException] = []

    def incident(error: BaseException) -> str:
        seen.append(error)
        return "INC1"

    site = Site("mx.example.org", "https://mx.example.org", frozenset({"testserver", "[::1]"}))
    with TestClient(application(site, [PIECE], incident), raise_server_exceptions=False) as made:
        yield made


def test_a_page_is_there_in_every_language(client: TestClient) -> None:
    for language in LANGUAGES:
        prefix = "" if language == "en" else f"/{language}"
        answer = client.get(f"{prefix}/page")
        assert answer.status_code == 200
        assert f'<html lang="{language}"' in answer.text
        assert answer.headers["content-language"] == language
        assert f'<link rel="canonical" href="https://mx.example.org{prefix}/page">' in answer.text
        for other in LANGUAGES:
            there = "" if other == "en" else f"/{other}"
            link = f'hreflang="{other}" href="https://mx.example.org{there}/page"'
            assert link in answer.text
    assert 'dir="rtl"' in client.get("/ar/page").text


def test_what_is_put_into_a_page_is_escaped(client: TestClient) -> None:
    text = client.get("/page").text
    assert "<title>&lt;Title&gt; &amp; co – Ulak</title>" in text
    assert 'content="A &#34;page&#34;"' in text


def test_english_has_no_language_in_its_address(client: TestClient) -> None:
    for path, target in (("/en/page", "/page"), ("/en", "/"), ("/en/", "/"), ("/tr", "/tr/")):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (308, target), path
    assert client.get("/enough", follow_redirects=False).status_code == 404
    assert client.get("/en//evil.example", follow_redirects=False).status_code == 404


def test_what_has_no_language_is_at_one_address(client: TestClient) -> None:
    assert client.get("/bare").text == "en /bare 0"
    assert client.get("/tr/bare").status_code == 404


@pytest.mark.parametrize("path", ["/page", "/nowhere", "/broken", "/bare", "/static/x.css"])
def test_every_answer_carries_the_policy(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in headers


def test_over_tls_it_is_asked_for_again(client: TestClient) -> None:
    headers = client.get("https://testserver/page").headers
    assert "max-age" in headers["strict-transport-security"]


@pytest.mark.parametrize(
    "host", ["evil.example", "", "testserver.evil.example", "testserver:x", "ı"]
)
def test_a_name_that_is_not_ours_is_not_answered_for(client: TestClient, host: str) -> None:
    answer = client.get("/page", headers={b"host": host.encode()})
    assert answer.status_code == 421
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["testserver", "TestServer:8025", "[::1]", "[::1]:8025"])
def test_a_name_that_is_ours_is(client: TestClient, host: str) -> None:
    assert client.get("/page", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/echo/a%00b",
        "/echo/a%0d%0ab",
        "/echo//a",
        "/echo/%2e%2e/page",
        "/echo/a%5cb",
    ],
)
def test_odd_paths_lead_nowhere(client: TestClient, path: str) -> None:
    request = client.build_request("GET", "/x")
    request.url = request.url.copy_with(raw_path=path.encode())
    assert client.send(request).status_code == 404


def test_a_form_of_another_site_changes_nothing(client: TestClient) -> None:
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ):
        assert client.post("/echo/x", headers=headers).status_code == 403, headers
    for headers in (
        {"sec-fetch-site": "same-origin"},
        {"origin": "http://testserver"},
        {},
    ):
        assert client.post("/echo/x", headers=headers).status_code == 200, headers


def test_a_body_is_bounded_before_it_is_read(client: TestClient) -> None:
    assert client.post("/echo/x", content=b"x" * 65_536).status_code == 200
    assert client.post("/echo/x", content=b"x" * 65_537).status_code == 413
    assert client.post("/tr/echo/large", content=b"x" * 200_000).status_code == 200
    assert client.post("/echo/large", content=b"x" * 200_001).status_code == 413
    assert client.post("/echo/x", content=(b"x" * 30_000 for _ in range(3))).status_code == 413
    for length in ("-1", "٣", "1e3", "9" * 30):
        answer = client.post("/echo/x", headers={b"content-length": length.encode()})
        assert answer.status_code in (400, 413), length


def test_an_error_inside_is_an_incident_and_says_nothing_of_itself(client: TestClient) -> None:
    answer = client.get("/tr/broken")
    assert answer.status_code == 500
    assert "INC1" in answer.text
    assert 'lang="tr"' in answer.text
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text


def test_a_failure_is_a_page_in_the_language_of_the_address(client: TestClient) -> None:
    answer = client.get("/tr/nowhere")
    assert answer.status_code == 404
    assert "Böyle bir sayfa yok" in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "hreflang" not in answer.text
    assert client.get("/ar/busy").headers["retry-after"] == "60"
    assert client.delete("/page").status_code == 405


def test_a_file_is_kept_for_ever_under_a_name_that_changes_with_it(client: TestClient) -> None:
    for asset in assets().values():
        answer = client.get(asset.path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.content == asset.data
        assert re.fullmatch(r"/static/[\w.-]+\.[0-9a-f]{12}\.\w+", asset.path)
    assert client.get("/static/../application.py").status_code == 404


def test_no_page_asks_another_host_for_anything(client: TestClient) -> None:
    text = client.get("/page").text
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert address.startswith(("/", "#", "https://mx.example.org/")), address
    css = assets()["ulak.css"].data.decode()
    assert "url(" not in css
    assert "@import" not in css
    assert " style=" not in text
    assert "<style" not in text


def test_styles_are_sent_without_what_is_for_their_readers() -> None:
    written = b"""/* Why; and "how" */
.a > .b, .c :hover { color: red; content: " > ; " attr(x) }
@media (max-width: 3rem) and print {
  .d + .e { inset: 0 auto; }
}
"""
    assert lean(written) == (
        b'.a>.b,.c :hover{color:red;content:" > ; " attr(x)}'
        b"@media (max-width:3rem) and print{.d + .e{inset:0 auto}}"
    )
    for name, asset in assets().items():
        if name.endswith(".css"):
            rules = (FOLDER / name).read_bytes()
            assert asset.data.count(b"{") == rules.count(b"{")
            assert len(asset.data) < len(rules)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_all_given_out_is_named(language: str) -> None:
    async def busy(request: Request) -> Response:
        raise FullError(request.path_params["of"], 7)

    app = application(Site(), [Piece("busy", pages=[Route("/busy/{of}", busy)])], lambda _: "")
    client = TestClient(app)
    prefix = "" if language == "en" else f"/{language}"
    seen = set()
    for of in (CHECKS, BODIES):
        answer = client.get(f"{prefix}/busy/{of}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        title = say(language, f"frame.failure.503-{of}.title")
        assert f"<h1>{title}</h1>" in answer.text
        seen.add(title)
    assert len(seen) == 2
