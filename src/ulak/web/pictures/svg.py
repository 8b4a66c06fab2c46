"""SVG as text: elements, strangers' words made harmless, and a sheet that is as wide as its page.

A sheet has no `viewBox`: its text keeps its size on a telephone and on a large screen. What stands
at the side where lines begin has its distance from there, what stands at the other side from
there, and the rest is in percent. In a language that runs from right to left all of it is
mirrored, but for words and marks.
"""

from __future__ import annotations

from html import escape, unescape

from ulak.language import direction
from ulak.web.pictures.marks import MARKS
from ulak.web.pictures.measure import cut

_LONGEST_TITLE = 250  # characters
_LONGEST_DESCRIPTION = 4000
_ISOLATES = "\u2066\u2069"


class Picture(str):
    """The text of an SVG element; a template takes it as it is."""

    __slots__ = ()

    @property
    def caption(self) -> str:
        """What the picture is called, as plain text."""
        return unescape(self.partition("<title>")[2].partition("</title>")[0])

    def __html__(self) -> str:
        return self


def words(text: str, longest: int = _LONGEST_TITLE) -> str:
    """Make a text fit to stand between tags: short, printable, escaped.

    What turns text around is shown as a question mark, but for isolates, which every line that has
    one ends again.
    """
    joined = " ".join(text[: 4 * longest].split())
    if not joined.isprintable():
        joined = "".join(c if c.isprintable() or c in _ISOLATES else "?" for c in joined)
    return escape(cut(joined, longest), quote=True)


def element(name: str, *inside: str, **attributes: object) -> str:
    """Give an element. `kind` is its class; a line under a word stands for a hyphen."""
    written = "".join(
        f' {"class" if key == "kind" else key.replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value not in ("", None)
    )
    content = "".join(inside)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def titled(title: str, *inside: str) -> str:
    """Group what shows its full text when somebody points at it."""
    return element("g", element("title", words(title)), *inside) if title else "".join(inside)


def _value(value: object) -> str:
    """Numbers have one place behind the point at most, and no more than they need."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


class Sheet:
    """A picture while it is drawn, from top to bottom. `height` is what is used of it, in pixels.

    `shape` and `write` take distances from the side where lines begin; `end` says from the other.
    """

    def __init__(self, language: str, kind: str) -> None:
        self.language = language
        self.mirrored = direction(language) == "rtl"
        self.height = 0.0
        self._kind = kind
        self._shapes: list[str] = []
        self._above: list[str] = []
        self._begin: list[str] = []
        self._end: list[str] = []
        self._anywhere: list[str] = []

    def shape(self, markup: str, *, above: bool = False) -> None:
        """Draw something without words; `above` the other shapes."""
        (self._above if above else self._shapes).append(markup)

    def mark(self, tone: str, x: float, y: float) -> None:
        """Draw the mark of a tone around a point; each has a form of its own beside its colour."""
        at = -x if self.mirrored else x
        place = f"translate({_value(float(at))},{_value(float(y))})"
        self._begin.append(element("g", MARKS[tone], kind=tone, transform=place))

    def write(
        self, text: str, x: float, y: float, kind: str = "", *,
        title: str = "", end: bool = False, protocol: bool = False, until: float = 0,
    ) -> None:  # fmt: skip
        """Write a line. `protocol` runs from left to right in every language.

        `title` is all that the line says, for whoever points at it where that is more. With
        `until` a line of a protocol ends there, or begins at `x` in a language from right to left:
        its end is at the same place in both.
        """
        if until and not self.mirrored:
            x = until
        at = x if end is self.mirrored else -x
        turned = self.mirrored and protocol
        last = end or (bool(until) and not self.mirrored)
        anchor = "end" if last is not turned else ""
        markup = element(
            "text", words(text), x=float(at), y=float(y), kind=kind, text_anchor=anchor,
            direction="ltr" if turned else "",
        )  # fmt: skip
        (self._end if end else self._begin).append(titled("" if title == text else title, markup))

    def middle(self, text: str, x: float, y: float, kind: str = "") -> None:
        """Write a short line around a point."""
        at = -x if self.mirrored else x
        markup = element(
            "text", words(text), x=float(at), y=float(y), kind=kind, text_anchor="middle"
        )
        self._begin.append(markup)

    def note(self, text: str, percent: float, y: float, kind: str = "") -> None:
        """Write a short line around a place in percent of the width."""
        at = 100 - percent if self.mirrored else percent
        self._anywhere.append(
            element(
                "text",
                words(text),
                x=f"{_value(float(at))}%",
                y=float(y),
                kind=kind,
                text_anchor="middle",
            )
        )

    def done(self, title: str, description: str) -> Picture:
        """Give the picture. Title and description tell all of it to those who do not see it."""
        begin, end = ("100%", "0") if self.mirrored else ("0", "100%")
        shapes = "".join((*self._shapes, *self._above))
        if shapes and self.mirrored:
            shapes = _at("100%", element("g", shapes, transform="scale(-1,1)"))
        return Picture(
            element(
                "svg",
                element("title", words(title)),
                element("desc", words(description or title, _LONGEST_DESCRIPTION)),
                shapes,
                *self._anywhere,
                _at(begin, *self._begin),
                _at(end, *self._end),
                xmlns="http://www.w3.org/2000/svg",
                kind=f"picture {self._kind}",
                role="img",
                lang=self.language,
                direction="rtl" if self.mirrored else "ltr",
                width="100%",
                height=round(self.height),
                font_size="14",
            )
        )


def _at(x: str, *inside: str) -> str:
    if not inside or x == "0":
        return "".join(inside)
    return element("svg", *inside, x=x, overflow="visible")
