"""SCRAM: the client's side and the server's agree, and neither lets itself be deceived."""

from __future__ import annotations

import base64
import hmac
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.replies import catalog
from ulak.smtp.sasl import prepare
from ulak.smtp.sasl.client import ClientMechanism, Credentials, Wrong, start
from ulak.smtp.sasl.keys import client_key, salted_password, xor
from ulak.smtp.sasl.scram import Scram, ScramKeys, ScramPlus
from ulak.smtp.sasl.steps import Challenge, NeedScramKeys, Refusal, Step, Success

SALT = b"a salt of 16 oct"
FEW = 4096
EXPORTED = {"tls-exporter": b"e" * 32}
BOTH = ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "PLAIN")


@cache
def keys(password: str) -> ScramKeys:
    return ScramKeys.of(password, SALT, FEW)


def converse(
    client: ClientMechanism, server: Scram, known: ScramKeys
) -> tuple[Step, list[bytes | Wrong | None]]:
    """Let both talk; give how it ended for the server, and what the client said."""
    said: list[bytes | Wrong | None] = [client.next(None)]
    assert isinstance(said[0], bytes)
    step = server.start(said[0])
    while not isinstance(step, Success | Refusal):
        if isinstance(step, NeedScramKeys):
            step = server.found(known)
            continue
        assert isinstance(step, Challenge)
        response = client.next(step.data)
        said.append(response)
        if not isinstance(response, bytes):
            break
        step = server.respond(response)
    return step, said


def client_of(
    name: str, password: str, offered: tuple[str, ...] = ("SCRAM-SHA-256",), **bound: bytes
) -> ClientMechanism:
    made = start(
        offered,
        Credentials(name, password),
        nonce="clients",
        secure=True,
        bindings={key.replace("_", "-"): value for key, value in bound.items()},
    )
    assert made is not None
    return made


