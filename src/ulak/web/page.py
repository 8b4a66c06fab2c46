"""Pages: a template, put into the frame, in the language of the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ulak.language import direction, known
from ulak.replies.document import Document, to_fragment, to_inline
from ulak.web import asset, words
from ulak.web.addresses import localized
from ulak.web.site import Site


class Say(Protocol):
    """Gives a text of the pages in one language."""

    def __call__(self, name: str, /, **facts: object) -> str:
        """Give the text of this name (`piece.key`) with facts put in."""


def site_of(request: Request) -> Site:
    """Give the site that a request is for."""
    site: Site = request.scope["ulak.site"]
    return site


def language_of(request: Request) -> str:
    """Give the language of the address that was asked for."""
    return str(request.scope.get("ulak.language", "en"))


def path_of(request: Request) -> str:
    """Give the path that a page shares with the same one in other languages."""
    return str(request.scope.get("ulak.path", request.scope["path"]))


def render(
    request: Request,
    template: str,
    *,
    title: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,  # noqa: ANN401 -- what a template needs is the template's business
) -> Response:
    """Answer with a page; `written` says what may be given."""
    made = written(request, template, title=title, **context)
    return HTMLResponse(made, status, {"content-language": language_of(request), **(headers or {})})


def written(
    request: Request,
    template: str,
    *,
    title: str,
    description: str = "",
    index: bool = True,
    alternates: bool = True,
    section: str = "",
    scripts: tuple[str, ...] = (),
    **context: Any,  # noqa: ANN401 -- as above
) -> str:
    """Write a page.

    `title` is the document's, without the site's name. `description` is for who finds the page
    by searching. `index`: whether it may be found so. `alternates`: whether it is there in the
    other languages. `section` is what navigation shows as the present place. `scripts` are files
    below `static/` that it gets better with.
    """
    language = language_of(request)
    return (
        _environment()
        .get_template(template)
        .render(
            site=site_of(request),
            language=language,
            direction=direction(language),
            path=path_of(request),
            title=title,
            description=description,
            index=index,
            alternates=alternates,
            section=section,
            scripts=scripts,
            **_tools(language),
            **context,
        )
    )


def fragment(request: Request, template: str, **context: Any) -> Response:  # noqa: ANN401 -- as above
    """Answer with a part of a page, to be put into one that is there."""
    language = language_of(request)
    made = (
        _environment()
        .get_template(template)
        .render(
            site=site_of(request),
            language=language,
            direction=direction(language),
            path=path_of(request),
            **_tools(language),
            **context,
        )
    )
    return HTMLResponse(made)


def part(language: str, template: str, **context: Any) -> str:  # noqa: ANN401 -- as above
    """Write a part of a page where there is no request: for a stream of events."""
    return (
        _environment()
        .get_template(template)
        .render(language=language, direction=direction(language), **_tools(language), **context)
    )


def _tools(language: str) -> dict[str, Callable[..., object]]:
    """Give what every template may call, bound to a language.

    `t` gives a text, `tm` one whose spans between backquotes are marked as code; `mark` does
    that to a text; `href` gives the address of a page; `document` writes the blocks of one.
    """
    way = direction(language)
    say = partial(words.say, language)

    def href(path: str, to: str = language) -> str:
        return localized(path, to)

    def mark(text: str) -> Markup:
        return Markup(to_inline(text, way))  # noqa: S704 -- it is escaped there

    def document(blocks: Document) -> Markup:
        return Markup(to_fragment(blocks))  # noqa: S704 -- it is escaped there

    def marked(name: str, /, **facts: object) -> Markup:
        return mark(say(name, **facts))

    return {"t": say, "tm": marked, "href": href, "mark": mark, "document": document}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("ulak.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # Letters as they are: six octets for each would double what a page in Arabic says of itself.
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    made.globals.update(static=asset.static, known=known())
    return made
