"""Every page in every language: there, well-formed, small, and with a title of its own."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient
from tests.web.reference.reader import Reader, visitor

from ulak.language import LANGUAGES
from ulak.web.addresses import localized
from ulak.web.asset import assets
from ulak.web.reference import keys, pairs

_LARGEST = 40_000  # octets of a page and its styles, for a client that takes no gzip
_LARGEST_PACKED = 15_000  # the same for a browser, which takes it; the chooser is not packed
_LISTS = ("/", "/codes", "/causes", "/compare")


def read(client: TestClient, path: str) -> tuple[Reader, int, int]:
    """Give a page, its octets, and its octets as they are sent to a browser."""
    answer = client.get(path, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200, path
    assert answer.headers["content-encoding"] == "gzip", path
    return Reader(answer.text), len(answer.content), int(answer.headers["content-length"])


def sent(client: TestClient, path: str, coding: str = "gzip") -> int:
    """Give how many octets of a body go over the wire."""
    return int(client.get(path, headers={"accept-encoding": coding}).headers["content-length"])


def styles(client: TestClient) -> tuple[int, int]:
    """Give the octets of the style sheet as it is, and packed."""
    place = assets()["ulak.css"].path
    return sent(client, place, "identity"), sent(client, place)


def some() -> list[str]:
    both = [keys.pair_place(*pair) for pair in keys.written_pairs()]
    return [*_LISTS, *(keys.place(key) for key in keys.every()[::11]), *both[::4]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_as_they_should_be(language: str) -> None:
    _hold(language, some())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_as_it_should_be(language: str) -> None:
    both = [keys.pair_place(*pair) for pair in sorted(pairs.listed())[::5]]
    _hold(language, [*_LISTS, *(keys.place(key) for key in keys.every()), *both])


def _hold(language: str, paths: list[str]) -> None:
    client = visitor(everything=True)
    plain, packed = styles(client)
    titles: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    to_see: set[str] = set()
    wrong: list[str] = []
    for path in paths:
        here = localized(path, language)
        page, octets, small = read(client, here)
        if octets + plain >= _LARGEST:
            wrong.append(f"{here}: {octets} octets, and {plain} of styles")
        if small + packed >= _LARGEST_PACKED:
            wrong.append(f"{here}: packed {small} octets, and {packed} of styles")
        wrong += [f"{here}: {fault}" for fault in page.faults]
        for text, known, most in ((page.title, titles, 110), (page.description, descriptions, 320)):
            if not 10 < len(text) <= most:
                wrong.append(f"{here}: {len(text)} characters: {text}")
            if text in known:
                wrong.append(f"{here}: the same as {known[text]}: {text}")
            known[text] = here
        for text in page.data:
            json.loads(text)
        to_see.update(page.links)
    assert not wrong
    within = {
        link.partition("#")[0].partition("?")[0].removeprefix("https://mx.example.org")
        for link in to_see
    }
    # These are looked at: by us, or by who looks at the same pages in another language.
    seen = {localized(path, each) for path in paths for each in LANGUAGES}
    for path in sorted(within - seen - {""}):
        if not path.startswith("/"):
            assert path.startswith("https://"), path
            continue
        status = client.get(path).status_code
        assert status == 200, (status, path)  # and nothing that is linked leads elsewhere first
