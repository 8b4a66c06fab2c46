"""The way of a DKIM signature and the walk of DMARC are drawn as they were made."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.diagnose.internet import FORGER, MX, changed, forged, genuine, zone
from tests.diagnose.test_diagnosis import examine, published
from tests.web.pictures.test_pictures import SVG, held, hostile, languages, shown

from ulak.checks.reason import Reason, because
from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.diagnose.message import Envelope
from ulak.dns import Zone
from ulak.language import LANGUAGES
from ulak.web.pictures import dkim, dkim_paths, dmarc, dmarc_walk

HERE = Envelope(MX, "mx.well.example", "ada@well.example")
THERE = Envelope(FORGER, "dsl66.isp.example", "x@isp.example")


def marks(root: ET.Element) -> list[str]:
    """Give the tones of all marks, from top to bottom."""
    found = [g for g in root.iter(f"{SVG}g") if "translate" in g.attrib.get("transform", "")]
    return [group.attrib["class"] for group in found]


def path(octets: bytes, dns: Zone | None = None, language: str = "en") -> ET.Element:
    (picture,) = dkim_paths(examine(octets, HERE, dns), language)
    return held(picture, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signature_that_holds_has_good_marks_all_along(language: str) -> None:
    assert marks(path(genuine(), language=language)) == ["good"] * 4


def test_the_step_that_fails_is_marked_and_says_why() -> None:
    root = path(changed())
    assert marks(root) == ["bad", "good", "good", "bad"]  # body, key, header, all of it
    bad = [text.text or "" for text in root.iter(f"{SVG}text") if "bad" in text.attrib["class"]]
    assert bad[0] == "The body is not as it was signed."
    assert "37 octets" in " ".join(bad)
    header = genuine().replace(b"Subject: ", b"Subject: [list] ", 1)
    assert marks(path(header)) == ["good", "good", "bad", "bad"]


def test_without_a_key_nothing_was_compared() -> None:
    without = Zone({("_dmarc.well.example", "TXT"): ["v=DMARC1; p=none"]})
    root = path(genuine(), without)
    assert marks(root) == ["muted", "bad", "muted", "bad"]
    assert shown(root).count("It did not come to this.") == 2
    unreadable = genuine().replace(b"a=ed25519-sha256", b"a=rot13", 1)
    assert marks(path(unreadable)) == ["muted", "muted", "muted", "warn"]


def test_the_forms_and_the_key_are_named() -> None:
    texts = " ".join(shown(path(genuine())))
    assert "s1._domainkey.well.example" in texts
    assert "ed25519-sha256 256 bit" in texts
    assert "Canonicalization: relaxed" in texts


def walked(name: str, records: dict[str, str]) -> dmarc.Walk:
    dns = Zone({(f"_dmarc.{at}", "TXT"): [text] for at, text in records.items()})
    checks = published(dns, name).checks
    return dmarc.walk(next(check for check in checks if check.check == "dmarc"))


def test_a_walk_goes_up_to_the_record_that_holds() -> None:
    found = walked("a.b.example.org", {"example.org": "v=DMARC1; p=reject; sp=quarantine"})
    assert [(step.domain, step.state) for step in found.steps] == [
        ("a.b.example.org", "absent"),
        ("b.example.org", "absent"),
        ("example.org", "found"),
        ("org", "absent"),
    ]
    assert (found.holds, found.organizational) == ("example.org", "example.org")
    assert found.asks == "quarantine"
    root = held(dmarc.drawn(found, "en"))
    assert sum("This record holds" in text for text in shown(root)) == 1
    assert sum(c.attrib.get("class") == "node good" for c in root.iter(f"{SVG}circle")) == 1


def test_a_record_that_says_too_little_has_no_good_mark() -> None:
    assert walked("example.org", {"example.org": "v=DMARC1; p=none"}).tone == "warn"
    assert walked("example.org", {"example.org": "v=DMARC1; p=reject"}).tone == "good"


def test_a_walk_that_ends_early_says_what_was_not_asked() -> None:
    found = walked("a.example.org", {"a.example.org": "v=DMARC1; p=none; psd=n"})
    assert [step.state for step in found.steps] == ["found", "unasked", "unasked"]


def test_names_end_below_each_other() -> None:
    found = walked("a.b.example.org", {})
    for language in LANGUAGES:
        root = held(dmarc.drawn(found, language), language)
        names = {step.domain for step in found.steps}
        places = {t.attrib["x"] for t in root.iter(f"{SVG}text") if t.text in names}
        anchors = {t.attrib.get("text-anchor") for t in root.iter(f"{SVG}text") if t.text in names}
        assert (len(places), anchors) == (1, {"end"})


def test_a_message_shows_who_vouches_for_it() -> None:
    def vouchers(octets: bytes, given: Envelope) -> list[tuple[str, str, str]]:
        (check,) = (c for c in examine(octets, given, zone()).checks if c.check == "dmarc")
        return [(one.method, one.domain, one.tone) for one in dmarc.walk(check).vouchers]

    assert vouchers(genuine(), HERE) == [
        ("SPF", "well.example", "good"),
        ("DKIM", "well.example", "good"),
    ]
    assert vouchers(changed(), HERE)[0] == ("DKIM", "well.example", "bad")
    assert vouchers(forged(), THERE) == [("SPF", "isp.example", "bad"), ("DKIM", "", "muted")]


def test_a_diagnosis_without_them_has_no_pictures() -> None:
    nothing = Diagnosis("ip", "192.0.2.1", (), ())
    assert dkim_paths(nothing, "en") == ()
    assert dmarc_walk(nothing, "en") is None


KEYS = ["found", "no-record-there", "organizational-psd-y", "aligned", "spf-no-pass", "fail"]
FACTS = ["name", "record", "domain", "organizational", "suffix", "method", "result", "policy"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KEYS), hostile), max_size=6), hostile, languages)
def test_no_reasons_break_a_walk(keys: list[tuple[str, str]], domain: str, language: str) -> None:
    reasons = tuple(
        because(f"dmarc.{key}", **(dict.fromkeys(FACTS, text) | {"name": f"_dmarc.{text}"}))
        for key, text in keys
    )
    check = Check("dmarc", domain or "x", domain, None, reasons, {"record_domain": domain})
    held(dmarc.drawn(dmarc.walk(check), language), language)


@settings(deadline=None)
@given(st.lists(hostile, max_size=5), hostile, languages)
def test_no_signature_breaks_its_way(texts: list[str], subject: str, language: str) -> None:
    keys = ("dkim.body-differs", "dkim.field-rewritten", "dkim.no-key", "dkim.version")
    facts = ("name", "field", "value", "version")
    reasons: list[Reason] = [
        because(key, **dict.fromkeys(facts, text)) for key in keys for text in texts
    ]
    known = {"header": subject, "canonicalization": subject, "algorithm": subject, "bits": "9"}
    check = Check("dkim", subject, subject, None, tuple(reasons), known)
    held(dkim.drawn(dkim.signature(check), language), language)
