"""Texts in gettext catalogues: `locale/<language>/LC_MESSAGES/<domain>.po`.

A text has a name, which is its `msgctxt`; `msgid` is the English that it was made from, `msgstr`
the translation. The English itself stands in a TOML file, by the same names, and there a table
with `one` and `other` is a text with a number in it, `{count}`. The catalogue of a language has
as many forms of such a text as the language needs, chosen by its `Plural-Forms` header (GNU
gettext manual, "Plural forms").

PO files are read as they are, and nothing has to be compiled: what a translator saves is what the
next command says. What is fuzzy or empty is not used, as `msgfmt` has it; nothing of the kind
gets past the tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from gettext import c2py
from pathlib import Path

from ulak.language import FALLBACK, filled, read

_ENTRY = re.compile(
    r'(?:^#(?P<remark>.*)\n)|(?:^(?P<word>msg[a-z]+)(?:\[[0-9]+\])?[ ]+(?P<text>".*"(?:\n".*")*))',
    re.MULTILINE,
)
_FORMS = re.compile(r"plural=([^;\n]+)")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a PO file says: the forms of each text by its name, and which number takes which."""

    texts: Mapping[str, tuple[str, ...]]
    form: Callable[[int], int]


class Strings:
    """The texts of a room whose translations are in PO files; read like `Texts`."""

    def __init__(self, english: Path, locale: Path, domain: str) -> None:
        self.english = english
        self.locale = locale
        self.domain = domain

    def file(self, language: str) -> Path:
        """Give the place of the catalogue of a language."""
        return self.locale / language / "LC_MESSAGES" / f"{self.domain}.po"

    def all(self, language: str) -> Mapping[str, str]:
        """Give every text of a language by its name, those with a number in their last form."""
        if language == FALLBACK:
            return read(self.english)
        return {name: forms[-1] for name, forms in catalogue(self.file(language)).texts.items()}

    def find(self, language: str, name: str) -> str | None:
        """Give a text without filling its places, or None where there is none of that name."""
        if language == FALLBACK:
            return read(self.english).get(name)
        forms = catalogue(self.file(language)).texts.get(name)
        return None if forms is None else forms[-1]

    def say(self, language: str, name: str, /, **facts: object) -> str:
        """Give a text with its facts put in. A name that does not exist is a KeyError.

        Where the text has forms, `count` chooses among them.
        """
        return filled(self._form(language, name, facts.get("count")), facts)

    def _form(self, language: str, name: str, count: object) -> str:
        if language == FALLBACK:
            texts = read(self.english)
            text = texts.get(name)
            return text or texts[f"{name}.{'one' if count == 1 else 'other'}"]
        found = catalogue(self.file(language))
        forms = found.texts[name]
        if len(forms) == 1 or not isinstance(count, int):
            return forms[-1]
        return forms[found.form(count)]


@cache
def catalogue(file: Path) -> Catalogue:
    """Read a PO file, once."""
    return parsed(file.read_text("utf-8"))


def parsed(text: str) -> Catalogue:
    """Take apart the text of a PO file."""
    texts: dict[str, tuple[str, ...]] = {}
    header = name = ""
    forms: list[str] = []
    fuzzy = False

    def kept() -> None:
        if name and forms and all(forms) and not fuzzy:
            texts[name] = tuple(forms)

    for entry in _ENTRY.finditer(text):
        match entry["word"]:
            case None:
                if forms:  # remarks stand before the entry that they are about
                    kept()
                    name, forms, fuzzy = "", [], False
                fuzzy = fuzzy or (entry["remark"].startswith(",") and "fuzzy" in entry["remark"])
            case "msgctxt":
                if forms:
                    kept()
                    forms, fuzzy = [], False
                name = _unquoted(entry["text"])
            case "msgstr" if name:
                forms.append(_unquoted(entry["text"]))
            case "msgstr":
                header = header or _unquoted(entry["text"])
                fuzzy = False
            case _:
                pass
    kept()
    rule = _FORMS.search(header)
    return Catalogue(texts, c2py(rule[1].strip()) if rule else lambda _: 0)


def _unquoted(text: str) -> str:
    """Join the lines of a string and undo its escapes."""
    if "\n" not in text and "\\" not in text:
        return text[1:-1]
    return "".join(map(ast.literal_eval, text.split("\n")))
