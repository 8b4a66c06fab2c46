"""`ulak serve`: run the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ulak.cli import output
from ulak.cli.frame import USAGE, Failure, say
from ulak.cli.options import config_option, lang_option


@click.command()
@config_option
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@lang_option
@click.pass_context
def serve(ctx: click.Context, config: Path | None, data: Path | None, lang: str) -> int:
    """Run the server until it is told to stop (SIGTERM); SIGHUP reads the configuration anew."""
    from ulak.app import serving  # noqa: PLC0415 -- the parts of a server are for this command alone

    def say_where(
        places: Sequence[str],
        web: Sequence[str],
        domains: Sequence[str],
        *,
        closed: bool,
        drained: bool,
    ) -> None:
        for place in places:
            output.line(say(ctx, "serve.listening", place=place))
        for address in web:
            output.line(say(ctx, "serve.web", address=address))
        output.line(say(ctx, "serve.domains", domains=", ".join(domains) or "-"))
        if closed:
            output.line(say(ctx, "serve.nobody"))
        if drained:
            output.line(say(ctx, "serve.drained"))

    try:
        return serving.serve(config, data, say=say_where, language=lang)
    except serving.CannotServeError as error:
        raise Failure(str(error), USAGE) from error
