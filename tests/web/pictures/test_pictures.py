"""Pictures are whole, small and harmless, whoever wrote what stands in them, in every language."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ulak.checks.spf.survey import Branch
from ulak.language import LANGUAGES, direction
from ulak.web import pictures
from ulak.web.pictures import spf, story
from ulak.web.pictures.measure import WIDTH, width, wrapped
from ulak.web.pictures.spf import Tree
from ulak.web.pictures.svg import Picture
from ulak.web.pictures.way import Event, Line, Way

SVG = "{http://www.w3.org/2000/svg}"
KNOWN = {
    "svg", "title", "desc", "g", "text", "rect", "circle", "line", "path", "defs", "pattern",
}  # fmt: skip
STYLES = (Path(pictures.__file__).parents[1] / "static" / "pictures.css").read_text("utf-8")
MOST_OCTETS = 60_000

hostile = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        [
            "</text><script>alert(1)</script>",
            '" onload="alert(1)',
            "]]><!--<![CDATA[&#x0;&lt;",
            "\u202e\u2066\u2067gnirts a\u2069",
            "\ud800\x00\x1b[31m\ufffe",
            "z" + "\u0301" * 900,
            "x" * 5_000,
            "漢" * 400,
            "\u2028\u2029\x85\x0b",
        ]
    ),
)
numbers = st.none() | st.floats() | st.integers(-(10**18), 10**18)
languages = st.sampled_from(LANGUAGES)


def held(picture: Picture, language: str = "en") -> ET.Element:
    """Hold a picture against what is true of all of them; give its root."""
    assert len(picture.encode()) < MOST_OCTETS
    root = ET.fromstring(picture)
    assert root.attrib["role"] == "img"
    assert root.attrib["lang"] == language
    assert root[0].tag == f"{SVG}title"
    assert root[0].text
    assert all(element.text for element in root.iter(f"{SVG}desc"))
    for element in root.iter():
        name = element.tag.removeprefix(SVG)
        assert name in KNOWN
        assert not any(key == "style" or key.startswith("on") for key in element.attrib)
        assert "href" not in "".join(element.attrib)
        for kind in element.attrib.get("class", "").split() if element is not root else ():
            assert re.search(rf"\.{kind}(?![\w-])", STYLES), kind
        if name in {"text", "title", "desc"}:
            assert len(element.text or "") <= 4000
        elif name != "svg":
            assert not (element.text or "").strip()
    assert not re.search("[\u202a-\u202e\u2067\u2068]", picture)
    return root


def shown(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def tree(*branches: Branch) -> Tree:
    return Tree("example.org", branches, len(branches), sum(b.void for b in branches), "-all")


def test_every_text_of_the_room_is_asked_for_by_somebody() -> None:
    folder = Path(pictures.__file__).parent
    code = "".join(file.read_text("utf-8") for file in folder.glob("*.py"))
    texts = (folder.parent / "texts" / "en" / "pictures.toml").read_text("utf-8")
    for table in re.findall(r"^\[(\w+)\]", texts, re.MULTILINE):
        assert f"{table}." in code


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tree_numbers_its_terms_and_shows_where_ten_are_over(language: str) -> None:
    few = held(
        spf.drawn(tree(*(Branch(0, f"a:h{at}.example", 1, 0) for at in range(10))), language),
        language,
    )
    many = held(
        spf.drawn(tree(*(Branch(0, f"a:h{at}.example", 1, 0) for at in range(12))), language),
        language,
    )
    assert "10" in shown(few)
    assert "11" not in shown(few)
    assert {"10", "11", "12"} <= set(shown(many))
    assert kinds(few, "node bad") == 0
    assert kinds(many, "node bad") == 2
    # The gauge has one line for the limit, the tree one more where it is passed.
    assert (kinds(few, "limit"), kinds(many, "limit")) == (1, 2)


def kinds(root: ET.Element, kind: str) -> int:
    return sum(element.attrib.get("class") == kind for element in root.iter())


def test_a_tree_says_what_leads_nowhere() -> None:
    found = tree(
        Branch(0, "include:there.example", 2, 1),
        Branch(1, "a:gone.example", 1, 1),
        Branch(0, "include:nobody.example", 1, 0, lost=True),
    )
    texts = shown(held(spf.drawn(found, "en")))
    assert texts.count("leads to no record") == 1
    assert texts.count("finds nothing") == 1
    assert "Σ 2" in texts
    assert "-all" in texts


def test_a_term_hangs_below_the_one_that_it_belongs_to() -> None:
    found = tree(Branch(0, "include:a", 2, 0), Branch(1, "mx", 1, 0), Branch(0, "a", 1, 0))
    root = held(spf.drawn(found, "en"))
    centres = [
        float(c.attrib["cx"])
        for c in root.iter(f"{SVG}circle")
        if "node" in c.attrib.get("class", "")
    ]
    assert centres[0] == centres[2] < centres[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_begin_where_the_language_begins(language: str) -> None:
    root = held(spf.drawn(tree(Branch(0, "mx", 1, 0)), language), language)
    assert root.attrib["direction"] == direction(language)
    mirrored = [g for g in root.iter(f"{SVG}g") if g.attrib.get("transform") == "scale(-1,1)"]
    assert len(mirrored) == (direction(language) == "rtl")
    for group in mirrored:  # letters would be mirrored, too
        assert not list(group.iter(f"{SVG}text"))
    terms = [t for t in root.iter(f"{SVG}text") if t.text == "mx"]
    wanted = "ltr" if direction(language) == "rtl" else None
    assert [t.attrib.get("direction") for t in terms] == [wanted]


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Branch,
            st.integers(0, 99),
            hostile,
            st.integers(0, 99),
            st.integers(0, 9),
            st.booleans(),
        ),
        max_size=20,
    ),
    hostile,
    languages,
)
def test_no_record_breaks_a_tree(branches: list[Branch], domain: str, language: str) -> None:
    found = Tree(domain, tuple(branches), len(branches), 3, domain)
    held(spf.drawn(found, language), language)


def test_a_tree_of_many_terms_stays_small() -> None:
    held(
        spf.drawn(
            tree(*(Branch(at % 7, "include:" + "x" * 250, 9, 1) for at in range(5000))), "ar"
        ),
        "ar",
    )


def test_a_timeline_stays_small() -> None:
    events = [
        Event(at * 1e5, "warn", "Put off", (Line("x" * 5000, protocol=True),) * 3, "y" * 9999)
        for at in range(5000)
    ]
    root = held(story.drawn(Way("Way", tuple(events)), "en"))
    assert any("4,974" in text for text in shown(root))


def test_a_longer_wait_takes_more_room_but_never_much() -> None:
    def height(gap: float) -> int:
        events = (Event(0, "good", "A"), Event(gap, "good", "B"))
        return int(held(story.drawn(Way("Way", events), "en")).attrib["height"])

    assert height(1) < height(61) < height(3600) < height(20 * 3600)
    assert height(300 * 86400) - height(1) < 150


event = st.builds(
    Event, st.floats(-1e20, 1e20), st.sampled_from(["good", "bad", "warn", "muted", "accent"]),
    hostile, st.lists(st.builds(Line, hostile, st.booleans()), max_size=3).map(tuple), hostile,
    st.booleans(),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(event, max_size=8), hostile, languages)
def test_no_story_breaks_a_timeline(events: list[Event], title: str, language: str) -> None:
    held(story.drawn(Way(f"Way {title}", tuple(events), UTC), language), language)


series = st.lists(
    st.builds(pictures.Series, hostile, st.lists(numbers, max_size=200).map(tuple)), max_size=9
).map(tuple)
CHARTS: list[Callable[..., Picture]] = [pictures.stacked, pictures.opposed]


@pytest.mark.parametrize("draw", CHARTS)
@settings(deadline=None)
@given(series=series, start=st.floats(-1e20, 1e20), step=st.floats(0, 1e9), language=languages)
def test_no_values_break_a_chart(
    draw: Callable[..., Picture],
    series: tuple[pictures.Series, ...],
    start: float,
    step: float,
    language: str,
) -> None:
    held(draw(pictures.Chart("Chart", start, step, series), language), language)


@pytest.mark.parametrize("draw", CHARTS)
def test_ten_thousand_values_stay_small(draw: Callable[..., Picture]) -> None:
    values = tuple(float(at % 97) for at in range(10_000))
    chart = pictures.Chart(
        "Chart", 1.7e9, 60, tuple(pictures.Series(f"S{n}", values) for n in range(5))
    )
    held(draw(chart, "en"))


def bars(root: ET.Element) -> dict[str, tuple[float, float]]:
    """Give where the first bar of each series begins and ends, in pixels from the top."""
    (plot,) = (s for s in root.iter(f"{SVG}svg") if "viewBox" in s.attrib)
    found = {}
    for path in plot:
        drawn = re.match(r"M[\d.]+ ([\d.]+)h[\d.]+v([\d.]+)", path.attrib["d"])
        if drawn and "class" in path.attrib:
            top = float(drawn[1])
            found[path.attrib["class"]] = top, top + float(drawn[2])
    return found


def test_bars_stand_one_upon_the_other() -> None:
    chart = pictures.Chart("C", 0, 60, (pictures.Series("A", (30,)), pictures.Series("B", (10,))))
    found = bars(held(pictures.stacked(chart, "en")))
    (middle, ground), (top, upon) = found["line-1"], found["line-2"]
    assert upon == middle
    assert ground - middle == pytest.approx(3 * (middle - top), abs=0.3)


def test_what_fails_stands_below_the_line_of_what_passes() -> None:
    passed, failed = pictures.Series("A", (9,), "good"), pictures.Series("B", (3,), "bad")
    found = bars(held(pictures.opposed(pictures.Chart("C", 0, 60, (passed, failed)), "en")))
    (top, line), (below, end) = found["good"], found["bad"]
    assert below == line
    assert line - top == pytest.approx(3 * (end - below), abs=0.3)


def test_small_series_are_put_together_and_none_is_lost() -> None:
    many = tuple(pictures.Series(f"S{n}", (float(n),)) for n in range(12))
    root = held(pictures.stacked(pictures.Chart("C", 0, 60, many), "en"))
    texts = " ".join(shown(root))
    assert "S11 11" in texts
    assert f"Others {sum(range(8))}" in texts


@settings(deadline=None)
@given(st.lists(numbers, max_size=300), hostile, languages)
def test_no_values_break_a_sparkline(values: list[float | None], name: str, language: str) -> None:
    assert len(held(pictures.sparkline(name, values, language), language)) >= 1


@settings(deadline=None)
@given(hostile, st.integers(20, 400), st.integers(1, 4), st.booleans())
def test_lines_are_no_wider_than_asked(text: str, pixels: int, lines: int, fixed: bool) -> None:  # noqa: FBT001 -- what Hypothesis gives
    found = wrapped(text, pixels, lines=lines, fixed=fixed)
    assert 1 <= len(found) <= lines
    for line in found:
        assert width(line, fixed=fixed) <= pixels or len(line) <= 2


def test_a_line_is_broken_behind_a_sign() -> None:
    assert wrapped("include:mail.example.org", 120, 12, fixed=True) == [
        "include:mail.",
        "example.org",
    ]
    assert width("include:mail.example.org", 12, fixed=True) < WIDTH