def test_the_example_of_rfc_7677_on_the_server() -> None:
    server = Scram("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    asked = server.start(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    assert asked == NeedScramKeys("user")
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert server.found(ScramKeys.of("pencil", salt, 4096)) == Challenge(
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    final = (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    proof = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert server.respond(final) == Challenge(proof)
    assert server.respond(b"") == Success("user")


def test_the_example_of_rfc_7677_on_the_client() -> None:
    client = start(
        ["plain", "scram-sha-256"],
        Credentials("user", "pencil"),
        nonce="rOprNGfwEbeRWgbNEkqO",
        secure=False,
    )
    assert client is not None
    assert client.name == "SCRAM-SHA-256"
    assert client.next(None) == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert client.next(
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    ) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert not client.done
    assert client.next(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    assert client.done


NAMES = st.one_of(st.sampled_from(["ada", "a=b,c", "ada@example.org", "çağrı"]), st.text())


@given(NAMES, st.sampled_from(["pencil", "I\u00adX", "şifre ½", "p,a=b"]), st.booleans())
def test_who_knows_the_password_gets_in(name: str, password: str, plus: bool) -> None:  # noqa: FBT001 -- drawn
    try:
        prepared = prepare.name(name)
    except prepare.PreparationError:
        with pytest.raises(prepare.PreparationError):
            client_of(name, password)
        return
    bindings = EXPORTED if plus else {}
    client = start(BOTH, Credentials(name, password), nonce="c", secure=True, bindings=bindings)
    assert client is not None
    server = ScramPlus("s", bindings=EXPORTED) if plus else Scram("s", offers_plus=True)
    assert client.name == server.name
    outcome, _ = converse(client, server, keys(prepare.password(password)))
    assert outcome == Success(prepared)
    assert client.done


def test_who_does_not_know_it_stays_outside() -> None:
    client = client_of("ada", "pen")
    outcome, _ = converse(client, Scram("s"), keys("pencil"))
    assert outcome == Refusal(catalog.AUTHENTICATION_FAILED.reply())
    assert not client.done


def test_somebody_unknown_is_treated_like_somebody_with_another_password() -> None:
    pretended = ScramKeys.pretended("nobody", b"secret of this server", FEW)
    assert pretended == ScramKeys.pretended("nobody", b"secret of this server", FEW)
    assert pretended.salt != ScramKeys.pretended("nobody2", b"secret of this server", FEW).salt
    assert pretended.salt != ScramKeys.pretended("nobody", b"another secret", FEW).salt
    assert len(pretended.salt) == len(SALT)
    unknown = converse(client_of("nobody", "x"), Scram("s"), pretended)
    known = converse(client_of("ada", "x"), Scram("s"), keys("pencil"))
    assert unknown[0] == known[0]
    assert len(unknown[1]) == len(known[1])


def test_keys_show_nothing_and_know_their_password() -> None:
    assert keys("pencil").matches("pencil")
    assert not keys("pencil").matches("pen")
    assert not keys("pencil").matches("pen\0cil")
    assert keys("IX").matches("I\u00adX")
    with pytest.raises(prepare.PreparationError):
        ScramKeys.of("\u0627\u0031", SALT, FEW)
    assert keys("pencil").stored_key.hex() not in repr(keys("pencil"))
    assert repr(keys("pencil").stored_key) not in repr(keys("pencil"))


def test_a_client_that_could_bind_says_so() -> None:
    bound = b"e" * 32
    plus = client_of("a", "x", BOTH, tls_exporter=bound)
    assert plus.next(None) == b"p=tls-exporter,,n=a,r=clients"
    assert client_of("a", "x", tls_exporter=bound).next(None) == b"y,,n=a,r=clients"
    assert client_of("a", "x", BOTH).next(None) == b"n,,n=a,r=clients"
    older = client_of("a", "x", BOTH, tls_server_end_point=b"h" * 32)
    assert older.next(None) == b"p=tls-server-end-point,,n=a,r=clients"


def test_who_hides_plus_from_the_client_is_found_out() -> None:
    client = client_of("ada", "pencil", ("SCRAM-SHA-256",), tls_exporter=b"e" * 32)
    outcome, _ = converse(client, Scram("s", offers_plus=True), keys("pencil"))
    assert isinstance(outcome, Refusal)
    assert "hidden" in outcome.reply.text
    again = client_of("ada", "pencil", ("SCRAM-SHA-256",), tls_exporter=b"e" * 32)
    assert isinstance(converse(again, Scram("s"), keys("pencil"))[0], Success)


def test_a_proof_is_worth_nothing_in_another_connection() -> None:
    client = client_of("ada", "pencil", BOTH, tls_exporter=b"m" * 32)  # with a man in the middle
    server = ScramPlus("s", bindings=EXPORTED)
    outcome, _ = converse(client, server, keys("pencil"))
    assert outcome == Refusal(catalog.AUTHENTICATION_FAILED.reply())


FIRST = b"n,,n=ada,r=c"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n",
        b"n,",
        b"n,,",
        b",,n=ada,r=c",
        b"x,,n=ada,r=c",
        b"N,,n=ada,r=c",
        b"p=,,n=ada,r=c",
        b"p=tls-exporter,,n=ada,r=c",  # goes with -PLUS
        b"n,b=x,n=ada,r=c",
        b"n,a=,n=ada,r=c",
        b"n,,m=x,n=ada,r=c",
        b"n,,n=ada,r=c,m=x",
        b"n,,r=c,n=ada",
        b"n,,n=,r=c",
        b"n,,n=ada,r=",
        b"n,,n=ada",
        b"n,,n=ada,r=c d",
        b"n,,n=ada,r=c,",
        b"n,,n=ada,r=c,x",
        b"n,,n=ada,r=c,x=",
        b"n,,n=ada,r=c,1=x",
        b"n,,n=a=b,r=c",
        b"n,,n=a=2c,r=c",
        b"n,,n=a=,r=c",
        b"n,,n=a\0b,r=c",
        b"n,,n=\xff,r=c",
        b"n,,n=\xe2\x80\x8e,r=c",
        b"n,,n=ada,r=c\x7f",
        b"n,,n=ada,r=" + b"c" * 257,
    ],
)
def test_what_is_no_first_message_is_refused(message: bytes) -> None:
    step = Scram("s").start(message)
    assert isinstance(step, Refusal)
    assert step.reply.cause == catalog.AUTHENTICATION_MALFORMED.name


@pytest.mark.parametrize(
    "message", [b"n,,n=ada,r=c", b"y,,n=ada,r=c", b"p=tls-unique,,n=ada,r=c", b"p=x,,n=ada,r=c"]
)
def test_plus_wants_a_binding_that_is_here(message: bytes) -> None:
    assert isinstance(ScramPlus("s", bindings=EXPORTED).start(message), Refusal)


def test_names_are_unquoted_and_extensions_ignored() -> None:
    asked = Scram("s").start(b"n,a=gr=2Cace,n=a=2Cb=3D=2Cc,r=c,x=y,z==,Z=a=b")
    assert asked == NeedScramKeys("a,b=,c", "gr,ace")


@cache
def final_of_ada() -> bytes:
    client = start(["SCRAM-SHA-256"], Credentials("ada", "pencil"), nonce="c", secure=True)
    assert client is not None
    client.next(None)
    final = client.next(b"r=cs,s=" + base64.b64encode(SALT) + b",i=4096")
    assert isinstance(final, bytes)
    return final


def waiting() -> Scram:
    server = Scram("s")
    server.start(FIRST)
    server.found(keys("pencil"))
    return server


def test_the_final_message_as_it_should_be() -> None:
    assert isinstance(waiting().respond(final_of_ada()), Challenge)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"c=biws", b"c=eSws"),  # y,, where n,, was said
        (b"c=biws", b"c=biw"),
        (b"c=biws,", b""),
        (b"r=cs", b"r=cs2"),
        (b"r=cs", b"r=c"),
        (b"r=cs", b"r=s"),
        (b"r=cs", b"r="),
        (b",p=", b",x=y,p="),  # was not part of what is proved
        (b",p=", b",m=y,p="),
        (b",p=", b",p=A"),
        (b"=", b"="[:0]),
        (b"c=", b"x=y,c="),
    ],
)
def test_a_final_message_that_was_changed_is_refused(old: bytes, new: bytes) -> None:
    changed = final_of_ada().replace(old, new)
    assert changed != final_of_ada()
    assert isinstance(waiting().respond(changed), Refusal)


