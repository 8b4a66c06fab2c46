"""`ulak compare` and `ulak codes`: the reference of replies."""

from __future__ import annotations

import click

from ulak.cli.frame import USAGE, Failure
from ulak.cli.options import json_option, lang_option
from ulak.cli.pages import unescaped, written
from ulak.replies.compare import compare as compared
from ulak.replies.reference import reference
from ulak.replies.sides import UnknownReplyError, page_of, side


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--format", "form", type=click.Choice(("text", "json", "md", "html")), default="text")
@lang_option
def compare(a: str, b: str, form: str, lang: str) -> None:
    """Set two replies side by side: what each means, what tells them apart, and what to do."""
    try:
        found = compared(unescaped(a), unescaped(b), lang)
    except UnknownReplyError as error:
        raise Failure(str(error), USAGE) from None
    written(found.to_document(), found.to_json(), form)


@click.command()
@click.argument("code", required=False)
@click.option("--format", "form", type=click.Choice(("text", "json", "md", "html")), default="text")
@json_option
@lang_option
def codes(code: str | None, form: str, lang: str, *, as_json: bool) -> None:
    """Look up reply codes, enhanced codes and causes: one of them, or all."""
    form = "json" if as_json else form
    if code is None:
        everything = reference(lang)
        written(everything.to_document(), everything.to_json(), form)
        return
    try:
        found = side(code, lang)
    except UnknownReplyError as error:
        raise Failure(str(error), USAGE) from None
    written(page_of(found, lang), found.to_json(), form)
