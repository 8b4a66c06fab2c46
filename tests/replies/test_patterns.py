"""Rules for other servers' words: each is alive, well-formed, and fast whatever the text is."""

from __future__ import annotations

import time
import tomllib
from datetime import date
from itertools import islice, product
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.replies.catalog import CATALOG
from ulak.replies.classify import classify
from ulak.replies.parse import parse
from ulak.replies.patterns import Book, Match, Rule, book, words_of
from ulak.replies.patterns.book import INDEX
from ulak.replies.patterns.source import (
    RuleError,
    condition,
    index,
    phrase,
    rules,
    tables,
    whole_words,
)

WRITTEN = tables()
SAMPLES = [
    pytest.param(identity, sample, id=f"{identity}-{number}")
    for identity, table in WRITTEN.items()
    for number, sample in enumerate(cast("list[str]", table.get("samples", [])))
]


@pytest.mark.parametrize(("identity", "sample"), SAMPLES)
def test_a_rule_holds_for_its_own_samples_and_leads_them_to_its_cause(
    identity: str, sample: str
) -> None:
    reply = parse(sample)
    found = classify(reply.code, reply.enhanced, reply.text, sample)
    assert found.cause == WRITTEN[identity]["cause"]
    # Another rule with the same cause may say more: files are written without regard to others.
    numbers = tuple(map(int, reply.enhanced.split("."))) if reply.enhanced else None
    provider = book().provider(words_of(sample))
    matches = book().find(
        reply.code, cast("tuple[int, int, int] | None", numbers), words_of(reply.text), provider
    ) + book().find(
        reply.code, cast("tuple[int, int, int] | None", numbers), words_of(sample), provider
    )
    assert identity in {match.rule.identity for match in matches}


@pytest.mark.parametrize("identity", WRITTEN)
def test_no_rule_stands_wholly_in_the_shadow_of_another(identity: str) -> None:
    """It decides one of its samples, or a reply that says no more than it asks for."""
    samples = cast("list[str]", WRITTEN[identity]["samples"])
    says = cast("list[str]", WRITTEN[identity].get("says", []))
    choices = [[choice.strip("*") for choice in group.split(" | ")] for group in says]
    bare = [
        f"{reply.code or ''} {reply.enhanced or ''} {' '.join(phrases)}".strip()
        for reply in map(parse, samples)
        for phrases in islice(product(*choices), 300)
    ]
    assert any(decided(text) == identity for text in (*samples, *bare))


def decided(text: str) -> str:
    reply = parse(text)
    return classify(reply.code, reply.enhanced, reply.text, text).rule


