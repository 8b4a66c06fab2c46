"""Puts the help of commands into the language of the user.

English help may stand in the command's own code; other English texts stand in `texts/en.toml`, and
all of them in gettext catalogues for the other languages (`locale/`, `ulak.cli.catalogues`):
`help."queue list"` for a command, and `about."queue list"` where its own page says more;
`option."queue list".domain` for an option, or `option.any.json` for one that means the same
everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ulak.language import FALLBACK, LANGUAGES
from ulak.language.po import Strings

_HERE = Path(__file__).parent
TEXTS = Strings(_HERE / "texts" / "en.toml", _HERE / "locale", "ulak")


class Formatter(click.HelpFormatter):
    """Writes the headings of a help page in the language of the user."""

    language = FALLBACK

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that shows how the command is called."""
        prefix = TEXTS.say(self.language, "heading.Usage") + " " if prefix is None else prefix
        parts = [TEXTS.find(self.language, f"usage-part.{part}") or part for part in args.split()]
        super().write_usage(prog, " ".join(parts), prefix)

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        super().write_heading(TEXTS.find(self.language, f"heading.{heading}") or heading)


class Context(click.Context):
    """A context whose help is in the language of the user."""

    formatter_class = Formatter

    def make_formatter(self) -> click.HelpFormatter:
        """Make the formatter of the help page, and put its texts into the language."""
        formatter = super().make_formatter()
        language = self.find_root().obj
        if isinstance(formatter, Formatter) and isinstance(language, str):
            formatter.language = language
            dress(self.command, self._below_root(), language)
        return formatter

    def _below_root(self) -> str:
        """Give the path of the command without `ulak`."""
        names: list[str] = []
        context: click.Context = self
        while context.parent is not None:
            names.append(context.info_name or "")
            context = context.parent
        return " ".join(reversed(names))


def prepare(command: click.Command) -> None:
    """Let a command and all below it be dressed when their help is wanted. May be done again.

    Groups take `--lang` as their commands do.
    """
    command.context_class = Context
    if isinstance(command, click.Group):
        if not any("--lang" in param.opts for param in command.params):
            command.params.append(_lang())
        for inner in command.commands.values():
            prepare(inner)


def dress(command: click.Command, path: str, language: str) -> None:
    """Set the help of a command, its options and its subcommands. May be done again."""
    group = command if isinstance(command, click.Group) else None
    own = _own(command, command.help)
    found = TEXTS.find(language, f"help.{path}")
    about = TEXTS.find(language, f"about.{path}") or found
    command.help = own if language == FALLBACK and own else about or own
    command.short_help = found or " ".join((own or "").split())  # whole: Click would cut it
    for param in command.get_params(Context(command)):
        if isinstance(param, click.Option):
            own = None if "--help" in param.opts else _own(param, param.help)
            found = find(option_names(path, param), language)
            param.help = own if language == FALLBACK and own else found or own
    if group:
        for name, inner in group.commands.items():
            dress(inner, f"{path} {name}".strip(), language)


def _lang() -> click.Option:
    """Make the `--lang` of a group; `asked_for` has read it before anything is parsed."""
    choice = click.Choice(LANGUAGES)
    return click.Option(["--lang"], type=choice, metavar="LANGUAGE", expose_value=False)


def _own(owner: click.Command | click.Option, now: str | None) -> str | None:
    """Give the help that stands in the code, which a dress may have covered since."""
    kept: str | None = owner.__dict__.setdefault("ulak_own_help", now)
    return kept


def option_names(path: str, option: click.Option) -> list[str]:
    """Give the names under which the help of an option may stand, the nearest first."""
    name = option.opts[-1].lstrip("-")
    parts = path.split(" ")
    above = [" ".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [f"option.{where}.{name}" for where in (*above, "any")]


def find(names: Iterable[str], language: str) -> str | None:
    """Give the first of several texts that there is."""
    return next((text for name in names if (text := TEXTS.find(language, name))), None)
