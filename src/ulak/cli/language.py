"""The language in which a command speaks: `--lang`, else the locale's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ulak.language import LANGUAGES, of_environment


def asked_for(words: Sequence[str], environ: Mapping[str, str]) -> str:
    """Find `--lang` in a command line before it is parsed: help and errors need it already.

    A language that Ulak does not speak is left for the parser to refuse.
    """
    for number, word in enumerate(words):
        if word == "--":
            break
        option, equals, value = word.partition("=")
        if option == "--lang":
            value = value if equals else "".join(words[number + 1 : number + 2])
            if value in LANGUAGES:
                return value
    return of_environment(environ)
