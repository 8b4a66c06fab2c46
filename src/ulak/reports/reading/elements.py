"""XML within bounds: no document type, no entities, no nesting without end.

expat by its own events, and not a tree of all elements: a report is read element by element, and
what is kept of it is what it means. A document type is refused where it begins, so no entity is
ever declared and none can grow, and nothing outside of the document is ever looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from xml.parsers import expat

from ulak.reports.reading.trouble import Trouble, UnreadableError

DEPTH = 16  # a report has six
ELEMENTS = 600_000
ATTRIBUTES = 32  # of one element; a report has one
TEXT = 2_000  # characters of one element that are kept
_PIECE = 1 << 16


class Sink(Protocol):
    """Who is told of the elements, by their local names; those of the root's namespace only."""

    def begin(self, path: tuple[str, ...]) -> None:
        """Hear that an element begins; the last name of the path is its own."""

    def end(self, path: tuple[str, ...], text: str) -> None:
        """Hear that it has ended, and the text that stood directly in it, stripped."""


class _Walk:
    """One document on its way through expat."""

    def __init__(self, sink: Sink, root: str) -> None:
        self._sink = sink
        self._root = root
        self._namespace = ""
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._room = TEXT
        self._foreign = 0  # how deep in elements of another namespace
        self._elements = 0

    def begin(self, name: str, attributes: list[str]) -> None:
        self._elements += 1
        if self._elements > ELEMENTS:
            raise UnreadableError(Trouble.TOO_MANY, str(ELEMENTS))
        if len(self._path) + self._foreign >= DEPTH:
            raise UnreadableError(Trouble.TOO_DEEP, str(DEPTH))
        if len(attributes) > 2 * ATTRIBUTES:
            raise UnreadableError(Trouble.TOO_MANY, str(ATTRIBUTES))
        namespace, _, local = name.rpartition(" ")
        if not self._path:
            if local != self._root:
                raise UnreadableError(Trouble.OTHER_FORMAT, local[:100])
            self._namespace = namespace
        if self._foreign or namespace != self._namespace:
            self._foreign += 1
            return
        self._path.append(local)
        self._texts.append([])
        self._room = TEXT
        self._sink.begin(tuple(self._path))

    def end(self, name: str) -> None:
        del name
        if self._foreign:
            self._foreign -= 1
            return
        self._sink.end(tuple(self._path), "".join(self._texts.pop()).strip())
        self._path.pop()
        self._room = TEXT

    def text(self, data: str) -> None:
        if self._texts and not self._foreign and self._room > 0:
            self._texts[-1].append(data[: self._room])
            self._room -= len(data)

    def declares(self, *_: object) -> None:
        raise UnreadableError(Trouble.DECLARES)


def walk(octets: bytes, root: str, sink: Sink) -> None:
    """Tell the sink of every element of a document with this root. Raises UnreadableError."""
    walking = _Walk(sink, root)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = walking.begin
    parser.EndElementHandler = walking.end
    parser.CharacterDataHandler = walking.text
    refuse: Callable[..., None] = walking.declares
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse  # type: ignore[assignment] # never returns
    try:
        for at in range(0, len(octets), _PIECE):
            parser.Parse(octets[at : at + _PIECE], False)  # noqa: FBT003 -- expat has no name for it
        parser.Parse(b"", True)  # noqa: FBT003 -- as above
    except expat.ExpatError as error:
        raise UnreadableError(Trouble.NOT_XML, f"{error.lineno}:{error.offset}") from error
    except (LookupError, ValueError) as error:  # an encoding that Python does not know, or as said
        raise UnreadableError(Trouble.NOT_XML) from error
