"""The options that many commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ulak.language import LANGUAGES, of_environment

F = TypeVar("F", bound=Callable[..., Any])
_HERE = Path("ulak.toml")


def _config(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    return value if value or not _HERE.exists() else _HERE


def _lang(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    root = ctx.find_root().obj
    return value or (root if isinstance(root, str) else of_environment({}))


def config_option(function: F) -> F:
    """Add `--config FILE`: `./ulak.toml` if it is there, else None, the embedded default."""
    option = click.option(
        "--config", "config", type=click.Path(path_type=Path), metavar="FILE", callback=_config
    )
    return option(function)


def lang_option(function: F) -> F:
    """Add `--lang`, by default the language of the locale; the function gets `lang`."""
    option = click.option(
        "--lang", type=click.Choice(LANGUAGES), metavar="LANGUAGE", callback=_lang
    )
    return option(function)


def json_option(function: F) -> F:
    """Add `--json`; the function gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True)(function)
