"""A reply that names a blocklist is understood, and the table of lists is whole."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from tests.house.repository import ROOT

from ulak.language import FALLBACK
from ulak.replies import blocklists
from ulak.replies.blocklists import TEXTS, Named, advise, entries, entry_of, lists, named
from ulak.replies.blocklists.page import FILE, page
from ulak.replies.explain import explain

PLACE = re.compile(r"\{([a-z_]+)\}")
LANGUAGES = sorted(file.stem for file in TEXTS.folder.iterdir())


@pytest.mark.parametrize(
    ("text", "slug", "zone"),
    [
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
         "spamhaus", "zen.spamhaus.org"),
        ("550 listed by the lookup site 'Zen.Spamhaus.ORG.'.", "spamhaus", "zen.spamhaus.org"),
        ("553 https://www.spamhaus.org/query/ip/192.0.2.1", "spamhaus", ""),
        ("554 [192.0.2.1] is listed on the Exploits Block List (XBL)", "spamhaus", ""),
        ("553 5.7.1 [BL21] not accepted, because the ip is in Spamhaus's list", "spamhaus", ""),
        ("550 blocked using k3y.zen.dq.spamhaus.net", "spamhaus", "k3y.zen.dq.spamhaus.net"),
        ("550 blocked by cbl.abuseat.org", "spamhaus", "cbl.abuseat.org"),
        ("550 http://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.1", "barracuda", ""),
        ("554 blocked by b.barracudacentral.org", "barracuda", "b.barracudacentral.org"),
        ("550 in an RBL: Blocked - see https://www.spamcop.net/bl.shtml?192.0.2.1", "spamcop", ""),
        ("554 5.7.1 SORBS DNSBL Entry - see <http://www.us.sorbs.net/lookup.shtml>", "sorbs", ""),
        ("501 Sender refused by the DNSBL dnsbl.sorbs.net", "sorbs", "dnsbl.sorbs.net"),
        ("550 blocked using ix.dnsbl.manitu.net", "nixspam", "ix.dnsbl.manitu.net"),
        ("550 rejected, NiX Spam", "nixspam", ""),
        ("550 UCEPROTECT-Level 2", "uceprotect", ""),
        ("550 blocked using dnsbl-1.uceprotect.net", "uceprotect", "dnsbl-1.uceprotect.net"),
        ("550 Black listed at hostkarma http://ipadmin.junkemailfilter.com/remove.php",
         "hostkarma", ""),
        ("550 Listed by HOSTKARMA/JUNKEMAILFILTER", "hostkarma", ""),
        ("550 5.7.1 listed by PSBL", "psbl", ""),
        ("550 dyna.spamrats.com", "spamrats", "dyna.spamrats.com"),
        ("554 listed by invaluement, see ivmSIP", "invaluement", ""),
        ("554 multi.uribl.com; 127.0.0.1 -> Query Refused", "uribl", "multi.uribl.com"),
        ("550 part of their network is on our block list (S3150).", "microsoft", ""),
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]. https://sender.office.com/",
         "microsoft", ""),
        ("550 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "proofpoint", ""),
        ("550 blocked using prs.proofpoint.com", "proofpoint", "prs.proofpoint.com"),
        ("550 csi.cloudmark.com/reset-request/?ip=192.0.2.1", "cloudmark", ""),
        ("550 csi.mimecast.org Poor Reputation Sender.", "mimecast", "csi.mimecast.org"),
        ("554 Comcast block for spam.", "comcast", ""),
        # A list in DNS is named before the server's own.
        ("550 csi.cloudmark.com, listed in bl.spamcop.net", "spamcop", "bl.spamcop.net"),
    ],
)  # fmt: skip
def test_a_list_is_found_by_its_zone_its_link_and_its_name(text: str, slug: str, zone: str) -> None:
    assert named(text) == Named(slug, zone, lists()[slug].page)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown",
        "452 4.2.2 The email account that you tried to reach is over quota.",
        "550 mx0a-001.pphosted.com said: mailbox unavailable (Proofpoint Essentials)",
        "550 blocked using bl.example.net",
        "550 notspamhaus.example and spamhausish",
        "550 5.7.1 gmail-smtp-in.l.google.com, yahoo.com and comcast.net say no",
    ],
)
def test_no_list_is_made_up(text: str) -> None:
    assert named(text) is None


def test_a_page_belongs_to_a_zone_of_a_living_list() -> None:
    assert blocklists.page_of("ZEN.spamhaus.org.") == ("spamhaus", "https://check.spamhaus.org/")
    assert blocklists.page_of("dnsbl.sorbs.net") is None
    assert blocklists.page_of("notspamhaus.org") is None
    assert blocklists.page_of("ſpamhaus.org") is None
    assert blocklists.page_of("") is None


def test_names_of_lists_are_words_and_belong_to_one_list() -> None:
    names = [name for one in lists().values() for name in one.names]
    assert not [name for name in names if not re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", name)]
    hosts = [host for one in lists().values() for host in one.hosts]
    assert max(Counter(names).values()) == max(Counter(hosts).values()) == 1
    for slug, one in lists().items():
        for name in (*one.names, *one.hosts):
            found = named(f"550 5.7.1 {name}: no")
            assert found is not None, name
            assert found.slug == slug, name


def test_what_a_zone_answers_has_a_meaning() -> None:
    zen = entries()["zen.spamhaus.org"]
    assert [m.name for m in zen.meanings(["127.0.0.4", "127.0.0.7", "127.0.0.10"])] == [
        "xbl",
        "pbl-provider",
    ]
    assert zen.meanings(["127.0.0.99"]) == ()
    surbl = entries()["multi.surbl.org"]
    assert [m.name for m in surbl.meanings(["127.0.0.80"])] == ["domain-malware", "domain-spam"]
    assert entries()["dbl.spamhaus.org"].meanings(["127.0.1.105"])[0].name == "domain-abused"
    assert entries()["dnsbl.dronebl.org"].meanings(["127.0.0.17"])[0].severity == "note"


def test_a_zone_is_known_in_every_spelling() -> None:
    for name, zone in (
        ("Zen.Spamhaus.Org.", "zen.spamhaus.org"),
        ("k3y.zen.dq.spamhaus.net", "zen.dq.spamhaus.net"),
        ("spam.dnsbl.sorbs.net", "dnsbl.sorbs.net"),
    ):
        found = entry_of(name)
        assert found is not None
        assert found.zone == zone
    assert entry_of("bl.example") is None


def test_the_dead_are_not_asked_and_nothing_is_asked_twice() -> None:
    for target in ("ip4", "ip6", "domain"):
        asked = blocklists.to_ask(target)
        assert asked
        assert not [entry.zone for entry in asked if entry.status == "dead" or entry.part_of]
        assert not [entry.zone for entry in asked if entry.usage in ("key", "paid")]
    for entry in entries().values():
        assert entry.lister.gone is (entry.status == "dead"), entry.zone
        assert not entry.part_of or entry.part_of in entries(), entry.zone
        assert blocklists.find(entry.lister.slug)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_the_table_has_a_sentence(language: str) -> None:
    texts, english = TEXTS.all(language), TEXTS.all(FALLBACK)
    assert texts.keys() == english.keys()
    for name, text in texts.items():
        assert text[-1] in ".:", name
        places = set(PLACE.findall(english[name]))
        assert set(PLACE.findall(text)) == places, name
        assert language == FALLBACK or text != english[name], name
    used = {"means.gone", "do.tell-receiver"}
    used |= {"means.unknown", "do.register", "do.own-resolver", "do.look-up", "do.dead"}
    for entry in entries().values():
        used |= {f"usage.{entry.usage}"} if entry.usage else set()
        used |= {f"why.{entry.why}"} if entry.why else set()
        used |= {f"expiry.{entry.expiry}"} if entry.expiry else set()
        for first, _, _ in entry.codes:
            for meaning in entry.meanings([f"127.0.{first // 256}.{first % 256}"]):
                used |= {f"means.{meaning.name}", f"expiry.{meaning.expiry}"}
                used |= {f"do.{step}" for step in meaning.steps}
                assert meaning.severity in ("critical", "warning", "note", "good")
    assert used == texts.keys()


def test_the_search_is_linear_in_hostile_text() -> None:
    for text in ("spamhaus " * 12_000, "a." * 50_000, "." * 100_000, "exploits block " * 7_000):
        found = named(text)
        assert found is None or found.slug == "spamhaus"


@pytest.mark.parametrize(
    ("reply", "steps"),
    [
        ("blocked using zen.spamhaus.org", None),
        ("blocked using zen.spamhaus.org; 127.0.0.11", ["relay"]),
        ("blocked using zen.spamhaus.org (PBL)", ["relay"]),
        ("listed on Spamhaus XBL", ["clean", "remove"]),
        ("listed on Spamhaus, SBL and PBL", None),
        ("blocked using pbl.spamhaus.org", ["relay"]),
        ("blocked using dnsbl-3.uceprotect.net", ["neighbours"]),
        ("blocked using dnsbl-1.uceprotect.net", ["find-cause", "never-pay"]),
        ("blocked using spam.dnsbl.sorbs.net", ["tell-receiver"]),
        ("listed by SORBS", ["tell-receiver"]),
        ("listed in bl.spamcop.net=127.0.0.2", ["find-cause", "wait"]),
        ("blocked using all.spamrats.com 127.0.0.37", ["name", "remove"]),
        ("blocked using all.spamrats.com 127.0.0.999 127.1", None),
        ("blocked using bl.example.org", None),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_listing_is_answered_as_that_list_means_it(
    reply: str, steps: list[str] | None, language: str
) -> None:
    found = named(reply)
    advice = advise(
        slug=found.slug if found else "",
        zone=found.zone if found else "",
        subject="192.0.2.1",
        text=reply,
        language=language,
    )
    if steps is None or found is None:
        assert advice is None
        return
    assert advice is not None
    places = {"subject": "192.0.2.1"}
    for (step, link), name in zip(advice.steps, steps, strict=True):
        template = TEXTS.all(language)[f"do.{name}"]
        assert step.startswith(template.partition("{")[0].format(**places))
        assert bool(link) is template.endswith(":")
        assert step.endswith(link or ".")
    assert not [text for text in (*advice.means, *dict(advice.steps)) if "{" in text]


def test_an_explanation_does_not_send_to_a_list_that_is_dead_or_lists_the_neighbours() -> None:
    dead = explain("554 5.7.1 Client host [192.0.2.1] blocked using dnsbl.sorbs.net")
    assert "SORBS is dead" in dead.means
    assert any("Tell the postmaster" in fix.step for fix in dead.fix)
    assert not any("Ask for removal" in fix.step for fix in dead.fix)
    neighbours = explain("554 Client host [192.0.2.1] blocked using dnsbl-3.uceprotect.net", "tr")
    assert any("asla para ödemeyin" in fix.step for fix in neighbours.fix)


def test_the_page_of_the_lists_is_fresh() -> None:
    assert (ROOT / "docs" / FILE).read_text("utf-8") == page(), "run: make docs"
    for entry in entries().values():
        assert f"`{entry.zone}`" in page()