@pytest.mark.parametrize("rule", book().rules, ids=lambda rule: rule.identity)
def test_a_rule_takes_no_more_than_linear_time(rule: Rule) -> None:
    # 100 KB of its own words, and of their beginnings.
    phrases = [text for group in rule.says for text in group] or [rule.identity]
    for words in (
        "".join(phrases),
        "".join(phrases[:-1]) or "x ",
        "".join(t[:-2] for t in phrases),
    ):
        text = words * (100_000 // len(words) + 1)
        began = time.thread_time()
        classify(554, "5.7.1", text, text)
        # Far above what linear time needs, far below what quadratic time would.
        assert time.thread_time() - began < 1


@pytest.mark.parametrize("identity", WRITTEN)
def test_a_rule_is_documented(identity: str) -> None:
    table = WRITTEN[identity]
    keys = {
        "name", "cause", "provider", "says", "unless", "codes", "only", "weak", "list", "link",
        "permanence", "source", "date", "samples", "note",
    }  # fmt: skip
    assert table.keys() <= keys
    assert table["cause"] in CATALOG
    assert table.get("provider", "google") in book().providers
    assert table.get("permanence", "unclear") in ("permanent", "temporary", "unclear")
    assert isinstance(table["source"], str)
    assert date.fromisoformat(str(table["date"]))
    assert isinstance(table["samples"], list)
    assert table["samples"]


def test_the_index_is_fresh() -> None:
    assert INDEX.read_text("utf-8") == index(), "run `make rules`"


def test_what_the_words_of_a_reply_lead_to_is_what_a_look_at_every_rule_finds() -> None:
    every = Book((rule._replace(keys=()) for rule in book().rules), ())
    for sample in (sample for table in WRITTEN.values() for sample in table["samples"]):
        reply, provider = parse(sample), book().provider(words_of(sample))
        asked = reply.code, None, words_of(reply.text), provider
        assert told(book().find(*asked)) == told(every.find(*asked))


def told(matches: list[Match]) -> list[tuple[str, int]]:
    return [(match.rule.identity, match.weight) for match in matches]


def test_two_rules_of_one_name_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = '[[rule]]\nname = "a"\ncause = "b"\nsays = ["x"]\n'
    (tmp_path / "x.toml").write_text(rule * 2, "utf-8")
    monkeypatch.setattr("ulak.replies.patterns.source.FOLDER", tmp_path)
    with pytest.raises(RuleError, match=r"^x:a: "):
        tables()


def written(*lines: str) -> list[Rule]:
    read = tomllib.loads("\n".join(["[[rule]]", *lines]))["rule"]
    return list(rules({f"x:{table.get('name')}": table for table in read}))


@pytest.mark.parametrize(
    "lines",
    [
        ('name = "a"', 'cause = "b"'),
        ('name = "a"', 'cause = "b"', 'says = "x"'),
        ('name = "a"', 'cause = "b"', 'says = [""]'),
        ('name = "a"', 'cause = "b"', 'says = ["x"]', 'codes = ["9"]'),
        ('name = "a"', 'cause = "b"', 'says = ["x"]', "only = true"),
        ('name = "a"', 'cause = "b"', 'codes = ["5.7.1"]', 'provider = "google"'),
        ('name = "a"', 'says = ["x"]'),
    ],
)
def test_a_rule_that_is_not_right_is_an_error_that_names_it(lines: tuple[str, ...]) -> None:
    with pytest.raises(RuleError, match=r"^x:a: "):
        written(*lines)


def test_words_are_whole_but_where_a_star_lets_them_go_on() -> None:
    words = words_of("550 Quota-Exceeded for user, İstanbul \N{KELVIN SIGN}ELVIN")
    assert words == " 550 quota exceeded for user İstanbul \N{KELVIN SIGN}elvin "
    assert phrase("quota exceeded") in words
    assert phrase("quota exce") not in words
    assert phrase("quota exce*") in words
    assert phrase("*ota exceeded") in words
    assert phrase("*xceed*") in words
    assert whole_words(phrase("*xceed*")) == []


@pytest.mark.parametrize(
    ("written", "code", "enhanced", "holds"),
    [
        ("550", 550, None, True),
        ("550", 554, None, False),
        ("5", 554, (4, 7, 1), True),
        ("5", None, (5, 7, 1), True),
        ("5", None, None, False),
        ("5.7.1", 550, (5, 7, 1), True),
        ("5.7.1", 421, (4, 7, 1), False),
        ("7.1", 421, (4, 7, 1), True),
        ("5.7.606-649", 550, (5, 7, 620), True),
        ("5.7.606-649", 550, (5, 7, 650), False),
        ("421 4.7.0", 421, (4, 7, 0), True),
        ("421 4.7.0", 450, (4, 7, 0), False),
    ],
)
def test_codes(
    written: str, code: int | None, enhanced: tuple[int, int, int] | None, *, holds: bool
) -> None:
    assert condition(written).holds(code, enhanced) is holds


def test_what_says_more_decides() -> None:
    short = ('name = "short"', 'cause = "a"', 'says = ["full"]')
    long = ('name = "long"', 'cause = "b"', 'says = ["mailbox | inbox", "full"]')
    never = ('name = "not"', 'cause = "c"', 'says = ["mailbox full"]', 'unless = ["today"]')
    made = Book([rule for lines in (short, long, never) for rule in written(*lines)], [])
    names = [m.rule.identity for m in made.find(552, None, words_of("Mailbox full today"), "")]
    assert names == ["x:long", "x:short"]


@given(st.text(max_size=300))
def test_no_text_is_too_strange(text: str) -> None:
    reply = parse(text)
    found = classify(reply.code, reply.enhanced, reply.text, text)
    assert found.cause in CATALOG or found.decided_by == "none"


def test_a_rule_for_one_provider_only_is_not_believed_of_others() -> None:
    theirs = written(
        'name = "a"',
        'cause = "b"',
        'provider = "google"',
        "only = true",
        'says = ["late"]',
    )
    made = Book(theirs, [])
    assert [m.rule.identity for m in made.find(450, None, words_of("too late"), "google")] == [
        "x:a"
    ]
    assert made.find(450, None, words_of("too late"), "yahoo") == []
    assert made.find(450, None, words_of("too late"), "") == []
