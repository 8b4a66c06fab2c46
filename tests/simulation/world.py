"""A year, drawn from a seed: sites with their habits and troubles, mail, and troubles of our own.

Mail comes in episodes, with quiet weeks between them, and trouble begins near them: a year has
few moments in which something can go wrong, and a simulation is to be there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from ulak.delivery.ready import Limits
from ulak.lab.habits import (
    Bounds,
    Choosy,
    Closed,
    Doors,
    Full,
    Greylisting,
    Habit,
    Habits,
    Pace,
    Standing,
    Unknown,
)
from ulak.queue.retry import Retry

from .wire import Server, Span

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
YEAR = 365 * DAY
HOME = "home.example"
PROVIDER = "mail.protection.outlook.com"
UNKNOWN = ("nobody", "gone", "typo")
FULL = ("hoarder", "holiday")
USERS = ("ada", "bob", "eve", "kaan", "leyla")


class Temper(StrEnum):
    """What is special about a site."""

    HAPPY = "happy"
    GREYLISTS = "greylists"
    LIMITS = "limits"  # messages in a time
    JUDGES = "judges"  # limits, and remembers who goes on
    DOORS = "doors"  # sessions at a time
    BOUNDS = "bounds"  # messages in a session, recipients in a message
    CLOSES = "closes"  # says that it is closed, for spans
    SILENT = "silent"  # accepts connections and says nothing, for spans
    REFUSES = "refuses"  # nobody listens, for spans
    LOST = "lost"  # no packet comes back, for spans
    DEAD = "dead"  # for good
    SLOW = "slow"
    CUTS = "cuts"  # breaks off, before and after it took a message
    CHOOSY = "choosy"
    NAMELESS = "nameless"  # its DNS fails, for spans


FLOODED = (Temper.LIMITS, Temper.DOORS, Temper.BOUNDS, Temper.SLOW)
PROMPT = (Temper.HAPPY, Temper.GREYLISTS, Temper.CHOOSY, Temper.CUTS)  # nobody is kept waiting


@dataclass
class Site:
    """Some domains with the same mail hosts."""

    name: str
    temper: Temper
    domains: tuple[str, ...]
    hosts: tuple[tuple[int, str, str], ...]  # preference, name, address
    server: Server
    nameless: Sequence[Span] = ()
    provider: str = ""  # under whose names each domain has a mail host of its own

    def of(self, domain: str) -> Sequence[tuple[int, str, str]]:
        """Give the mail hosts of a domain."""
        if not self.provider:
            return self.hosts
        place = self.domains.index(domain)
        address = self.hosts[0][2].rpartition(".")[0]
        host = f"{domain.replace('.', '-')}.{self.provider}"
        return ((10, host, f"{address}.{100 + place}"),)


@dataclass(frozen=True)
class Letter:
    """A message that somebody hands to us.

    `bulk`: one of very many. `beside`: to where another sender's flood goes, too.
    """

    at: float
    name: str
    sender: str
    recipients: tuple[str, ...]
    bulk: bool = False
    beside: bool = False


class Deed(StrEnum):
    """What happens to us, or is done by our operator."""

    CRASH = "crash"
    RESTART = "restart"
    DROP = "drop"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"


@dataclass(frozen=True)
class Event:
    """Something at a time; a crash and a restart last for a while."""

    at: float
    deed: Deed
    lasts: float = 0.0


@dataclass
class World:
    """All that is decided beforehand."""

    seed: int
    sites: list[Site]
    letters: list[Letter]
    events: list[Event]
    limits: Limits
    retry: Retry
    disk: Sequence[Span] = ()  # when the store fails, every other time
    durable: bool = False  # SQLite in place of memory
    sources: int = 1  # addresses that we send from
    workers: int = 1
    by_domain: dict[str, Site] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_domain = {domain: site for site in self.sites for domain in site.domains}


def world(seed: int) -> World:
    """Draw a year."""
    return _Drawing(seed).world()


class _Drawing:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.lot = Random(seed)
        self.more = Random(f"more of {seed}")  # so that what is drawn by the other stays
        self.episodes = sorted(self.lot.uniform(0, YEAR) for _ in range(self.lot.randint(8, 12)))

    def world(self) -> World:
        lot = self.lot
        sites = [self._site("home", Temper.HAPPY, (HOME,))]
        sites += [self._site(f"happy{i}", Temper.HAPPY) for i in range(2)]
        sick = [temper for temper in Temper if temper is not Temper.HAPPY]
        sites += [self._site(f"s{i}", lot.choice(sick)) for i in range(lot.randint(4, 8))]
        target = lot.randint(2, 6)
        letters = self._letters(sites)
        self._roll_up(sites, letters)
        self._flood(sites, letters)
        return World(
            self.seed,
            sites,
            letters,
            sorted(self._events(), key=lambda event: event.at),
            Limits(
                target=target,
                total=target * 12,
                messages=lot.choice((30, 60, 200)),
                waiting=lot.choice((5, 15, 40)),
                recipients=lot.choice((3, 10, 50)),
            ),
            Retry(give_up_after=lot.choice((1, 2, 5, 5)) * DAY),
            disk=[self._span(20 * MINUTE) for _ in range(lot.choice((0, 0, 1, 2)))],
            durable=self.seed % 50 == 49,
            sources=self.more.choice((1, 1, 1, 2, 3)),
            workers=self.more.choice((1, 1, 1, 1, 2, 3)),
        )

    def _roll_up(self, sites: list[Site], letters: list[Letter]) -> None:
        """Make one of the sites a large provider's, with more domains than before."""
        lot = self.more
        if lot.random() < 0.6:
            return
        site = lot.choice(sites[1:])
        site.provider = PROVIDER
        before = set(site.domains)
        site.domains += tuple(f"e{i}.{site.name}.example" for i in range(lot.randint(2, 6)))
        for place, letter in enumerate(letters):
            who = [
                f"{name}@{lot.choice(site.domains) if domain in before else domain}"
                for name, _, domain in (each.partition("@") for each in letter.recipients)
            ]
            letters[place] = replace(letter, recipients=tuple(dict.fromkeys(who)))

    def _flood(self, sites: list[Site], letters: list[Letter]) -> None:
        """Have somebody send far more to a site than it takes; a few others write there, too."""
        lot = Random(f"flood of {self.seed}")
        if lot.random() < 0.75:
            return
        site = lot.choice([site for site in sites if site.temper in FLOODED] or sites[1:2])
        flood, small = (other.domains[0] for other in sites[1:3])  # they take their reports
        at = lot.choice(self.episodes)
        last = at + lot.choice((MINUTE, 20 * MINUTE, 2 * HOUR))
        many = lot.choice((100, 200, 400))
        for number in range(many):
            to = f"r{number}@{lot.choice(site.domains)}"
            sender = f"shop{number % 3}@{flood}"
            letters.append(Letter(lot.uniform(at, last), f"F{number}", sender, (to,), bulk=True))
        for number in range(lot.randint(2, 6)):
            to, when = f"ada@{lot.choice(site.domains)}", lot.uniform(at, last + HOUR)
            letters.append(Letter(when, f"B{number}", f"bob@{small}", (to,), beside=True))
        letters.sort(key=lambda letter: letter.at)

    # -- sites ------------------------------------------------------------------------------

    def _span(self, longest: float) -> Span:
        """Draw a time of trouble near an episode; long ones are rarer."""
        since = self.lot.choice(self.episodes) + self.lot.uniform(-0.2, 1.2) * HOUR
        return since, since + longest * 10 ** self.lot.uniform(-2.5, 0)

    def _spans(self, longest: float) -> list[Span]:
        return [self._span(longest) for _ in range(self.lot.randint(1, 5))]

    def _site(self, name: str, temper: Temper, domains: tuple[str, ...] = ()) -> Site:
        lot = self.lot
        number = len(name) * 7 + sum(map(ord, name))
        domains = domains or tuple(f"d{i}.{name}.example" for i in range(lot.randint(1, 3)))
        hosts = tuple(
            (
                lot.choice((10, 20)),
                f"mx{i}.{name}.example",
                f"10.{number // 250}.{number % 250}.{i}",
            )
            for i in range(lot.randint(1, 2))
        )
        if temper is Temper.HAPPY:
            habits: list[Habit] = []
        else:
            habits = [
                Unknown(UNKNOWN),
                Full({who: self._span(8 * DAY) for who in FULL}),
                *self._habits(temper),
            ]
        server = Server(name, Habits(habits), lot.uniform(0.005, 0.2), Random(lot.random()))
        if temper is Temper.SILENT:
            server.silent = self._spans(6 * DAY)
            habits.append(Closed(server.silent, silent=True))
            server.habits = Habits(habits)
        if temper is Temper.SLOW:
            server.slow = lot.choice((5.0, 30.0, 120.0))
        if temper is Temper.CUTS:
            server.unheard, server.broken = 0.15, 0.15
        if temper is Temper.REFUSES:
            server.refusing = self._spans(6 * DAY)
        if temper is Temper.LOST:
            server.lost = self._spans(6 * DAY)
        if temper is Temper.DEAD:
            dead = [(lot.uniform(0, YEAR / 2), 10 * YEAR)]
            server.refusing, server.lost = (dead, ()) if lot.random() < 0.5 else ((), dead)
        nameless = self._spans(3 * DAY) if temper is Temper.NAMELESS else ()
        return Site(name, temper, domains, hosts, server, nameless)

    def _habits(self, temper: Temper) -> list[Habit]:
        lot = self.lot
        pace: Callable[[], Pace] = lambda: Pace(  # noqa: E731 -- drawn only where it is asked for
            lot.randint(5, 30), lot.choice((MINUTE, 10 * MINUTE, HOUR)), telling=lot.random() < 0.5
        )
        match temper:
            case Temper.GREYLISTS:
                return [Greylisting(lot.uniform(1, 40) * MINUTE)]
            case Temper.LIMITS:
                return [pace()]
            case Temper.JUDGES:
                return [Standing(lot.randint(10, 40), lot.uniform(1, 12) * HOUR), pace()]
            case Temper.DOORS:
                return [Doors(lot.randint(1, 3))]
            case Temper.BOUNDS:
                return [Bounds(lot.randint(1, 10), lot.randint(1, 10))]
            case Temper.CLOSES:
                return [Closed(self._spans(6 * DAY))]
            case Temper.CHOOSY:
                return [Choosy(lot.random, 0.1, 0.3)]
            case _:
                return []

    # -- mail and troubles ------------------------------------------------------------------

    def _letters(self, sites: Sequence[Site]) -> list[Letter]:
        lot = self.lot
        letters: list[Letter] = []

        def add(at: float, sender: str, recipients: Sequence[str], *, bulk: bool = False) -> None:
            name = f"M{len(letters)}"
            letters.append(Letter(at, name, sender, tuple(dict.fromkeys(recipients)), bulk))

        for begin in self.episodes:
            for _ in range(lot.randint(8, 25)):
                who = [
                    self._recipient(lot.choice(sites)) for _ in range(lot.choice((1, 1, 1, 2, 4)))
                ]
                sender = "" if lot.random() < 0.03 else f"{lot.choice(USERS)}@{HOME}"
                add(begin + lot.uniform(0, 2) * HOUR, sender, who)
            if lot.random() < 0.4:
                site, at = lot.choice(sites), begin + lot.uniform(0, 1) * HOUR
                many = lot.choice((1, 1, 5, 20))
                for _ in range(lot.randint(15, 60)):
                    at += lot.expovariate(2)
                    names = [f"r{lot.randrange(1000)}" for _ in range(many)]
                    who = [f"{name}@{lot.choice(site.domains)}" for name in names]
                    add(at, f"news@{HOME}", who, bulk=True)
        return sorted(letters, key=lambda letter: letter.at)

    def _recipient(self, site: Site) -> str:
        lot = self.lot
        if site.temper is not Temper.HAPPY and lot.random() < 0.15:
            return f"{lot.choice(lot.choice((UNKNOWN, FULL)))}@{lot.choice(site.domains)}"
        return f"{lot.choice(USERS)}@{lot.choice(site.domains)}"

    def _events(self) -> list[Event]:
        lot = self.lot
        events = []
        for deed, most in ((Deed.CRASH, 4), (Deed.RESTART, 3)):
            for _ in range(lot.randint(0, most)):
                at = lot.choice(self.episodes) + lot.uniform(0, 3) * HOUR
                events.append(Event(at, deed, lot.choice((1.0, MINUTE, HOUR))))
        for _ in range(lot.randint(0, 2)):
            at = lot.choice(self.episodes) + lot.uniform(0, 6) * HOUR
            events += [Event(at, Deed.HOLD), Event(at + lot.uniform(0, 1) * HOUR, Deed.RELEASE)]
        for deed in (Deed.DROP, Deed.RETRY):
            for _ in range(lot.randint(0, 2)):
                events.append(Event(lot.choice(self.episodes) + lot.uniform(0, 6) * HOUR, deed))
        return events
