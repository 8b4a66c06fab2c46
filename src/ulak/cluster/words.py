"""What is said of a cluster to people, from `texts/<language>.toml`, wherever it is shown."""

from __future__ import annotations

from pathlib import Path

from ulak.cluster.database import Database
from ulak.cluster.member import Member
from ulak.cluster.problems import Problem
from ulak.language import Texts

_TEXTS = Texts(Path(__file__).parent / "texts")
_MEGABYTE = 1_000_000


def say(language: str, name: str, /, **facts: object) -> str:
    """Give a text by its name, such as `head.name`. No such name is a KeyError."""
    return _TEXTS.say(language, name, **facts)


def duty(member: Member, language: str) -> str:
    """Say what a member is about, or that nothing is heard of it."""
    return say(language, f"duty.{'silent' if member.silent else member.stand.duty.value}")


def database(found: Database, language: str) -> str:
    """Say how the database is."""
    return say(
        language,
        f"database.{'standby' if found.standby else 'primary'}",
        version=found.version,
        durable=found.durable,
        used=found.used,
        most=found.most,
        bodies=megabytes(sum(found.bodies)),
        size=megabytes(found.size),
        begun=found.begun,
        ended=found.ended,
    )


def sentence(problem: Problem, language: str) -> str:
    """Say what is wrong, what that means and what to do. Names stand in it as they are."""
    facts = {name: _readable(name, value) for name, value in problem.facts.items()}
    return say(language, f"problem.{problem.key}", **facts)


def megabytes(octets: int) -> str:
    """Write a size."""
    return f"{octets / _MEGABYTE:.1f} MB"


def _readable(name: str, value: object) -> object:
    if isinstance(value, float):
        return f"{value:.1f}"
    if name == "size" and isinstance(value, int):
        return megabytes(value)
    return value
