"""Case rules of Turkish and of Unicode never touch a protocol token."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ulak
from ulak.checks.dmarc.record import Policy
from ulak.checks.dmarc.record import read as read_dmarc
from ulak.language.case import lower, upper
from ulak.replies import texts
from ulak.replies.parse import parse
from ulak.smtp import commands, grammar
from ulak.smtp.client.extensions import read_offer
from ulak.smtp.client.reply import PeerReply

SRC = Path(ulak.__file__).parent
STRANGE = ["İ", "ı", "\u212a", "ſ"]  # fold to ASCII, or come from it, in Unicode or in Turkish


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    for file in sorted(SRC.rglob("*.py")):
        source = file.read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield str(file.relative_to(SRC)), node, node.func.attr


def test_nothing_is_folded_by_more_than_upper_and_lower() -> None:
    found = [
        f"{file}:{call.lineno}"
        for file, call, name in calls()
        if name in ("casefold", "title", "swapcase", "capitalize")
        and not call.args
        and "decode('ascii')" not in ast.unparse(call)
    ]
    assert not found, "use ulak.language.case"


def test_a_pattern_that_ignores_case_ignores_that_of_ascii_alone() -> None:
    found = []
    for file, call, name in calls():
        if not call.args or not ast.unparse(call.func).startswith("re."):
            continue
        text = ast.unparse(call)
        octets = any(isinstance(n, ast.Constant) and type(n.value) is bytes for n in ast.walk(call))
        ignores = "re.IGNORECASE" in text or "re.I)" in text or "(?i" in text
        if ignores and not octets and "re.ASCII" not in text:
            found.append(f"{file}:{call.lineno} {name}")
    assert not found, "add re.ASCII: without it K (KELVIN SIGN) is a k, and ſ an s"


def test_smtp_folds_text_only_by_the_letters_a_to_z() -> None:
    """Where octets are folded it is by themselves: bytes.upper() knows ASCII alone."""
    octets = {
        "smtp/dialogue.py": 3,  # the verb, and a mechanism whose form was checked
        "smtp/refusals.py": 1,
        "smtp/sasl/table.py": 1,
        "smtp/server.py": 1,
    }
    found: dict[str, int] = {}
    for file, _, name in calls():
        if file.startswith("smtp/") and name in ("upper", "lower"):
            found[file] = found.get(file, 0) + 1
    assert found == octets, "use ulak.language.case for text; octets are counted here"


@pytest.mark.parametrize("strange", STRANGE)
def test_what_unicode_folds_to_a_letter_stays_what_it_is(strange: str) -> None:
    assert upper(f"a{strange}z") == f"A{strange}Z"
    assert lower(f"A{strange}Z") == f"a{strange}z"
    assert (upper("istiklal"), lower("ISTIKLAL")) == ("ISTIKLAL", "istiklal")


def test_only_last_is_the_last_chunk() -> None:
    assert commands.bdat("10 last")[1:] == (True, "")
    size, last, problem = commands.bdat("10 laſt")
    assert (size, last, bool(problem)) == (10, False, True)


def test_parameters_do_not_know_other_letters() -> None:
    assert grammar.parse_parameters(" size=1") == {"SIZE": "1"}
    for word in ("sıze=1", "ſize=1", "sİze=1"):
        with pytest.raises(grammar.GrammarError):
            grammar.parse_parameters(f" {word}")


def test_what_a_server_offers_is_read_by_ascii() -> None:
    lines = (
        "mx.example",
        "ſize 1000",
        "PIPELINıNG",
        "chunking",
        "CHUN\u212aING",
        "LIMITS MAıLMAX=5",
    )
    offer = read_offer(PeerReply(250, None, lines))
    assert set(offer.keywords) == {"CHUNKING", "LIMITS"}
    assert offer == read_offer(PeerReply(250, None, (*lines[:1], lines[3], lines[5])))
    assert offer != read_offer(PeerReply(250, None, (*lines[:1], lines[3], "LIMITS MAILMAX=5")))


def test_tags_of_dmarc_are_ascii() -> None:
    record = read_dmarc("v=DMARC1; P=REJECT; ſp=none".encode())
    assert record is not None
    assert record.policy is Policy.REJECT
    assert record.subdomains is None


@pytest.mark.parametrize("strange", ["5٫7.1", "５.7.1", "5.7.¹"])
def test_enhanced_codes_have_the_digits_of_ascii(strange: str) -> None:
    assert parse(f"550 {strange} no").enhanced is None


def test_languages_are_chosen_by_ascii() -> None:
    assert texts.language("TR-tr") == "tr"
    assert texts.language("Eİ") == texts.language("xx") == "en"


def test_the_locale_changes_nothing() -> None:
    words = ["explain", "550 5.1.1 NO SUCH USER IN MAILBOX LIST; ID I", "--json", "--lang", "en"]
    done = [
        subprocess.run(
            [sys.executable, "-m", "ulak", *words],
            env={**os.environ, "LC_ALL": locale},
            capture_output=True,
            check=True,
        ).stdout
        for locale in ("C.UTF-8", "tr_TR.UTF-8")
    ]
    assert done[0] == done[1]
