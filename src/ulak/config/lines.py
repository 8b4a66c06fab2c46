"""Where each key of a TOML text stands (TOML 1.0).

`tomllib` reads the values and says nothing of their places. This scanner looks only for places,
and only in a text that `tomllib` has read already: it may trust that brackets close and strings
end, so it stays small.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The way to a value: keys, and positions from 0 in arrays."""

_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# Three quotes open a long string; up to two more may stand before the three that close it.
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text; both are counted from 1."""

    line: int
    column: int


def locate(text: str) -> Mapping[Path, Spot]:
    """Give the place of every key, table and array element of a valid TOML text.

    A key's place is where it is first named.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Spot] = {}
        self._lengths: dict[Path, int] = {}  # of arrays of tables
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def document(self) -> None:
        table: Path = ()
        self._space()
        while self.at < len(self.text):
            if self._take("[["):
                table = self._header(array=True)
            elif self._take("["):
                table = self._header(array=False)
            else:
                self._pair(table)
            self._space()

    def _header(self, *, array: bool) -> Path:
        path: Path = ()
        parts = self._keys()
        for number, (part, start) in enumerate(parts, 1):
            path += (part,)
            self._note(path, start)
            if array and number == len(parts):
                count = self._lengths.get(path, 0)
                self._lengths[path] = count + 1
                path += (count,)
                self._note(path, start)
            elif path in self._lengths:
                path += (self._lengths[path] - 1,)
        self._space()
        self.at += 2 if array else 1
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for part, start in self._keys():
            path += (part,)
            self._note(path, start)
        self._space()
        self.at += 1  # the equals sign
        self._value(path)

    def _keys(self) -> list[tuple[str, int]]:
        keys = []
        while True:
            self._space()
            start = self.at
            if self.text[start] in "\"'":
                quoted = self._string()
                keys.append((str(tomllib.loads(f"key={quoted}")["key"]), start))
            else:
                bare = self._match(_BARE)
                keys.append((bare, start))
            self._space()
            if not self._take("."):
                return keys

    def _value(self, path: Path) -> None:
        self._space()
        if self._take("["):
            count = 0
            while not self._closes("]"):
                self._note((*path, count), self.at)
                self._value((*path, count))
                count += 1
                self._comma()
        elif self._take("{"):
            while not self._closes("}"):
                self._pair(path)
                self._comma()
        elif self.text[self.at] in "\"'":
            self._string()
        else:
            self._match(_SCALAR)

    def _closes(self, bracket: str) -> bool:
        self._space()
        return self._take(bracket)

    def _comma(self) -> None:
        self._space()
        self._take(",")

    def _string(self) -> str:
        for pattern in _STRINGS:
            if pattern.match(self.text, self.at):
                return self._match(pattern)
        message = f"no string at {self.at}"
        raise ValueError(message)

    def _space(self) -> None:
        self._match(_SPACE)

    def _take(self, mark: str) -> bool:
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if not match:
            message = f"nothing of {pattern.pattern} at {self.at}"
            raise ValueError(message)
        self.at = match.end()
        return match[0]

    def _note(self, path: Path, at: int) -> None:
        if path not in self.found:
            line = bisect_right(self._starts, at)
            self.found[path] = Spot(line, at - self._starts[line - 1] + 1)
