"""Logging in at another server: what is shown of it, and whatever the server says."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.smtp.client import ClientCore, Login, Stage, Step
from ulak.smtp.sasl.client import Credentials

CLIENT = "client.example.org"
NONCE = "rOprNGfwEbeRWgbNEkqO"
SECRETS = ("tanstaaf", "dGFuc3RhYWY", "AHRpbQB0YW5zdGFhZg==")
SERVER_FIRST = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
LINES = st.one_of(
    st.sampled_from(
        [
            b"334 ",
            b"334 VXNlcm5hbWU6",
            b"334 " + base64.b64encode(SERVER_FIRST),
            b"334 dj0=",
            b"334 Username:",
            b"235 2.7.0 Welcome",
            b"235-2.7.0 Wel\r\n235 come",
            b"535 5.7.8 No",
            b"454 4.7.0 Later",
            b"421 Closing",
            b"500 What?",
            b"no reply",
        ]
    ),
    st.binary(max_size=30).map(lambda b: b"334 " + base64.b64encode(b)),
)


def core(mechanisms: str, *, readable: bool = True) -> ClientCore:
    login = Login(Credentials("tim", "tanstaaf"), NONCE, readable=readable)
    made = ClientCore(CLIENT, secure=True, login=login)
    made.feed(b"220 mx\r\n")
    made.feed(f"250-mx\r\n250 AUTH {mechanisms}\r\n".encode())
    return made


@pytest.mark.parametrize(
    ("mechanisms", "answers"),
    [
        ("PLAIN", [b"235 ok"]),
        ("LOGIN", [b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6", b"235 ok"]),
        ("SCRAM-SHA-256", [b"334 " + base64.b64encode(SERVER_FIRST), b"535 5.7.8 No"]),
    ],
)
def test_a_dialogue_shows_neither_password_nor_what_it_could_be_found_out_by(
    mechanisms: str, answers: list[bytes]
) -> None:
    made = core(mechanisms)
    sent = [made.output()]
    for answer in answers:
        made.feed(answer + b"\r\n")
        sent.append(made.output())
    shown = "\n".join(made.dialogue())
    assert f"C: AUTH {mechanisms}" in shown
    assert "***" in shown
    said = [line for octets in sent for line in octets.decode().split("\r\n")]
    responses = {line.rpartition(" ")[2] for line in said} - {"", "QUIT", mechanisms}
    assert not any(secret in shown for secret in (*SECRETS, *responses - {CLIENT}))
    assert base64.b64encode(SERVER_FIRST).decode() not in shown


@given(st.sampled_from(["PLAIN", "LOGIN", "SCRAM-SHA-256"]), st.lists(LINES, max_size=6))
def test_whatever_a_server_says_to_a_login_ends_in_and_ready_or_over(
    mechanism: str, lines: list[bytes]
) -> None:
    made = core(mechanism)
    made.output()
    step = Step.WAIT
    for line in lines:
        step = made.feed(line + b"\r\n")
        if step is not Step.WAIT:
            break
        # One line in answer to one line, and nothing but base64 or the star.
        (answer,) = made.output().split(b"\r\n")[:-1]
        assert answer == b"*" or base64.b64decode(answer, validate=True) is not None
    assert step in (Step.WAIT, Step.READY, Step.OVER)
    if step is Step.READY:
        # SCRAM's server has to prove itself, and nothing above can.
        assert mechanism != "SCRAM-SHA-256"
        assert any(line.startswith(b"235") for line in lines)
    if step is Step.OVER:
        assert made.failure is not None
        assert made.failure.stage is Stage.AUTH
        assert not made.usable
