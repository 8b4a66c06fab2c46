"""One rule: what a reply has to say, and the cause that it then has.

A rule looks at words and at nothing between them: a text is its runs of letters and digits, in
ASCII lower case, parted by one space. `Mailbox-full.` and `mailbox full` are the same to it, a
link is the words of its host and path, and no regular expression is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"[2-5][0-9]{2}")
_CLASS = re.compile(r"[245]")
_ENHANCED = re.compile(r"(?:([245])\.)?([0-9]{1,3})\.([0-9]{1,3})(?:-([0-9]{1,3}))?")

# Read for those who write and test rules, not while a reply is explained.
_FOR_TESTS = ("source", "date", "samples", "note")


class RuleError(Exception):
    """A rule is not written as docs/patterns.md says; the message names it."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand together. `text` is padded with a space wherever a word must end.

    `words` are those that stand there whole.
    """

    text: str
    words: tuple[str, ...]

    @classmethod
    def read(cls, written: str) -> Phrase:
        """Read `mailbox full`; a `*` at an end lets the word there go on."""
        if written.isascii() and written.replace(" ", "").isalnum():
            # Most phrases are written as plain words, and there are thousands to read.
            words = written.lower().split()
            return cls(f" {' '.join(words)} ", tuple(words))
        if "*" not in written:
            text = words_of(written)
            return cls(text, tuple(text.split()))
        head, tail = written.startswith("*"), written.endswith("*")
        inner = words_of(written.strip("*"))
        words = inner.split()
        whole = tuple(words[head : len(words) - tail])
        text = inner[1:] if head else inner
        return cls(text[:-1] if tail else text, whole)


@dataclass(frozen=True, slots=True)
class Condition:
    """Codes a reply must have: any part may be left open. The last number may be a range."""

    code: int | None = None
    severity: int | None = None
    detail: tuple[int, int, int] | None = None

    @classmethod
    def read(cls, written: str) -> Condition:
        """Read `550`, `5`, `5.7.1`, `7.1`, `5.7.606-649`, or a basic and an enhanced code."""
        code = severity = detail = None
        for part in written.split():
            if _CODE.fullmatch(part):
                code = int(part)
            elif _CLASS.fullmatch(part):
                severity = int(part)
            elif match := _ENHANCED.fullmatch(part):
                severity = int(match[1]) if match[1] else severity
                first = int(match[3])
                detail = int(match[2]), first, int(match[4] or first)
            else:
                raise RuleError(written)
        return cls(code, severity, detail)

    def holds(self, code: int | None, enhanced: tuple[int, int, int] | None) -> bool:
        """Say whether a reply has these codes; `enhanced` is in its three numbers."""
        if self.code is not None and code != self.code:
            return False
        if self.detail is not None:
            if enhanced is None:
                return False
            subject, first, last = self.detail
            if enhanced[1] != subject or not first <= enhanced[2] <= last:
                return False
            return self.severity is None or enhanced[0] == self.severity
        if self.severity is None:
            return True
        if code is not None:
            return code // 100 == self.severity
        return enhanced is not None and enhanced[0] == self.severity


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be said (all of `says`, each by one of its phrases), and what follows.

    `provider` is who writes so; with `only` the rule holds only for replies that are known to be
    theirs by a sign elsewhere. A `weak` rule decides where the codes say nothing. `lists` names
    the blocklist, `link` a page about it.
    """

    book: str
    name: str
    cause: str
    says: tuple[tuple[Phrase, ...], ...]
    unless: tuple[Phrase, ...]
    codes: tuple[Condition, ...]
    provider: str
    only: bool
    weak: bool
    lists: str
    link: str
    permanence: str

    @property
    def identity(self) -> str:
        """Its name among all: `google:low-reputation-ip`."""
        return f"{self.book}:{self.name}"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who runs the server that wrote a reply, known by any of the `signs`."""

    slug: str
    name: str
    signs: tuple[Phrase, ...]
    page: str


def words_of(text: str) -> str:
    """Give the words of a text, each between two spaces. Linear in the text."""
    # Bytes know only the letters of ASCII: neither a dotted capital I nor the KELVIN SIGN folds.
    lowered = text.encode("utf-8", "replace").lower().decode("utf-8")
    return f" {' '.join(_WORD.findall(lowered))} "


def rules(file: Path) -> Iterator[Rule]:
    """Read the rules of a file. RuleError where one is not right."""
    name = file.stem
    for table in tables(file, "rule"):
        try:
            yield _rule(name, table)
        except (KeyError, TypeError, ValueError, RuleError) as error:
            message = f"{name}: {table.get('name', table)}: {error}"
            raise RuleError(message) from error


def providers(file: Path) -> Iterator[Provider]:
    """Read the file of the providers."""
    for table in tables(file, "provider"):
        signs = tuple(map(Phrase.read, _texts(table["signs"])))
        yield Provider(str(table["slug"]), str(table["name"]), signs, str(table.get("page", "")))


def tables(file: Path, kind: str, *, whole: bool = False) -> Iterator[Mapping[str, object]]:
    """Give the tables of a file; without `whole`, without what only tests read.

    The files are TOML. Only a part of it is used: `[[rule]]`, and keys with a text, a list of
    texts on one line, or true and false, which are written in TOML as in JSON. Reading just this
    takes a tenth of the time of reading all of TOML, and every command waits for it; a test holds
    that both read the same.
    """
    found: list[list[str]] = []
    for line in file.read_text("utf-8").split("\n"):
        if line == f"[[{kind}]]":
            found.append([])
        elif line and not line.startswith("#") and found:
            key, _, value = line.partition(" = ")
            if whole or key not in _FOR_TESTS:
                found[-1].append(f'"{key}":{value}')
    # One reading of the whole file: a reading of each value takes three times as long.
    read = json.loads(f"[{','.join('{' + ','.join(table) + '}' for table in found)}]")
    yield from read


def _rule(book: str, table: Mapping[str, object]) -> Rule:
    says = tuple(
        tuple(Phrase.read(choice) for choice in written.split(" | "))
        for written in _texts(table.get("says", []))
    )
    codes = tuple(map(Condition.read, _texts(table.get("codes", []))))
    provider, only = str(table.get("provider", "")), table.get("only") is True
    if not says and not (only and provider and codes):
        message = "it needs words, or codes of one provider only"
        raise RuleError(message)
    if only and not provider:
        message = "only for whom?"
        raise RuleError(message)
    return Rule(
        book=book,
        name=str(table["name"]),
        cause=str(table["cause"]),
        says=says,
        unless=tuple(map(Phrase.read, _texts(table.get("unless", [])))),
        codes=codes,
        provider=provider,
        only=only,
        weak=table.get("weak") is True,
        lists=str(table.get("list", "")),
        link=str(table.get("link", "")),
        permanence=str(table.get("permanence", "")),
    )


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        message = f"{value!r} is no list of texts"
        raise RuleError(message)
    return tuple(value)
