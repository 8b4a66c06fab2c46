"""The rules as people write them, and the index that is made of them: `make rules`.

`rules/*.toml` and `providers.toml` are what a person reads and changes. `python -m
ulak.replies.patterns.source` checks them and writes `index.json`, which every command reads in a
tenth of the time; a test says when it is stale.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ulak.replies.patterns.book import INDEX
from ulak.replies.patterns.rule import Condition, Provider, Rule, words_of

FOLDER = Path(__file__).parent / "rules"
PROVIDERS = Path(__file__).parent / "providers.toml"

_CODE = re.compile(r"[2-5][0-9]{2}")
_CLASS = re.compile(r"[245]")
_ENHANCED = re.compile(r"(?:([245])\.)?([0-9]{1,3})\.([0-9]{1,3})(?:-([0-9]{1,3}))?")

Table = Mapping[str, Any]


class RuleError(Exception):
    """A rule is not written as docs/patterns.md says; the message names it."""


class Heard:
    """What replies say, by the samples: how many of them have a word, or one of several phrases."""

    def __init__(self, samples: Iterable[str]) -> None:
        self._samples = [words_of(sample) for sample in samples]
        self._words = Counter(word for words in self._samples for word in set(words.split()))

    def key(self, phrase: str) -> str:
        """Give the word of a phrase that is heard least; of those, the longest."""
        words = whole_words(phrase)
        return min(words, key=lambda word: (self._words[word], -len(word), word))

    def often(self, phrases: Sequence[str]) -> int:
        """Count the samples in which any of the phrases stands."""
        return sum(any(phrase in words for phrase in phrases) for words in self._samples)


def tables() -> dict[str, Table]:
    """Give every rule as it is written, by its identity. RuleError where two have one name."""
    found: dict[str, Table] = {}
    for file in sorted(FOLDER.glob("*.toml")):
        for table in tomllib.loads(file.read_text("utf-8"))["rule"]:
            identity = f"{file.stem}:{table.get('name', '')}"
            if identity in found:
                message = f"{identity}: there are two of this name"
                raise RuleError(message)
            found[identity] = table
    return found


def rules(written: Mapping[str, Table]) -> Iterator[Rule]:
    """Read rules. RuleError where one is not right."""
    heard = Heard(sample for table in written.values() for sample in table.get("samples", ()))
    for identity, table in written.items():
        try:
            yield _rule(identity, table, heard)
        except (KeyError, TypeError, ValueError, RuleError) as error:
            message = f"{identity}: {error}"
            raise RuleError(message) from error


def providers(written: Mapping[str, Table]) -> Iterator[Provider]:
    """Read the file of the providers; `written` are the rules."""
    heard = Heard(sample for table in written.values() for sample in table["samples"])
    for table in tomllib.loads(PROVIDERS.read_text("utf-8"))["provider"]:
        signs = list(map(phrase, _texts(table["signs"])))
        keys = list(map(heard.key, signs))
        yield Provider(table["slug"], table["name"], table.get("page", ""), signs, keys)


def phrase(written: str) -> str:
    """Read `mailbox full`; a `*` at an end lets the word there go on."""
    words = words_of(written.strip("*"))
    return words[written.startswith("*") : len(words) - written.endswith("*")]


def whole_words(phrase: str) -> list[str]:
    """Name the words of a phrase that have to stand there whole."""
    words = phrase.split()
    return words[not phrase.startswith(" ") : len(words) - (not phrase.endswith(" "))]


def condition(written: str) -> Condition:
    """Read `550`, `5`, `5.7.1`, `7.1`, `5.7.606-649`, or a basic and an enhanced code."""
    found = Condition()
    for part in written.split():
        if _CODE.fullmatch(part):
            found = found._replace(code=int(part))
        elif _CLASS.fullmatch(part):
            found = found._replace(severity=int(part))
        elif match := _ENHANCED.fullmatch(part):
            severity = int(match[1]) if match[1] else found.severity
            first, last = int(match[3]), int(match[4] or match[3])
            found = Condition(found.code, severity, int(match[2]), first, last)
        else:
            raise RuleError(written)
    return found


def index() -> str:
    """Give the text of the index: JSON, a rule on each line."""
    written = tables()
    parts = (
        _part("providers", providers(written)),
        _part("rules", rules(written)),
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _part(name: str, rows: Iterable[Rule | Provider]) -> str:
    return f'"{name}": [\n' + ",\n".join(map(_line, rows)) + "\n]"


def _rule(identity: str, table: Table, heard: Heard) -> Rule:
    says = [
        sorted(map(phrase, written.split(" | ")), key=len, reverse=True)
        for written in _texts(table.get("says", []))
    ]
    codes = list(map(condition, _texts(table.get("codes", []))))
    only, provider = table.get("only") is True, table.get("provider", "")
    if not says and not (only and provider and codes):
        message = "it needs words, or codes of one provider only"
        raise RuleError(message)
    keys: list[str] = []
    if only and not provider:
        message = "only for whom?"
        raise RuleError(message)
    # Any of what must be said will do to look the rule up; what is said least does best.
    if groups := [group for group in says if all(map(whole_words, group))]:
        first = min(groups, key=heard.often)
        says.remove(first)
        says.insert(0, first)
        keys = list(map(heard.key, first))
    return Rule(
        identity=identity,
        cause=table["cause"],
        says=says,
        unless=list(map(phrase, _texts(table.get("unless", [])))),
        codes=codes,
        keys=keys,
        provider=provider,
        only=only,
        weak=table.get("weak") is True,
        lists=table.get("list", ""),
        link=table.get("link", ""),
        permanence=table.get("permanence", ""),
    )


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        message = f"{value!r} is no list of texts"
        raise RuleError(message)
    return value


def _line(row: Rule | Provider) -> str:
    """Write what is not as it is anyway."""
    usual = type(row)._field_defaults
    told = {name: value for name, value in row._asdict().items() if value or name not in usual}
    return json.dumps(told, ensure_ascii=False)


if __name__ == "__main__":
    INDEX.write_text(index(), "utf-8")
