"""What the commands about keys share: whose keys they are, and how they are told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from ulak import config as settings
from ulak.app import signing
from ulak.app.publishing import check_keys
from ulak.cli import output
from ulak.cli.frame import USAGE, Failure, say
from ulak.cli.nameservers import Server
from ulak.cli.publishing import standing
from ulak.dns.names import to_ascii
from ulak.keys.folder import KeyFolder, KeysError, NoSuchKeyError
from ulak.keys.key import DkimKey, zone_line
from ulak.publish.compare import Standing
from ulak.smtp.grammar import GrammarError, parse_domain

T = TypeVar("T")


class Desk:
    """The keys of a configuration, at the command line."""

    def __init__(self, ctx: click.Context, config: Path | None, data: Path | None) -> None:
        self.ctx = ctx
        self.chosen = settings.load(config, data)
        self.keys: KeyFolder = signing.folder_of(self.chosen)

    def say(self, name: str, /, **facts: object) -> str:
        """Give a text in the language of the user."""
        return say(self.ctx, name, **facts)

    def line(self, name: str, /, **facts: object) -> None:
        """Say something, in lines that fit."""
        output.line(output.prose(self.say(name, **facts)))

    def warn(self, name: str, /, **facts: object) -> None:
        """Say something beside what was asked for."""
        click.echo(output.prose(self.say(name, **facts)), err=True)

    def domain(self, text: str) -> str:
        """Read the name of a domain, as DNS has it."""
        name = to_ascii(text)
        try:
            if name:
                return parse_domain(name)
        except GrammarError:
            pass
        raise Failure(self.say("dkim.no-domain", domain=output.clean(text)), USAGE)

    def asked(self, question: Callable[[], T]) -> T:
        """Do something with the keys; what is wrong with them becomes a sentence."""
        try:
            return question()
        except NoSuchKeyError as error:
            name = output.clean(str(error.args[0]))
            raise Failure(self.say("dkim.none", selector=name)) from None
        except KeysError as error:
            raise Failure(self.unusable(error), USAGE) from None

    def unusable(self, error: KeysError) -> str:
        """Say what is wrong with a file."""
        path = output.clean(str(error.where))
        return self.say("dkim.unusable", path=path, problem=error.problem)

    def ours(self, domain: str) -> bool:
        """Whether mail for a domain ends here."""
        return domain in {to_ascii(name) for name in self.chosen.domains}

    def told(self) -> None:
        """Let a running server take the keys that are there now."""
        if not self.chosen.dkim.sign:
            self.warn("dkim.switched-off")
        if not signing.tell_running(self.chosen):
            self.warn("dkim.told-later")

    def missing(self, keys: Sequence[DkimKey], servers: Sequence[Server]) -> bool:
        """Ask DNS for keys, and tell of those that it does not have; whether there are any."""
        wrong = False
        for checked in check_keys(self.chosen, keys, servers):
            if checked.standing is not Standing.THERE:
                wrong = True
                self.warn("dkim.not-published", name=checked.wanted.name)
            if checked.standing is not Standing.THERE or checked.note:
                click.echo(output.prose(standing(self.ctx, checked), "  "), err=True)
        return wrong

    def publish(self, keys: Sequence[DkimKey]) -> None:
        """Show what has to be published of keys."""
        for key in keys:
            output.line(zone_line(key.name, key.record))


def fields(key: DkimKey) -> dict[str, object]:
    """Give a key for programs, without its private half."""
    return {
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm.value,
        "bits": key.bits,
        "stage": key.stage.value,
        "made": key.made,
        "activated": key.activated,
        "retired": key.retired,
        "name": key.name,
        "record": key.record,
    }


def moment(seconds: float | None) -> str:
    """Show a time in the zone of the user."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
