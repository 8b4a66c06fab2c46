"""Pages as the command line shows them: wrapped, in colour on a terminal, or in another form."""

from __future__ import annotations

from typing import Any

import click

from ulak.cli import output
from ulak.replies.document import Document, to_html, to_markdown, to_text

_WIDTH = 80


def unescaped(text: str) -> str:
    r"""Put line breaks for `\n` and `\r\n` written as characters."""
    return text.replace(r"\r\n", "\n").replace(r"\n", "\n")


def written(document: Document, facts: dict[str, Any], form: str) -> None:
    """Show a page as `text`, `md` or `html`, or its facts as `json`."""
    match form:
        case "json":
            output.json_object(facts)
        case "md":
            click.echo(to_markdown(document), nl=False)
        case "html":
            click.echo(to_html(document), nl=False)
        case _:
            page(document)


def page(document: Document) -> None:
    """Show a page as text."""
    width = min(output.width(), _WIDTH)
    text = to_text(document, width=width, emphasise=_emphasised, clean=output.clean)
    click.echo(output.shown(text), nl=False)


def _emphasised(text: str) -> str:
    return output.paint(text, "cyan", bold=True)
