"""Pages are kept within bounds."""

from __future__ import annotations

from ulak.web.reference.kept import Page, Shelf


def _page(octets: int) -> Page:
    return Page(b"x" * octets, b"", (), (), ())


def test_the_page_that_nobody_asked_for_the_longest_makes_way() -> None:
    shelf = Shelf(300)
    for name in "abc":
        shelf.put(name, _page(100))
    assert shelf.get("a") is not None
    shelf.put("d", _page(100))
    assert shelf.get("b") is None
    assert shelf.get("a") is not None
    assert (len(shelf), shelf.octets) == (3, 300)
    shelf.put("a", _page(50))
    assert (len(shelf), shelf.octets) == (3, 250)
    shelf.put("large", _page(1000))
    assert (len(shelf), shelf.octets) == (1, 1000)
    shelf.put("e", _page(1))
    assert (len(shelf), shelf.octets) == (1, 1)
