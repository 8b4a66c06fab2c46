"""`ulak web`: the public reference, without a mail server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from ulak import config as settings
from ulak.cli import output
from ulak.cli.frame import USAGE, Failure, say
from ulak.cli.options import config_option, lang_option
from ulak.config.web import read_listen, read_site


@click.group(invoke_without_command=True)
@click.option("--reference-only", is_flag=True)
@click.option("--address", metavar="IP:PORT")
@click.option("--base", metavar="URL")
@config_option
@click.pass_context
def web(
    ctx: click.Context,
    address: str | None,
    base: str | None,
    config: Path | None,
    *,
    reference_only: bool,
) -> None:
    """Serve the public reference of replies without a mail server, or write it as files."""
    if ctx.invoked_subcommand is not None:
        return
    if not reference_only:
        raise Failure(say(ctx, "web.which"), USAGE)
    from ulak.app.serving import CannotServeError  # noqa: PLC0415 -- as in `serve`
    from ulak.app.web import alone  # noqa: PLC0415 -- as above

    def say_where(addresses: Sequence[str]) -> None:
        for each in addresses:
            output.line(say(ctx, "serve.web", address=each))

    try:
        alone.serve(_chosen(ctx, config, base, address), say_where)
    except CannotServeError as error:
        raise Failure(str(error), USAGE) from error


@web.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--base", metavar="URL")
@config_option
@lang_option
@click.pass_context
def export(
    ctx: click.Context, folder: Path, base: str | None, config: Path | None, lang: str
) -> None:
    """Write the reference into a folder, as files that any file server shows.

    What lies there already stays, unless a page has its name.
    """
    del lang
    from ulak.app.web import alone  # noqa: PLC0415 -- as in `web`

    written = alone.export(_chosen(ctx, config, base), folder)
    output.line(say(ctx, "web.written", count=written.files, folder=folder))
    if not written.sitemap:
        output.line(say(ctx, "web.no-sitemap"))


def _chosen(
    ctx: click.Context, config: Path | None, base: str | None, address: str | None = None
) -> settings.Config:
    """Read the configuration; what the command line says of the web overrules it."""
    chosen = settings.load(config)
    web = chosen.web or settings.Web()
    if address is not None:
        place = read_listen(address)
        if place is None:
            raise Failure(say(ctx, "web.no-address", given=output.clean(address)), USAGE)
        web = replace(web, addresses=(place,))
    if base is not None:
        site = read_site(base)
        if site is None:
            raise Failure(say(ctx, "web.no-base", given=output.clean(base)), USAGE)
        web = replace(web, base=site)
    return replace(chosen, web=web)
