"""Details, catch-alls and rosters: what lies beyond the names of the configuration."""

from __future__ import annotations

import asyncio

import pytest

from ulak.mail.address import Address
from ulak.rosters.roster import UNSURE, Answer, Known, RosterError, Unsure
from ulak.server.directory import (
    Directory,
    Domain,
    Found,
    How,
    Moved,
    Result,
    Returned,
    Trouble,
    Unknown,
)
from ulak.smtp.grammar import parse_user


class Roster:
    def __init__(self, *, sure: bool = False, **known: Known) -> None:
        self.known = {f"{local.replace('_', '+')}@example.org": k for local, k in known.items()}
        self.sure = sure
        self.asked: list[str] = []
        self.down = False

    def glance(self, address: str) -> Answer | Unsure:
        return self.known.get(address) if self.sure else UNSURE

    async def ask(self, address: str) -> Answer:
        self.asked.append(address)
        if self.down or address.startswith("down"):
            problem = "down"
            raise RosterError(problem, "I7")
        return self.known.get(address)


def made(**domain: object) -> Directory:
    return Directory("mx.example.org", {"example.org": Domain(**domain)})  # type: ignore[arg-type]  # fields by their names


def ask(directory: Directory, text: str, *, bounce: bool = False) -> Result:
    return asyncio.run(directory.ask(parse_user(text), bounce=bounce))


ADA = frozenset({"Ada", "b+c"})


def test_a_detail_is_the_users_and_is_kept_as_it_was_written() -> None:
    directory = made(mailboxes=ADA, separator="+", moved={"old": "new@example.net"})
    assert directory.find(parse_user("ADA+Shop@Example.ORG")) == Found(
        ("Ada+Shop@example.org",), detail="Shop"
    )
    assert directory.find(parse_user("ada+@example.org")) == Found(("Ada+@example.org",), detail="")
    assert directory.find(parse_user("ada+a+b@example.org")) == Found(
        ("Ada+a+b@example.org",), detail="a+b"
    )
    assert directory.find(parse_user("b+c@example.org")) == Found(("b+c@example.org",))
    assert directory.find(parse_user("b+d@example.org")) == Unknown()
    assert directory.find(parse_user("+ada@example.org")) == Unknown()
    assert directory.find(parse_user("old+x@example.org")) == Moved("new@example.net")
    assert made(mailboxes=ADA).find(parse_user("ada+x@example.org")) == Unknown()


def test_the_place_of_a_detail_is_the_mailbox_of_its_user() -> None:
    directory = made(mailboxes=ADA, separator="+")

    def place(text: str) -> tuple[str, str]:
        return asyncio.run(directory.place(text))

    assert place("Ada+Shop@example.org") == ("Ada@example.org", "Shop")
    assert place("b+c@example.org") == ("b+c@example.org", "")
    assert place("ada@example.org") == ("ada@example.org", "")
    assert place("ada+x@example.net") == ("ada+x@example.net", "")
    assert place("no address") == ("no address", "")
    everybody = made(mailboxes=frozenset({"*"}), separator="-")
    assert asyncio.run(everybody.place("who-x@example.org")) == ("who@example.org", "x")


def test_the_roster_says_whether_a_detail_is_a_name_of_its_own() -> None:
    roster = Roster(joan=Known(), joan_two=Known())
    directory = made(separator="+", roster=roster)
    assert asyncio.run(directory.place("joan+two@example.org")) == ("joan+two@example.org", "")
    assert asyncio.run(directory.place("joan+x@example.org")) == ("joan@example.org", "x")
    assert ask(directory, "joan+two@example.org") == Found(
        ("joan+two@example.org",), how=How.ROSTER
    )
    with pytest.raises(RosterError):
        asyncio.run(directory.place("down+x@example.org"))


def test_an_alias_with_a_detail_is_the_alias() -> None:
    directory = made(mailboxes=ADA, separator="+", aliases={"info": ("ada+team@example.org",)})
    assert directory.find(parse_user("info+x@example.org")) == Found(
        ("Ada+team@example.org",), "info+x@example.org", detail="x"
    )
    assert directory.find(parse_user("Info@example.org")) == Found(
        ("Ada+team@example.org",), "info@example.org"
    )


