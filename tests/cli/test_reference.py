"""`ulak explain`, `compare` and `codes` as people and programs call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ulak.cli import main
from ulak.language import direction
from ulak.replies import codes, texts
from ulak.replies.catalog import CATALOG


def run(*words: str, stdin: str | bytes = "", env: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"LC_ALL": "C", **(env or {})}).invoke(main, list(words), input=stdin)


def test_a_reply_is_explained_without_quotes_around_it() -> None:
    done = run("explain", "550", "5.1.1", "User", "unknown")
    assert done.exit_code == 0
    assert done.stdout.startswith("There is no such mailbox\n====")
    assert "550 5.1.1 User unknown" in done.stdout
    assert "rests on the words" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_language_is_asked_for_or_the_locale_s() -> None:
    asked = run("explain", "--lang", "tr", "550 5.1.1 x").stdout
    assert asked == run("explain", "550 5.1.1 x", env={"LC_ALL": "tr_TR.UTF-8"}).stdout
    assert "Böyle bir posta kutusu yok" in asked


def test_a_reply_of_many_lines_is_one_reply() -> None:
    done = run("explain", "--json", r"550-5.1.1 a\r\n550 5.1.1 b")
    assert json.loads(done.stdout)["reply"] == {"code": 550, "enhanced": "5.1.1", "text": "a\nb"}


def test_stdin_gives_one_object_a_line_in_order() -> None:
    lines = ["550 5.1.1 x", r"250-a\n250 b", "", "hello", "421 4.7.0 \u2028 \x85 \x0c x"]
    done = run("explain", "--stdin", "--json", stdin="\n".join(lines) + "\r\n")
    found = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert [told["reply"]["code"] for told in found] == [550, 250, None, None, 421]
    assert found[1]["input"] == "250-a\n250 b"
    assert found[4]["input"] == lines[4]


def test_stdin_takes_any_octets() -> None:
    done = run("explain", "--stdin", stdin=b"550 \xff\xfe\x00\n" + b"x" * 2_500_000 + b"\n250 ok")
    assert [json.loads(line)["reply"]["code"] for line in done.stdout.splitlines()] == [
        550,
        None,
        250,
    ]


def test_stdin_is_answered_line_by_line() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ulak", "explain", "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        for code in (550, 251):
            process.stdin.write(f"{code} x\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["reply"]["code"] == code
        process.stdin.close()
        assert process.wait() == 0


def test_a_bounce_is_explained_recipient_by_recipient(tmp_path: Path) -> None:
    bounce = tmp_path / "bounce.eml"
    bounce.write_bytes(
        b"Content-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example.org\r\n\r\n"
        b"Final-Recipient: rfc822; ada@example.net\r\nStatus: 5.1.1\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 <ada@example.net>: there is no such mailbox here\r\n"
        b"\r\nFinal-Recipient: rfc822; g@example.net\r\nStatus: 5.4.7\r\n"
        b"Diagnostic-Code: smtp; 451 later\r\nX-Ulak-Cause: expired\r\n"
    )
    done = run("explain", "--json", "--file", str(bounce))
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["recipient"], first["cause"]) == ("ada@example.net", "no-such-mailbox")
    assert (second["recipient"], second["cause"]) == ("g@example.net", "expired")
    text = run("explain", "--file", str(bounce)).stdout
    assert text.index("ada@example.net") < text.index("There is no such mailbox")


def test_terminal_escapes_in_a_reply_are_shown_and_not_sent() -> None:
    done = run("explain", "550 5.1.1 \x1b[31mred\x1b]0;title\x07")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("explain",), "Give one of these: a reply, as in"),
        (("explain", "--stdin", "550"), "--stdin, or --file MAIL"),
        (("compare", "252"), "B has to be given"),
        (("compare", "252", "252"), "Both are 252: there is nothing to compare."),
        (("compare", "252", "nonsense"), "Ulak knows no code, cause or reply “nonsense”"),
        (("compare", "252", "554", "--format", "pdf"), "text, json, md, html"),
        (("codes", "999"), "Ulak knows no code, cause or reply “999”"),
        (("explain", "--file", "/nonexistent"), "/nonexistent cannot be used"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(words: tuple[str, ...], sentence: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_bounce_in_a_server_s_own_words_is_explained_from_standard_input() -> None:
    mail = (
        b"From MAILER-DAEMON Thu Nov 26 09:00:00 2026\r\nFrom: MAILER-DAEMON@mx.example.org\r\n"
        b"Subject: failure notice\r\n\r\nHi. This is the qmail-send program at mx.example.org.\r\n"
        b"\r\n<ada@example.net>:\r\n192.0.2.1 does not like recipient.\r\n"
        b"Remote host said: 550 5.1.1 gone\r\n\r\n--- Below this line is a copy of the message."
        b"\r\n\r\nMessage-ID: <1@example.org>\r\nSubject: The \x1b[1mengine\r\n"
    )
    told = json.loads(run("explain", "--json", "--file", "-", stdin=mail).stdout)
    assert (told["recipient"], told["action"], told["source"]) == (
        "ada@example.net",
        "failed",
        "qmail",
    )
    assert (told["message_id"], told["reporting_mta"]) == ("<1@example.org>", "mx.example.org")
    assert told["reply"] == {"code": 550, "enhanced": "5.1.1", "text": "gone"}
    text = run("explain", "--file", "-", stdin=mail).stdout
    assert text.index("<1@example.org>") < text.index("ada@example.net")
    assert "Failed: nobody tries again." in text
    assert "\x1b" not in text


def test_a_delay_is_not_told_as_a_failure(tmp_path: Path) -> None:
    bounce = tmp_path / "late.eml"
    bounce.write_bytes(
        b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\n"
        b"Action: delayed\nStatus: 4.4.1\n"
    )
    assert "Gecikti ama" in run("explain", "--lang", "tr", "--file", str(bounce)).stdout
    assert "Delayed, not failed" in run("explain", "--file", str(bounce)).stdout


def test_a_mail_that_is_no_bounce_is_wrong_usage(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"Subject: hello\r\n\r\n550 5.1.1 no\r\n")
    done = run("explain", "--file", str(mail))
    assert done.exit_code == 2
    assert "holds no delivery report (RFC 3464)" in done.stderr


@pytest.mark.parametrize("language", texts.languages())
def test_compare_has_four_forms(language: str) -> None:
    forms = {
        form: run("compare", "554", "252", "--format", form, "--lang", language).stdout
        for form in ("text", "json", "md", "html")
    }
    assert forms["text"] == run("compare", "252", "554", "--lang", language).stdout
    assert json.loads(forms["json"])["language"] == language
    assert forms["md"].startswith("# ")
    top = f'<!doctype html>\n<html lang="{language}" dir="{direction(language)}">'
    assert forms["html"].startswith(top)


def test_codes_lists_everything_and_shows_each() -> None:
    everything = json.loads(run("codes", "--json").stdout)
    assert {c["code"] for c in everything["codes"]} == set(codes.CODES)
    assert {c["name"] for c in everything["causes"]} == set(CATALOG)
    text = run("codes").stdout
    for what in ("252", "X.7.1", "listed-by-dnsbl"):
        assert f"{what}:" in text
        assert json.loads(run("codes", what, "--json").stdout)["title"]
        assert run("codes", what, "--lang", "tr").stdout
