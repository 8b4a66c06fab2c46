"""A page as a value, and its forms: plain text, Markdown, HTML.

Every text may come from a stranger's reply; what stands in it is shown and never obeyed. A span
between backquotes is something to type or to compare letter by letter.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from ulak.language import direction
from ulak.language.bidi import parts

_SPAN = re.compile(r"`([^`]*)`")
_MARKDOWN = re.compile(r"([\\*_\[\]<>#|~&])")
_STAY = "\x00"
_LIST_MARK = re.compile(r"^([0-9]+)([.)] )|^([-+] )")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the page's."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list, with a line before it where `title` is given."""

    texts: tuple[str, ...]
    title: str = ""
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they stand for."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Things side by side: a head, and rows that each begin with what they are about."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Links:
    """Places to read on, as titles and addresses."""

    rows: tuple[tuple[str, str], ...]


Block = Heading | Paragraph | Items | Facts | Table | Links


@dataclass(frozen=True, slots=True)
class Document:
    """One page in one language."""

    language: str
    blocks: tuple[Block, ...]

    @property
    def title(self) -> str:
        """The first heading."""
        return next((b.text for b in self.blocks if isinstance(b, Heading)), "")


def to_text(
    document: Document,
    *,
    width: int = 80,
    emphasise: Callable[[str], str] = str,
    clean: Callable[[str], str] = str,
) -> str:
    """Write for a terminal.

    `emphasise` makes a heading stand out; `clean` makes a text harmless.
    """
    parts = [_text(block, width, emphasise, clean) for block in document.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_markdown(document: Document) -> str:
    """Write as Markdown (CommonMark)."""
    return "\n\n".join(filter(None, map(_markdown, document.blocks))) + "\n"


def to_html(document: Document) -> str:
    """Write as one complete HTML page that needs no other file."""
    way = direction(document.language)
    return (
        f'<!doctype html>\n<html lang="{escape(document.language)}" dir="{way}">\n<head>\n'
        f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(document.title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{to_fragment(document)}</main>\n</body>\n</html>\n"
    )


def to_fragment(document: Document) -> str:
    """Write the blocks as HTML, to be put into a page."""
    return "".join(_html(block, direction(document.language)) for block in document.blocks)


def to_inline(text: str, way: str) -> str:
    """Write one text as HTML within a line; `way` is where its language begins, `ltr` or `rtl`."""
    return "".join(_marked(plain, code, way) for plain, code in _spans(text))


_STYLE = (
    "body{font:1rem/1.55 system-ui,sans-serif;margin:0 auto;max-width:46rem;padding:1rem}"
    "code{background:#8882;border-radius:.2em;padding:0 .25em}"
    "h2{border-top:1px solid #8886;padding-top:1rem}"
    "dt{font-weight:600}dd{margin:0 0 .4rem}"
    "table{border-collapse:collapse}th,td{border-bottom:1px solid #8886;padding:.3em .8em .3em 0;"
    "text-align:start;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8bf}}"
)


# -- text -------------------------------------------------------------------------------------


def _text(
    block: Block, width: int, emphasise: Callable[[str], str], clean: Callable[[str], str]
) -> str:
    match block:
        case Heading(text, level):
            line = emphasise(clean(text))
            under = {1: "=", 2: "-"}.get(level)
            return line if under is None else f"{line}\n{under * min(len(text), width)}"
        case Paragraph(text):
            return _wrap(clean(text), width, "  ")
        case Items(texts, title, numbered):
            lines = [_wrap(clean(title) + ":", width, "  ")] if title else []
            for number, text in enumerate(texts, 1):
                mark = f"{number}. " if numbered else "- "
                lines.append(_wrap(clean(text), width, "  " + mark, " " * (2 + len(mark))))
            return "\n".join(lines)
        case Facts(rows):
            names = max((len(name) for name, _ in rows), default=0) + 2
            return "\n".join(
                _wrap(clean(value), width, f"  {name + ':':{names}}", " " * (names + 2))
                for name, value in rows
            )
        case Table(head, rows):
            return _columns((head, *rows), width, emphasise, clean)
        case Links(rows):
            return "\n".join(_link(clean(title), clean(url), width) for title, url in rows)


def _link(title: str, url: str, width: int) -> str:
    if title == url:
        return f"  - {url}"
    line = f"  - {title}  {url}"
    return line if len(line) <= width else f"  - {title}\n    {url}"


def _columns(
    rows: tuple[tuple[str, ...], ...],
    width: int,
    emphasise: Callable[[str], str],
    clean: Callable[[str], str],
) -> str:
    """Write rows as columns, the first as narrow as it can be; a cell may take several lines."""
    first = max(len(row[0]) for row in rows) + 2
    wide = max((width - 2 - first) // max(len(rows[0]) - 1, 1) - 2, 12)
    lines: list[str] = []
    for number, row in enumerate(rows):
        cells = [[clean(row[0])], *(textwrap.wrap(clean(cell), wide) or [""] for cell in row[1:])]
        widths = (first, *(wide + 2 for _ in row[1:]))
        for line in range(max(map(len, cells))):
            parts = (cell[line] if line < len(cell) else "" for cell in cells)
            padded = "".join(f"{part:{w}}" for part, w in zip(parts, widths, strict=True))
            text = f"  {padded}".rstrip()
            lines.append(emphasise(text) if number == 0 else text)
        if number == 0:
            lines.append("  " + "-" * (sum(widths) - 2))
    return "\n".join(lines)


def _wrap(text: str, width: int, first: str, rest: str | None = None) -> str:
    # What is to be typed stays on one line.
    text = _SPAN.sub(lambda span: span[0].replace(" ", _STAY), text)
    filled = textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace(_STAY, " ")


# -- Markdown ---------------------------------------------------------------------------------


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_mark(text)}"
        case Paragraph(text):
            return _mark(text)
        case Items(texts, title, numbered):
            marks = (f"{n}. " if numbered else "- " for n in range(1, len(texts) + 1))
            lines = [mark + _mark(text) for mark, text in zip(marks, texts, strict=True)]
            return (f"{_mark(title)}:\n\n" if title else "") + "\n".join(lines)
        case Facts(rows):
            return "\n".join(f"- **{_mark(name)}:** {_mark(value)}" for name, value in rows)
        case Table(head, rows):
            every = (head, ("---",) * len(head), *rows)
            marked = ("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in every)
            return "\n".join(marked)
        case Links(rows):
            return "\n".join(f"- [{_mark(title)}](<{_address(url)}>)" for title, url in rows)


def _cell(text: str) -> str:
    # A bar ends a cell even within a code span.
    return text if text == "---" else _mark(text.replace("`", "'") if "|" in text else text)


def _mark(text: str) -> str:
    """Escape what Markdown would obey, outside of code spans."""
    text = " ".join(text.split("\n"))
    pieces = []
    for plain, code in _spans(text):
        pieces.append(f"`{code}`" if code is not None else _MARKDOWN.sub(r"\\\1", plain))
    return _LIST_MARK.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", "".join(pieces))


# -- HTML -------------------------------------------------------------------------------------


def _html(block: Block, way: str) -> str:
    def inline(text: str) -> str:
        return to_inline(text, way)

    match block:
        case Heading(text, level):
            return f"<h{level}>{inline(text)}</h{level}>\n"
        case Paragraph(text):
            return f"<p>{inline(text)}</p>\n"
        case Items(texts, title, numbered):
            tag = "ol" if numbered else "ul"
            rows = "".join(f"<li>{inline(text)}</li>\n" for text in texts)
            return (f"<p>{inline(title)}:</p>\n" if title else "") + f"<{tag}>\n{rows}</{tag}>\n"
        case Facts(rows):
            pairs = "".join(f"<dt>{inline(n)}</dt><dd>{inline(v)}</dd>\n" for n, v in rows)
            return f"<dl>\n{pairs}</dl>\n"
        case Table(head, rows):
            top = "".join(f'<th scope="col">{inline(cell)}</th>' for cell in head)
            body = "".join(
                f'<tr><th scope="row">{inline(row[0])}</th>'
                + "".join(f"<td>{inline(cell)}</td>" for cell in row[1:])
                + "</tr>\n"
                for row in rows
            )
            return f"<table>\n<tr>{top}</tr>\n{body}</table>\n"
        case Links(rows):
            found = "".join(
                f'<li><a href="{escape(_address(url))}">{inline(title)}</a></li>\n'
                for title, url in rows
            )
            return f"<ul>\n{found}</ul>\n"


def _marked(plain: str, code: str | None, way: str) -> str:
    """Write a part of a text; in one from right to left, with what runs the other way marked."""
    if code is not None:
        written = f"<code>{escape(code)}</code>"
        return written if way == "ltr" else f'<bdi dir="ltr">{written}</bdi>'
    if way == "ltr":
        return escape(plain)
    return "".join(
        f'<bdi dir="ltr">{escape(part)}</bdi>' if left else escape(part)
        for part, left in parts(plain)
    )


def _spans(text: str) -> Iterator[tuple[str, str | None]]:
    """Give the plain parts and the code spans in turn; a lone backquote is plain."""
    at = 0
    for span in _SPAN.finditer(text):
        yield text[at : span.start()], None
        yield "", span[1]
        at = span.end()
    yield text[at:], None


def _address(url: str) -> str:
    """Give an address only if it leads to the web."""
    safe = url.startswith("https://") and not re.search(r"[\s<>\"'\\]", url)
    return url if safe else "#"
