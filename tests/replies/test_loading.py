"""The words for people are found by language and take their facts safely."""

from __future__ import annotations

import pytest

from ulak.replies import stale, texts


@pytest.mark.parametrize(
    ("wish", "language"),
    [("tr", "tr"), ("tr_TR.UTF-8", "tr"), ("TR-tr", "tr"), ("en_GB", "en"), ("xx", "en"),
     ("", "en"), ("C", "en"), ("../tr", "en"), ("İ", "en")],
)  # fmt: skip
def test_a_wish_for_a_language_is_met_or_answered_in_english(wish: str, language: str) -> None:
    assert texts.language(wish) == language


@pytest.mark.parametrize("part", stale.PARTS)
@pytest.mark.parametrize("language", texts.languages())
def test_a_table_that_is_read_alone_says_what_it_says_in_its_file(language: str, part: str) -> None:
    tables = stale.tables(language, part)
    assert {
        name: texts._table(language, part, name) for name in texts._written(language, part)
    } == {name: table for (_, name), table in tables.items()}


def test_a_choice_is_taken_when_all_its_facts_are_known() -> None:
    template = "[From {ip} by {zone}|From somewhere]: no[ ({ip})|]."
    assert (
        texts.put(template, {"ip": "192.0.2.1", "zone": "bl"})
        == "From 192.0.2.1 by bl: no (192.0.2.1)."
    )
    assert texts.put(template, {"ip": "192.0.2.1"}) == "From somewhere: no (192.0.2.1)."
    assert texts.put(template, {"zone": ""}) == "From somewhere: no."


def test_a_place_outside_a_choice_is_filled_beside_one() -> None:
    assert (
        texts.put("{ip}[ by {zone}|]: {no}", {"ip": "[{zone}]", "zone": "z"})
        == "[{zone}] by z: {no}"
    )


def test_a_fact_from_a_peer_stays_a_fact() -> None:
    facts = {"said": "a\r\nb\x1b[31m\u202e [x|{ip}] {ip}", "ip": "192.0.2.1"}
    assert texts.put("“[{said}|]”", facts) == "“a b?[31m? [x|{ip}] {ip}”"
    assert texts.put("Type `x` [{said}|]", {"said": "`y`"}) == "Type `x` 'y'"
    assert len(texts.put("[{said}|]", {"said": "x" * 5000})) == 200


def test_a_cause_takes_its_facts_and_does_without_them() -> None:
    text = texts.cause("listed-by-dnsbl")
    assert "[" not in text.means
    told = text.with_facts({"ip": "192.0.2.1", "zone": "zen.spamhaus.org"})
    assert "192.0.2.1" in told.means
    assert "zen.spamhaus.org" in told.means
    assert any("zen.spamhaus.org" in step for step in told.fix_sender)


def test_a_cause_that_the_catalog_does_not_have_is_the_caller_s_mistake() -> None:
    with pytest.raises(KeyError):
        texts.cause("no-such-cause")
