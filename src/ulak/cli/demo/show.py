"""The tour as a person sees it: dialogues in two colours, and below each what it means."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from ulak.cli import output
from ulak.cli.demo.scene import (
    TEXTS,
    Check,
    Explained,
    Part,
    Quote,
    Said,
    Scene,
    Talk,
    Told,
)
from ulak.cli.demo.stage import HOSTNAME, Stage
from ulak.lab.internet import BLOCKLIST, GOOD, GREYLISTING, KNOWS_NOBODY, LISTED
from ulak.lab.provider import HOSTS
from ulak.replies.explain import Explanation

_INDENT = "  "
_MOST_STEPS = 2  # of what to do, for each side; `ulak explain` gives all
_RULE = "─"


def quiet(part: Part) -> None:
    """Show nothing: programs get a step when it is over."""


def opening(stage: Stage, lang: str) -> None:
    """Show who takes part."""
    net = stage.net

    def says(key: str, **facts: str) -> str:
        return TEXTS.say(lang, f"tour.{key}", **facts)

    output.line(output.paint(says("title"), "cyan", bold=True))
    output.line(_RULE * output.columns(says("title")))
    output.line(output.prose(says("intro")))
    output.line()
    rows = [
        (HOSTNAME, f"127.0.0.1:{stage.port}", says("ulak")),
        ("names.example", net.name_server, says("names", zone=BLOCKLIST)),
        *_others(stage, says),
    ]
    output.line(textwrap.indent(output.table(rows), _INDENT))
    output.line()
    output.line(output.prose(says("legend")))


def _others(stage: Stage, says: Callable[..., str]) -> list[tuple[str, str, str]]:
    """Give those who play with us."""
    net = stage.net
    if net.provider is not None:
        return [(host, f"{address}:{net.port}", says("provider")) for host, address in HOSTS]
    return [
        (GOOD.host, f"{GOOD.address}:{net.port}", says("good")),
        (GREYLISTING.host, f"{GREYLISTING.address}:{net.port}", says("greylisting")),
        (KNOWS_NOBODY.host, f"{KNOWS_NOBODY.address}:{net.port}", says("knows-nobody")),
        ("spam.example", LISTED, says("listed")),
    ]


def heading(scene: Scene, count: int) -> None:
    """Show which step begins."""
    left = f"{scene.number}/{count}  {scene.words(f'{scene.name}.title')}"
    right = scene.words(f"{scene.name}.tag")
    gap = max(output.width() - output.columns(left) - output.columns(right), 2)
    output.line()
    output.line()
    output.line(output.paint(left + " " * gap + right, "cyan", bold=True))
    output.line(output.paint(_RULE * output.width(), "cyan"))


def closing(scenes: Sequence[Scene], lang: str, seconds: float) -> None:
    """Show how it went, and where to go on."""
    failed = sum(not scene.ok for scene in scenes)
    output.line()
    output.line(output.paint(_RULE * output.width(), "cyan"))
    facts = {"count": len(scenes), "failed": failed, "seconds": f"{seconds:.0f}"}
    name, colour = ("not-well", "red") if failed else ("all-well", "green")
    output.line(output.paint(output.prose(TEXTS.say(lang, f"tour.{name}", **facts)), colour))
    if failed:
        return
    output.line()
    output.line(TEXTS.say(lang, "tour.further"))
    rows = [
        ("ulak serve", TEXTS.say(lang, "tour.further-serve")),
        ("ulak explain '550 5.1.1 No such user'", TEXTS.say(lang, "tour.further-explain")),
        ("ulak compare 252 554", TEXTS.say(lang, "tour.further-compare")),
    ]
    output.line(textwrap.indent(output.table(rows), _INDENT))


class Shower:
    """Shows the parts of one step as they come."""

    def __init__(self, lang: str, *, fold: bool) -> None:
        self._lang = lang
        self._fold = fold
        self._after_check = False

    def __call__(self, part: Part) -> None:
        """Show a part, parted from the one before by an empty line."""
        if isinstance(part, Explained) and not part.shown:
            return
        is_check = isinstance(part, Check)
        if not (is_check and self._after_check):
            output.line()
        self._after_check = is_check
        for line in self._lines(part):
            output.line(line)

    def _lines(self, part: Part) -> Iterator[str]:
        match part:
            case Said(text):
                yield output.prose(text)
            case Talk(lines, label):
                if label:
                    yield output.prose(label)
                for line in _folded(lines) if self._fold else lines:
                    yield from _spoken(line)
            case Explained(_, told):
                yield from self._explained(told)
            case Told(happenings):
                yield self._say("journal")
                for happening in happenings:
                    yield from _hanging(_INDENT + "· ", happening.sentence)
            case Quote(_, label, text):
                yield output.prose(label)
                for line in output.clean(text).expandtabs(4).split("\n"):
                    yield f"{_INDENT}{output.paint('│', 'yellow')} {line}".rstrip()
            case Check():
                yield from self._checked(part)

    def _say(self, key: str, **facts: object) -> str:
        return TEXTS.say(self._lang, f"tour.{key}", **facts)

    def _explained(self, told: Explanation) -> Iterator[str]:
        codes = " ".join(filter(None, (str(told.reply.code or ""), told.reply.enhanced)))
        yield _INDENT + output.paint(f"{codes}  {told.title}", "yellow", bold=True)
        blocks = {"means": [told.means], "why": self._facts(told)}
        for who in ("sender", "operator"):
            blocks[who] = [fix.step for fix in told.fix if fix.who == who][:_MOST_STEPS]
        wide = max(output.columns(self._say(key)) for key in blocks)
        for key, texts in blocks.items():
            for number, text in enumerate(texts):
                label = "" if number else self._say(key)
                head = 2 * _INDENT + label + " " * (wide - output.columns(label)) + _INDENT
                yield from _hanging(head, text, "cyan")

    def _facts(self, told: Explanation) -> list[str]:
        """Name the facts that decided; who was accepted needs no reason."""
        if told.permanence == "success":
            return []
        return [
            f"{TEXTS.find(self._lang, f'fact.{name}') or name}: {value}"
            for name, value in told.facts.items()
        ]

    def _checked(self, check: Check) -> Iterator[str]:
        if check.ok:
            lines = _hanging(_INDENT + "✓ ", check.expected)
            yield from (output.paint(line, "green") for line in lines)
            return
        for key, head, text in (
            ("expected", "✗ ", check.expected),
            ("came", "  ", check.came or self._say("nothing")),
        ):
            for line in _hanging(_INDENT + head, self._say(key, **{key: text})):
                yield output.paint(line, "red", bold=True)


def _hanging(head: str, text: str, colour: str = "") -> Iterator[str]:
    """Break a text into lines beside its head, which may have a colour."""
    wide = output.columns(head)
    lines = textwrap.wrap(
        output.clean(text),
        max(output.width() - wide, 20),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for number, line in enumerate(lines or [""]):
        shown = output.paint(head, colour) if colour else head
        yield (" " * wide if number else shown) + line


def _folded(lines: Sequence[str]) -> Iterator[str]:
    """Leave out what a server can do: it was seen before."""
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        inner = line.startswith("S: 250-") and before.startswith("S: 250-")
        last = line.startswith("S: 250 ") and before.startswith("S: 250-")
        if last:
            yield "S: …"
        elif not inner:
            yield line


def _spoken(line: str) -> Iterator[str]:
    """Colour a line of a dialogue by who says it, and a refusal apart; break it where it is long.

    What goes on in a further line stands below the first word.
    """
    colour = "red" if line[:4] in ("S: 4", "S: 5") else "green" if line[:1] == "S" else "cyan"
    for shown in _hanging(_INDENT + line[:3], line[3:]):
        yield output.paint(shown, colour)
