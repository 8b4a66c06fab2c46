"""The sitemap names every page that is to be found, and nothing that is not there."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from tests.web.reference.reader import BASE, Reader, visitor

from ulak.language import LANGUAGES
from ulak.web.addresses import localized
from ulak.web.reference import keys, pairs

_SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_LINK = "{http://www.w3.org/1999/xhtml}link"


def _told() -> dict[str, dict[str, str]]:
    """Give every address that is told of, each with its alternates."""
    client = visitor()
    index = ET.fromstring(client.get("/sitemap.xml").text)
    found: dict[str, dict[str, str]] = {}
    for loc in index.iter(f"{_SPACE}loc"):
        answer = client.get((loc.text or "").removeprefix(BASE))
        assert answer.headers["content-type"].startswith("application/xml")
        assert len(answer.content) < 1_000_000
        for url in ET.fromstring(answer.text).iter(f"{_SPACE}url"):
            address = url.findtext(f"{_SPACE}loc") or ""
            assert address not in found
            found[address] = {
                link.attrib["hreflang"]: link.attrib["href"] for link in url.iter(_LINK)
            }
    return found


def test_every_page_is_told_of_in_every_language_with_its_alternates() -> None:
    told = _told()
    paths = ["/", "/codes", "/causes", "/compare", *map(keys.place, keys.every())]
    paths += [keys.pair_place(*pair) for pair in pairs.listed()]
    for path in paths:
        there = {one: BASE + localized(path, one) for one in LANGUAGES}
        for address in there.values():
            assert told[address] == {**there, "x-default": there["en"]}
    assert len(told) == len(paths) * len(LANGUAGES)


def test_what_is_told_of_is_there_and_may_be_kept_in_an_index() -> None:
    client = visitor()
    for address in sorted(_told())[::67]:
        answer = client.get(address.removeprefix(BASE))
        assert answer.status_code == 200, address
        assert "noindex" not in answer.text
        assert f'<link rel="canonical" href="{address}">' in answer.text


def test_where_a_page_leads_is_told_of_too() -> None:
    client, told = visitor(), _told()
    for path in ("/", "/tr/", "/ar/codes", "/causes", "/compare"):
        for link in Reader(client.get(path).text).links:
            if link.startswith("/") and not link.startswith("/static/") and "/search" not in link:
                assert BASE + link in told, link


def test_robots_are_told_where_the_sitemap_is_and_where_not_to_search() -> None:
    text = visitor().get("/robots.txt").text
    assert f"Sitemap: {BASE}/sitemap.xml" in text
    assert "Disallow: /tr/search\n" in text
    without = visitor("")
    assert "Sitemap" not in without.get("/robots.txt").text
    assert without.get("/sitemap.xml").status_code == 404


def test_there_are_no_other_files_of_the_sitemap() -> None:
    client = visitor()
    for path in ("/sitemap/0.xml", "/sitemap/99.xml", "/sitemap/x", "/tr/sitemap.xml"):
        assert client.get(path).status_code == 404, path
