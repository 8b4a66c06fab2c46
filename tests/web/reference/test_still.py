"""The static site: every page is a file, and every link leads to one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.reference.reader import BASE, Reader

from ulak.web.addresses import localized
from ulak.web.reference import Written, export, keys, sitemap
from ulak.web.site import Site

pytestmark = pytest.mark.slow
LANGUAGES = ("en", "ar")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Written]]:
    folder = tmp_path_factory.mktemp("site") / "new"
    site = Site("mx.example.org", f"{BASE}/mail", languages=LANGUAGES)
    told: list[tuple[int, int]] = []
    yield folder, export(folder, site, lambda done, every: told.append((done, every)))
    assert told[-1][0] == told[-1][1] == len(told)


def _pages(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.html") if file.name != "404.html")


def test_every_page_is_a_file_where_its_address_is(made: tuple[Path, Written]) -> None:
    folder, written = made
    for path in (*sitemap.paths(), "/search"):
        for language in LANGUAGES:
            assert (folder / localized(path, language).strip("/") / "index.html").is_file(), path
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert written.pages == (len(sitemap.paths()) + 1) * len(LANGUAGES)
    assert (written.files, written.sitemap) == (len(files), True)
    assert written.octets == sum(file.stat().st_size for file in files)


def test_every_link_leads_to_a_file_wherever_the_folder_lies(made: tuple[Path, Written]) -> None:
    folder, _ = made
    for file in _pages(folder)[::23]:
        text = file.read_text("utf-8")
        read = Reader(text)
        assert not [fault for fault in read.faults if "begin" not in fault], file
        assert "hx-" not in text
        for link in read.links:
            if link.startswith(("https://", "#")):
                continue
            assert not link.startswith("/"), (file, link)
            target = (file.parent / re.split("[?#]", link)[0]).resolve()
            assert target.is_relative_to(folder.resolve()), (file, link)
            assert target.is_file() or (target / "index.html").is_file(), (file, link)
            assert target.is_file() or link.endswith("/"), (file, link)


def test_a_page_names_the_address_at_which_it_lies(made: tuple[Path, Written]) -> None:
    folder, _ = made
    text = (folder / "ar/codes/252/index.html").read_text("utf-8")
    assert f'<link rel="canonical" href="{BASE}/mail/ar/codes/252/">' in text
    assert f'hreflang="en" href="{BASE}/mail/codes/252/"' in text
    assert f'"url":"{BASE}/mail/ar/codes/252/"' in text
    assert 'http-equiv="content-security-policy"' in text
    first = (folder / "sitemap/1.xml").read_text("utf-8")
    assert f"<loc>{BASE}/mail/ar/codes/252/</loc>" in first
    assert re.search(rf"{BASE}/mail/[^\s\"<]*[^/\s\"<](?=[\"<])", first) is None


def test_the_page_for_what_is_not_there_works_at_any_address(made: tuple[Path, Written]) -> None:
    folder, _ = made
    for name in ("404.html", "ar/404.html"):
        links = Reader((folder / name).read_text("utf-8")).links
        assert all(link.startswith(("/mail/", "#")) for link in links), links


def test_other_addresses_lead_on(made: tuple[Path, Written]) -> None:
    folder, _ = made
    for path, target in (
        ("codes/X.7.1", "codes/5.7.1"),
        ("codes/5.7.617", "codes/5.7.606"),
        ("ar/compare/554-vs-252", "ar/compare/252-vs-554"),
    ):
        file = folder / path / "index.html"
        way = re.search('content="0; url=([^"]+)"', file.read_text("utf-8"))
        assert way is not None
        assert (file.parent / way[1]).resolve() == (folder / target).resolve()


def test_what_the_script_searches_in_has_every_page(made: tuple[Path, Written]) -> None:
    folder, _ = made
    listing = json.loads((folder / "ar/search/index.json").read_text("utf-8"))
    named = [key for page in listing["pages"] for key in page["keys"]]
    assert sorted(named) == sorted(keys.every())
    assert {f"{a}-vs-{b}" for a, b in keys.written_pairs() if "." in a} <= set(listing["pairs"])
    assert all(page["title"] and page["words"] for page in listing["pages"])


def test_without_an_address_there_is_no_sitemap(tmp_path: Path) -> None:
    written = export(tmp_path, Site("mx.example.org", languages=("en",)))
    assert not written.sitemap
    assert not (tmp_path / "sitemap.xml").exists()
    assert "canonical" not in (tmp_path / "codes/252/index.html").read_text("utf-8")