def test_a_catch_all_comes_last_and_gets_no_reports() -> None:
    directory = made(mailboxes=ADA, separator="+", catch_all="ada@example.org")
    assert ask(directory, "nobody+x@example.org") == Found(
        ("Ada@example.org",), "nobody+x@example.org", How.CATCH_ALL
    )
    assert ask(directory, "nobody@example.org", bounce=True) == Unknown()
    assert ask(directory, "ada+x@example.org", bounce=True) == Found(
        ("Ada+x@example.org",), detail="x"
    )
    assert ask(directory, "postmaster@example.org") == Found(("postmaster@example.org",))


def test_names_of_the_configuration_come_before_the_roster_which_is_not_asked() -> None:
    roster = Roster(ada=Known(("eve@example.net",)))
    directory = made(mailboxes=ADA, roster=roster)
    assert directory.find(parse_user("ada@example.org")) == Found(("Ada@example.org",))
    assert directory.find(parse_user("joan@example.org")) is None
    assert roster.asked == []


def test_a_roster_has_mailboxes_and_aliases_and_nobody_else() -> None:
    roster = Roster(
        joan=Known(),
        crew=Known(("joan@example.org", "far@Example.net", "crew@example.org", "gone@example.org")),
        lost=Known(("gone@example.org",)),
    )
    directory = made(separator="+", roster=roster, aliases={"out": ("crew@example.org",)})
    crew = ("joan@example.org", "far@Example.net", "crew@example.org")
    assert ask(directory, "JOAN@example.org") == Found(("joan@example.org",), how=How.ROSTER)
    assert ask(directory, "crew@example.org") == Found(crew, "crew@example.org", How.ROSTER)
    assert ask(directory, "out@example.org") == Found(crew, "out@example.org")
    assert ask(directory, "joan+x@example.org") == Found(
        ("joan+x@example.org",), how=How.ROSTER, detail="x"
    )
    assert ask(directory, "lost@example.org") == Unknown()
    assert ask(directory, "gone@example.org") == Unknown()


def test_where_the_roster_gives_no_answer_nobody_is_refused_and_nobody_else_gets_the_mail() -> None:
    directory = made(mailboxes=ADA, catch_all="ada@example.org", roster=Roster())
    assert ask(directory, "down@example.org") == Trouble("I7")
    assert ask(directory, "other@example.org") == Found(
        ("Ada@example.org",), "other@example.org", How.CATCH_ALL
    )


def test_what_a_roster_knows_without_being_asked_is_found_at_once() -> None:
    directory = made(roster=Roster(sure=True, joan=Known()))
    assert directory.find(parse_user("joan@example.org")) == Found(
        ("joan@example.org",), how=How.ROSTER
    )
    assert directory.find(parse_user("eve@example.org")) == Unknown()


def test_the_postmaster_of_a_domain_may_be_whom_the_roster_says() -> None:
    directory = made(roster=Roster(postmaster=Known(("joan@example.org",)), joan=Known()))
    assert ask(directory, "postmaster@example.org") == Found(
        ("joan@example.org",), "postmaster@example.org", How.ROSTER
    )
    assert ask(made(roster=Roster()), "Postmaster@example.org") == Found(
        ("postmaster@example.org",)
    )


def test_a_bare_name_is_looked_for_in_rosters_too() -> None:
    directory = made(separator="+", roster=Roster(joan=Known()))
    for name, found in (("joan", True), ("Joan+x", True), ("eve", False), ("down", False)):
        wanted = [Address(name, "example.org")] if found else []
        assert asyncio.run(directory.candidates(name)) == wanted


def test_a_rewritten_sender_is_known_in_a_domain_for_nothing_else() -> None:
    def returned(address: Address) -> Result | None:
        if not address.local.startswith("SRS0"):
            return None
        return Returned("forged")

    directory = Directory("mx", {"example.org": Domain(ADA)}, returned, ["srs.example.org"])
    assert directory.find(parse_user("SRS0=x@example.org")) == Returned("forged")
    assert directory.find(parse_user("SRS0=x@SRS.example.org")) == Returned("forged")
    assert directory.find(parse_user("ada@srs.example.org")) == Unknown()
    assert directory.find(parse_user("ada@example.org")) == Found(("Ada@example.org",))


def test_every_roster_is_met_beforehand_and_trouble_ends_nothing() -> None:
    one, other = Roster(), Roster()
    directory = Directory(
        "mx",
        {
            "down.example": Domain(roster=one),
            "plain.example": Domain(ADA),
            "example.org": Domain(roster=other),
        },
    )
    one.down = True
    asyncio.run(directory.meet())
    assert (one.asked, other.asked) == (["postmaster@down.example"], ["postmaster@example.org"])
