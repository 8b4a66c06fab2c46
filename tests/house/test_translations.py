"""A language is offered when nothing is missing, and its catalogues are in order."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from ulak.cli import catalogues
from ulak.cli.dress import TEXTS
from ulak.language import FALLBACK, LANGUAGES, direction, gate, known, of_environment, po, stale

CATALOGUES = [language for language in known() if language != FALLBACK]
PLACE = re.compile(r"\{([a-z_]+)\}")


def read(language: str) -> Catalog:
    with TEXTS.file(language).open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", known())
def test_a_language_is_offered_exactly_when_nothing_is_missing(language: str) -> None:
    missing = gate.missing(language)
    if known()[language].offered:
        assert not missing, f"{len(missing)} texts are missing in {language}: {missing[:20]}"
    else:
        assert missing, "run: python -m ulak.language.gate"


def test_languages_are_found_and_english_is_first() -> None:
    assert LANGUAGES[0] == FALLBACK
    assert set(LANGUAGES) == {code for code, one in known().items() if one.offered}
    assert of_environment({"LANG": "tr_TR.UTF-8"}) == "tr"


@pytest.mark.parametrize("language", known())
def test_names_and_directions_are_those_of_the_cldr(language: str) -> None:
    locale = Locale.parse(language)
    assert known()[language].name == (locale.get_language_name() or "").capitalize()
    assert known()[language].english == locale.get_language_name("en")
    assert direction(language) == ("rtl" if locale.text_direction == "rtl" else "ltr")
    assert direction("xx") == "ltr"


def test_catalogues_are_fresh() -> None:
    for file, text in catalogues.files():
        assert file.read_text("utf-8") == text, f"{file.name} is stale; run: make translations"


@pytest.mark.parametrize("language", [code for code in CATALOGUES if known()[code].offered])
def test_no_translation_of_the_command_line_is_missing_or_to_be_read_again(language: str) -> None:
    for message in read(language):
        if message.id:
            assert all(catalogues.strings(message)), f"{language}: {message.context} is missing"
            assert not message.fuzzy, f"{language}: {message.context} was made from other English"


@pytest.mark.parametrize("language", CATALOGUES)
def test_translations_of_the_command_line_have_the_places_of_the_english(language: str) -> None:
    for message in read(language):
        if not message.id or not all(catalogues.strings(message)):
            continue
        english = [message.id] if isinstance(message.id, str) else list(message.id)
        wanted = set(PLACE.findall(english[-1]))
        for form in catalogues.strings(message):
            # Where the form says the number in words ("two recipients"), {count} may be left out.
            found = set(PLACE.findall(form))
            assert found | {"count"} == wanted | {"count"}, f"{language}: {message.context}"
            if isinstance(message.id, str):
                assert Counter(PLACE.findall(form)).keys() == wanted, message.context


@pytest.mark.parametrize("language", CATALOGUES)
def test_our_reader_of_catalogues_agrees_with_babels(language: str) -> None:
    theirs = read(language)
    ours = po.catalogue(TEXTS.file(language))
    assert ours.texts == {
        str(message.context): catalogues.strings(message)
        for message in theirs
        if message.id and all(catalogues.strings(message)) and not message.fuzzy
    }
    rule = Locale.parse(language).plural_form
    forms = [ours.form(number) for number in range(300)]
    for form in set(forms):
        tags = {rule(number) for number in range(300) if forms[number] == form}
        assert len(tags) == 1, "a form of gettext is a category of the CLDR"
    assert len(set(forms)) == theirs.num_plurals


def test_a_number_chooses_the_form() -> None:
    assert TEXTS.say("en", "queue.did.hold", count=1) == "1 recipient is held."
    assert TEXTS.say("en", "queue.did.hold", count=0) == "0 recipients are held."
    assert TEXTS.say("tr", "queue.did.hold", count=1) == "1 alıcı bekletiliyor."


def test_a_catalogue_is_read_with_all_that_may_stand_in_it() -> None:
    found = po.parsed(
        '# a remark\nmsgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
        '#, fuzzy\nmsgctxt "a"\nmsgid "A"\nmsgstr "not used"\n\n'
        'msgctxt "b"\nmsgid ""\n"long "\n"line"\nmsgstr ""\n"uzun \\"söz\\"\\n"\n"satır"\n\n'
        'msgctxt "c"\nmsgid "C"\nmsgstr ""\n\n'
        '#. said of many\n#, python-brace-format\nmsgctxt "d"\nmsgid "one"\nmsgid_plural "other"\n'
        'msgstr[0] "bir"\nmsgstr[1] "çok"\n\n'
        '#~ msgctxt "e"\n#~ msgid "E"\n#~ msgstr "gone"\n'
    )
    assert found.texts == {"b": ('uzun "söz"\nsatır',), "d": ("bir", "çok")}
    assert [found.form(number) for number in (0, 1, 2)] == [0, 0, 1]


def test_what_an_unfinished_language_lacks_is_named() -> None:
    lacking = gate.missing("xx")
    assert "cli/locale/xx/LC_MESSAGES/ulak.po: queue.empty" in lacking
    assert "checks/texts/xx/spf.toml: matched" in lacking
    assert any(name.startswith("replies/texts/xx.codes.toml: code.") for name in lacking)


@pytest.mark.parametrize("language", [code for code in CATALOGUES if code != FALLBACK])
def test_what_is_written_in_a_room_has_the_places_of_the_english(
    language: str,
) -> None:
    """Whatever is there, however much is missing."""
    for english in gate.files():
        theirs = gate.texts(gate.counterpart(english, language))
        for name, text in gate.texts(english).items():
            if written := theirs.get(name):
                where = f"{gate.counterpart(english, language).name}: {name}"
                assert set(PLACE.findall(written)) == set(PLACE.findall(text)), where


def test_arabic_counts_in_six_forms() -> None:
    said = {TEXTS.say("ar", "queue.did.hold", count=n) for n in (0, 1, 2, 3, 11, 100)}
    assert len(said) == 6
    assert TEXTS.say("ar", "queue.did.hold", count=2) == "عُلِّق مستلمان."
    assert TEXTS.say("ar", "queue.did.hold", count=7) == "عُلِّق 7 مستلمين."


def test_arabic_has_arabic_letters_and_arabic_commas() -> None:
    for english in gate.files():
        for name, text in gate.texts(gate.counterpart(english, "ar")).items():
            bare = re.sub(r"`[^`]*`|\{[a-z_-]+\}", "", text)
            if len(bare) > 60:
                assert re.search(r"[\u0621-\u064a]", bare), name
            assert not re.search(r"[\u0621-\u064a\u064b-\u0652][,;?]", bare), f"{name}: {text}"


@pytest.mark.parametrize("language", CATALOGUES)
def test_no_translation_of_a_room_is_older_than_its_original(language: str) -> None:
    assert not stale.stale(language), (
        "read these again, then run: python -m ulak.language.stale --reviewed"
    )
    assert stale.noted(language), "nothing is noted"


def test_a_changed_original_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    file, name = "journal/texts/en.toml", "do.nothing"
    noted = {file: dict(stale.today("tr")[file])}
    monkeypatch.setattr(stale, "noted", lambda _: noted)
    assert not stale.stale("tr")
    noted[file][name] = stale.digest("There was something else to do.")
    assert stale.stale("tr") == [f"{file}: {name}"]
    assert f'"{name}" = "{stale.digest("There is nothing to do.")}"' in stale.reviewed("tr")
