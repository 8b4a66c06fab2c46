"""Mail is signed with all keys that sign now, of the author's domain, and only then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import dkim as dkimpy  # type: ignore[import-untyped] # it has no types
import pytest

from ulak.checks.dkim import Result, signing, verify
from ulak.config.dkim import OVERSIGNED
from ulak.dns.zone import Zone
from ulak.keys.folder import KeyFolder, KeysError
from ulak.keys.key import Algorithm, Stage
from ulak.keys.ring import KeyRing
from ulak.keys.signatory import Manner, Signatory

NOW = 1_700_000_000.0
HEADER = b"From: Ada <ada@example.org>\r\nTo: far@example.net\r\nSubject: hello\r\n"
MESSAGE = HEADER + b"\r\nhello \r\n\r\n\r\n"


class Pen:
    """A folder of keys, and who signs with them."""

    def __init__(self, path: Path, **manner: object) -> None:
        self.folder = KeyFolder(path / "dkim")
        self.ring = KeyRing(self.folder)
        self.now = NOW
        self.signatory = Signatory(self.ring, lambda: self.now, Manner(**manner))  # type: ignore[arg-type] # each test names a few

    def key(self, domain: str, selector: str, *algorithms: Algorithm, active: bool = True) -> None:
        made = self.folder.make(
            domain, selector, algorithms or (Algorithm.ED25519,), self.now, exact=True
        )
        for each in made:
            if active:
                self.folder.change(domain, each.selector, Stage.SIGNING, self.now)
        self.ring.look()

    def zone(self) -> Zone:
        return Zone({(k.name, "TXT"): [k.record] for k in self.folder.every()[0]})

    def selectors(self, message: bytes = MESSAGE) -> list[tuple[str, str]]:
        """Sign, and give domain and selector of each signature, all of which verify."""
        signed = self.signatory.sign(message) + message
        found = asyncio.run(verify(self.zone(), signed, now=self.now))
        assert all(each.result is Result.PASS for each in found), found
        return [(each.domain, each.selector) for each in found]


def test_nothing_is_signed_without_a_key(tmp_path: Path) -> None:
    assert Pen(tmp_path).signatory.sign(MESSAGE) == b""


def test_all_keys_sign_together_and_another_program_verifies_each(tmp_path: Path) -> None:
    pen = Pen(tmp_path)
    pen.key("example.org", "s1", Algorithm.RSA, Algorithm.ED25519)
    assert pen.selectors() == [("example.org", "s1-ed25519"), ("example.org", "s1-rsa")]
    signed = pen.signatory.sign(MESSAGE) + MESSAGE
    records = {k.name + ".": k.record.encode() for k in pen.folder.every()[0]}
    for number in (0, 1):
        checked = dkimpy.DKIM(signed)
        assert checked.verify(number, dnsfunc=lambda name, timeout=5: records[name.decode()])  # noqa: ARG005 -- its way


def test_only_keys_that_are_to_sign_do_and_one_takes_over_from_the_other(tmp_path: Path) -> None:
    pen = Pen(tmp_path)
    pen.key("example.org", "old")
    day = 86_400.0
    seen: list[list[str]] = []
    for stages in (
        {},
        {"new": Stage.NEW},
        {"new": Stage.SIGNING},
        {"old": Stage.RETIRED},
    ):
        pen.now += day
        for selector, stage in stages.items():
            if stage is Stage.NEW:
                pen.key("example.org", selector, active=False)
            else:
                pen.folder.change("example.org", selector, stage, pen.now)
        pen.ring.look()
        seen.append([selector for _, selector in pen.selectors()])
    assert seen == [["old"], ["old"], ["new", "old"], ["new"]]
    # What was signed before still verifies while the old key is published, and not after.
    pen.folder.remove("example.org", "old")
    pen.ring.look()
    assert [selector for _, selector in pen.selectors()] == ["new"]
    dates = pen.folder.read("example.org", "new")
    assert (dates.made, dates.activated) == (NOW + 2 * day, NOW + 3 * day)


@pytest.mark.parametrize(
    ("author", "above", "domains"),
    [
        ("ada@example.org", "above", ["example.org"]),
        ("ada@EXAMPLE.org", "above", ["example.org"]),
        ("ada@news.example.org", "above", ["example.org"]),
        ("ada@a.b.c.example.org", "above", ["example.org"]),
        ("ada@news.example.org", "itself", []),
        ("ada@sub.example.net", "above", ["sub.example.net"]),
        ("ada@example.net", "above", []),
        ("ada@myexample.org", "above", []),
        ("ada@org", "above", []),
        ("ada@[192.0.2.1]", "above", []),
        ("a@foreign.example, ada@example.org", "above", ["example.org"]),
        ("ada@bücher.example", "above", ["xn--bcher-kva.example"]),
        ("ada@xn--bcher-kva.example", "above", ["xn--bcher-kva.example"]),
        ("nobody", "above", []),
        ("", "above", []),
    ],
)
def test_the_domain_is_the_authors(
    tmp_path: Path, author: str, above: str, domains: list[str]
) -> None:
    pen = Pen(tmp_path, parents=above == "above")
    for domain in ("example.org", "sub.example.net", "xn--bcher-kva.example"):
        pen.key(domain, "s1")
    message = f"From: {author}\r\nTo: x@example.net\r\n\r\nhello\r\n".encode()
    assert [domain for domain, _ in pen.selectors(message)] == domains


@pytest.mark.parametrize(
    "header",
    [
        b"To: far@example.net\r\n",
        b"From: a@foreign.example\r\nFrom: ada@example.org\r\n",
        b"From: ada@example.org\r\nFrom: ada@example.org\r\n",
        b"Sender: ada@example.org\r\nFrom: a@foreign.example\r\n",
    ],
)
def test_what_has_no_single_author_of_ours_is_not_signed(tmp_path: Path, header: bytes) -> None:
    pen = Pen(tmp_path)
    pen.key("example.org", "s1")
    assert pen.signatory.sign(header + b"\r\nhello\r\n") == b""


def test_nothing_is_signed_twice_with_one_selector(tmp_path: Path) -> None:
    pen = Pen(tmp_path)
    pen.key("example.org", "s1")
    once = pen.signatory.sign(MESSAGE) + MESSAGE
    assert pen.signatory.sign(once) == b""
    pen.key("example.org", "s2")
    assert [s for _, s in pen.selectors(once)] == ["s2", "s1"]
    foreign = once.replace(b"d=example.org", b"d=example.net")
    assert b"s=s1;" in pen.signatory.sign(foreign)


def test_fields_cannot_be_added_and_a_signature_can_end(tmp_path: Path) -> None:
    pen = Pen(tmp_path, lifetime=3600, oversigned=("from", "organization"))
    pen.key("example.org", "s1")
    signed = pen.signatory.sign(MESSAGE) + MESSAGE

    def result(message: bytes, now: float = NOW) -> str:
        (found,) = asyncio.run(verify(pen.zone(), message, now=now))
        return found.result.value

    assert result(signed) == "pass"
    assert result(signed, NOW + 10_000) != "pass"
    assert result(signed.replace(b"\r\nTo:", b"\r\nOrganization: evil\r\nTo:")) == "fail"
    assert result(signed.replace(b"\r\nTo:", b"\r\nComments: hello\r\nTo:")) == "pass"


def test_the_setting_has_the_fields_that_the_signer_has() -> None:
    assert OVERSIGNED == signing.OVERSIGNED


def test_the_size_is_known_before_the_body(tmp_path: Path) -> None:
    pen = Pen(tmp_path, lifetime=10)
    pen.key("example.org", "s1", Algorithm.RSA, Algorithm.ED25519)
    begun = pen.signatory.begin(HEADER)
    assert begun is not None
    size = begun.size
    begun.feed(b"x" * 100_000)
    assert len(begun.finish()) == size


def test_a_key_in_use_outlives_its_file_but_not_its_removal(tmp_path: Path) -> None:
    pen = Pen(tmp_path)
    pen.key("example.org", "s1")
    path = tmp_path / "dkim/example.org/s1.pem"
    whole = path.read_bytes()
    path.chmod(0o644)
    refused = pen.ring.look()
    assert refused is not None
    assert [each.selector for each in refused] == ["s1"]
    assert b"s=s1;" in pen.signatory.sign(MESSAGE)
    assert pen.ring.look() is None
    path.unlink()
    assert pen.ring.look() == []
    assert pen.signatory.sign(MESSAGE) == b""
    path.write_bytes(whole)
    path.chmod(0o600)
    pen.ring.look()
    assert b"s=s1;" in pen.signatory.sign(MESSAGE)


def test_a_key_that_never_could_be_used_breaks_its_domain_alone(tmp_path: Path) -> None:
    pen = Pen(tmp_path)
    pen.key("example.org", "s1")
    pen.key("example.net", "s1")
    (tmp_path / "dkim/example.org/s1.pem").write_bytes(b"nonsense")
    later = Signatory(KeyRing(pen.folder), lambda: NOW)
    later.ring.look()
    with pytest.raises(KeysError):
        later.sign(MESSAGE)
    assert b"d=example.net" in later.sign(MESSAGE.replace(b"ada@example.org", b"a@example.net"))
    assert later.sign(MESSAGE.replace(b"ada@example.org", b"a@foreign.example")) == b""
    pen.folder.make("example.org", "s2", (Algorithm.ED25519,), NOW, exact=True)
    pen.folder.change("example.org", "s2", Stage.SIGNING, NOW)
    later.ring.look()
    assert b"s=s2;" in later.sign(MESSAGE)