def test_every_octet_of_the_proof_counts() -> None:
    head, _, proof = final_of_ada().rpartition(b",p=")
    octets = base64.b64decode(proof)
    for place in range(len(octets)):
        other = bytearray(octets)
        other[place] ^= 1
        final = head + b",p=" + base64.b64encode(bytes(other))
        assert waiting().respond(final) == Refusal(catalog.AUTHENTICATION_FAILED.reply())
    for short in (octets[:31], octets + b"\0", b""):
        assert isinstance(waiting().respond(head + b",p=" + base64.b64encode(short)), Refusal)


def test_an_extension_that_is_proved_is_ignored() -> None:
    salted = salted_password("pencil", SALT, FEW)
    without_proof = b"c=biws,r=cs,x=y"
    first = b"r=cs,s=" + base64.b64encode(SALT) + b",i=4096"
    messages = b"n=ada,r=c," + first + b"," + without_proof
    signature = hmac.digest(keys("pencil").stored_key, messages, "sha256")
    proof = base64.b64encode(xor(client_key(salted), signature))
    assert isinstance(waiting().respond(without_proof + b",p=" + proof), Challenge)


def test_what_follows_the_servers_proof_is_nothing() -> None:
    server = waiting()
    server.respond(final_of_ada())
    assert isinstance(server.respond(b"x"), Refusal)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"r=clients,s=YQ==,i=4096",  # adds nothing
        b"r=other,s=YQ==,i=4096",
        b"r=clientsx,s=,i=4096",
        b"r=clientsx,s=YQ,i=4096",
        b"r=clientsx,s=YQ==,i=0",
        b"r=clientsx,s=YQ==,i=4095",
        b"r=clientsx,s=YQ==,i=04096",
        b"r=clientsx,s=YQ==,i=1000001",
        b"r=clientsx,s=YQ==,i=99999999999999999999999",
        b"r=clientsx,s=YQ==,i=4_096",
        b"m=x,r=clientsx,s=YQ==,i=4096",
        b"r=clientsx,s=YQ==,i=4096,m=x",
        b"s=YQ==,r=clientsx,i=4096",
        b"e=unknown-user",
    ],
)
def test_the_client_does_not_prove_anything_to_a_server_that_errs(first: bytes) -> None:
    client = client_of("ada", "pencil")
    client.next(None)
    assert isinstance(client.next(first), Wrong)
    assert not client.done


@pytest.mark.parametrize("final", [b"", b"v=", b"v=AAAA", b"e=other-error", b"x", b"v=YQ==,m"])
def test_a_server_that_does_not_know_the_password_is_not_believed(final: bytes) -> None:
    client = client_of("ada", "pencil")
    client.next(None)
    assert isinstance(client.next(b"r=clientsx,s=YQ==,i=4096"), bytes)
    assert isinstance(client.next(final), Wrong)
    assert not client.done


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60)), max_size=5))
def test_whatever_a_server_says_the_client_gives_a_response_or_says_what_is_wrong(
    challenges: list[bytes | None],
) -> None:
    for offered in (["SCRAM-SHA-256"], ["PLAIN"], ["LOGIN"]):
        client = start(offered, Credentials("ada", "pencil"), nonce="clients", secure=True)
        assert client is not None
        for challenge in challenges:
            answer = client.next(challenge)
            assert answer is None or isinstance(answer, bytes | Wrong)
            if isinstance(answer, Wrong):
                break
        assert not (client.done and client.name.startswith("SCRAM"))
