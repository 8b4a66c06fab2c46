"""A configuration is read whole, or refused with everything that is wrong with it."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from tests.config.everything import EVERYTHING

from ulak import config
from ulak.config import NextHop, SocketAddress
from ulak.config.mistake import TEXTS
from ulak.delivery.hop import parse
from ulak.language import LANGUAGES

UNIX = '[[listener]]\nkind = "lmtp"\naddress = "unix:x"\n'
BUCKET = '[queue]\nstore = "postgresql://ulak@db/ulak"\n[queue.bucket]\nname = "mail"\n'
TWO_LMTP = UNIX + '[[listener]]\nkind = "lmtp"\naddress = '


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "ulak.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def mistakes(folder: Path, text: str | bytes) -> list[tuple[int, str, str]]:
    """Give line, key and name of everything that is wrong with a text."""
    with pytest.raises(config.ConfigError) as caught:
        config.load(write(folder, text))
    for language in LANGUAGES:
        assert all(caught.value.sentences(language))
    return [
        (mistake.spot.line if mistake.spot else 0, mistake.key, mistake.text)
        for mistake in caught.value.mistakes
    ]


def warnings(folder: Path, text: str) -> list[tuple[str, str]]:
    return [(one.key, one.text) for one in config.load(write(folder, text)).warnings]


def test_everything_that_can_be_said_arrives(tmp_path: Path) -> None:
    found = config.load(write(tmp_path, EVERYTHING))
    assert found.hostname == "mx.example.org"
    assert found.data == tmp_path / "data"
    assert found.workers == 2
    assert found.languages == ("tr", "en")
    assert [listener.kind for listener in found.listeners] == ["mx", "submission", "lmtp"]
    assert found.listeners[1].address == SocketAddress("::1", 2424)
    assert found.listeners[1].socket_mode is None
    assert found.listeners[2].address == SocketAddress("", 0, str(tmp_path / "run" / "in.sock"))
    assert (found.listeners[2].socket_mode, found.listeners[2].socket_group) == (0o666, "mail")
    assert found.web is not None
    assert found.web.addresses == (SocketAddress("127.0.0.1", 8025),)
    domain = found.domains["example.org"]
    assert domain.mailboxes == ("ada", "grace")
    assert domain.aliases == {"info": ("ada@example.org", "else@example.net")}
    assert domain.deliver == NextHop("lmtp", path=str(tmp_path / "lmtp.sock"))
    assert found.relay.networks[0] == ipaddress.ip_network("127.0.0.1/32")
    assert found.routes == {"*": NextHop("mx"), "example.net": NextHop("smtp", "192.0.2.1", 2526)}
    assert found.delivery.paused
    assert found.delivery.warn_after == 0
    assert found.delivery.retry == config.Retry(first=60, longest=5400)
    assert found.dns.servers == (SocketAddress("127.0.0.1", 5353), SocketAddress("::1", 53))
    assert found.policy.max_message_size == 2**20
    assert found.policy.dnsbl[0].zone == "zen.example.org"
    assert found.policy.dnsbl[0].codes == ("127.0.0.2", "127.0.0.8/30")
    assert found.log.format == "json"
    assert found.warnings == ()


def test_without_a_file_the_embedded_default_holds() -> None:
    found = config.load(None)
    assert [str(listener.address) for listener in found.listeners] == [
        "127.0.0.1:2525",
        "127.0.0.1:2587",
    ]
    assert [listener.kind for listener in found.listeners] == ["mx", "submission"]
    assert found.web is not None
    assert [str(one) for one in found.web.addresses] == ["127.0.0.1:8025"]
    assert list(found.domains) == ["localhost"]
    assert found.relay.networks == ()
    assert found.data == Path("ulak-data")
    assert found.file is None


def test_a_folder_given_beside_the_file_wins(tmp_path: Path) -> None:
    assert config.load(None, tmp_path).data == tmp_path
    assert config.load(write(tmp_path, 'data = "x"'), Path("y")).data == Path("y")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert config.load(write(tmp_path, "")).data == tmp_path / "ulak-data"
    assert config.load(write(tmp_path, 'data = "/x"')).data == Path("/x")


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = """hostnam = "x"
workers = "2"
max_message_size = 5
languages = ["en", "de", "en"]
[[listener]]
address = "25"
[[listener]]
kind = "smtp"
[policy]
vrfy = "maybe"
max_recipients = 0
foo = 1
"""
    assert mistakes(tmp_path, text) == [
        (1, "hostnam", "unknown-key-guess"),
        (2, "workers", "wrong-kind"),
        (3, "max_message_size", "unknown-key-elsewhere"),
        (4, "languages[2]", "not-a-choice"),
        (4, "languages[3]", "twice"),
        (6, "listener[1].address", "wrong-kind"),
        (7, "listener[2].address", "missing"),
        (8, "listener[2].kind", "not-a-choice"),
        (10, "policy.vrfy", "not-a-choice"),
        (11, "policy.max_recipients", "out-of-bounds"),
        (12, "policy.foo", "unknown-key"),
    ]


@pytest.mark.parametrize(
    ("text", "key", "name"),
    [
        ('hostname = "mx.example.org."', "hostname", "wrong-kind"),
        ('hostname = "192.0.2.1"', "hostname", "wrong-kind"),
        ('hostname = "a b"', "hostname", "wrong-kind"),
        ("hostname = 5", "hostname", "wrong-kind"),
        ("workers = true", "workers", "wrong-kind"),
        ("workers = 0", "workers", "wrong-kind"),
        ("languages = []", "languages", "list-empty"),
        ('languages = "en"', "languages", "list-wanted"),
        ("languages = 1979-05-27", "languages", "wrong-kind"),
        ('data = ""', "data", "wrong-kind"),
        ("delivery = 1", "delivery", "wrong-kind"),
        ("[listener]", "listener", "each-wanted"),
        ("listener = 1", "listener", "wrong-kind"),
        ("[delivery]\npaused = 1", "delivery.paused", "wrong-kind"),
        ('[delivery]\ngive_up_after = "5"', "delivery.give_up_after", "wrong-kind"),
        ("[delivery]\ngive_up_after = nan", "delivery.give_up_after", "out-of-bounds"),
        ("[delivery.retry]\nfactor = 0.5", "delivery.retry.factor", "out-of-bounds"),
        ("[delivery.retry]\nfactor = nan", "delivery.retry.factor", "out-of-bounds"),
        ('[delivery]\nsource_ipv4 = "::1"', "delivery.source_ipv4", "other-version"),
        ('[domains."a b"]', 'domains."a b"', "wrong-kind"),
        ('[domains.a]\nmailboxes = ["x@a"]', "domains.a.mailboxes[1]", "mailbox-with-domain"),
        ('[domains.a]\nmailboxes = ["x y"]', "domains.a.mailboxes[1]", "not-a-mailbox"),
        ('[domains.a]\nmailboxes = ["x", "X"]', "domains.a.mailboxes[2]", "twice"),
        ('[domains.a]\naliases = { "*" = ["x@b"] }', 'domains.a.aliases."*"', "alias-for-all"),
        ('[domains.a]\naliases = { i = ["x"] }', "domains.a.aliases.i[1]", "wrong-kind"),
        ("[domains.a]\naliases = { i = [] }", "domains.a.aliases.i", "list-empty"),
        ('[domains.a]\ndeliver = "mx"', "domains.a.deliver", "not-a-hop"),
        ('[domains.a]\ndeliver = "maildir:x"', "domains.a.deliver", "not-a-hop"),
        ('[domains.a]\ndeliver = "lmtp:unix:"', "domains.a.deliver", "not-a-hop"),
        ('[route]\n"*" = "smtp:mx.example.org"', 'route."*"', "not-a-hop"),
        ('[route]\n"*" = "smtp:mx.example.org:0"', 'route."*"', "not-a-hop"),
        ('[relay]\nnetworks = ["0.0.0.0/0"]', "relay.networks[1]", "open-relay"),
        (
            '[[listener]]\naddress = "127.0.0.1:0"\nproxy = ["::/0"]',
            "listener[1].proxy[1]",
            "everybody-believed",
        ),
        ('[relay]\nnetworks = ["10.0.0.1/8"]', "relay.networks[1]", "host-bits"),
        ('[relay]\nnetworks = ["fe80::1%eth0"]', "relay.networks[1]", "wrong-kind"),
        ('[dns]\nservers = ["resolver.example.org"]', "dns.servers[1]", "wrong-kind"),
        ('[queue]\nstore = "postgresql:d"', "queue.store", "not-a-database"),
        ('[queue]\nstore = "postgresql://u@h/my queue"', "queue.store", "not-a-database"),
        ('[queue]\nstore = "mysql"', "queue.store", "not-a-choice"),
        ('[queue.bucket]\nname = "a bucket"', "queue.bucket.name", "wrong-kind"),
        (BUCKET + 'prefix = "../x"', "queue.bucket.prefix", "wrong-kind"),
        (BUCKET + 'endpoint = "s3.example.org"', "queue.bucket.endpoint", "wrong-kind"),
        (BUCKET + 'without = "wait"', "queue.bucket.without", "not-a-choice"),
        ('[queue.bucket]\nname = "mail"', "queue.bucket", "bucket-needs-database"),
        (BUCKET + 'endpoint = "http://s3.example.org"', "queue.bucket.endpoint", "bucket-in-clear"),
        (BUCKET + 'keys = "/nowhere"', "queue.bucket.keys", "bucket-file-unreadable"),
        (BUCKET + 'keys = "/dev/null"', "queue.bucket.keys", "bucket-keys-incomplete"),
        ('[[listener]]\naddress = "unix:"\nkind = "lmtp"', "listener[1].address", "socket-path"),
        (
            f'[[listener]]\naddress = "unix:/{"x" * 107}"\nkind = "lmtp"',
            "listener[1].address",
            "socket-path",
        ),
        (
            '[[listener]]\naddress = "unix:x"\nkind = "lmtp"\nsocket_mode = "0o660"',
            "listener[1].socket_mode",
            "wrong-kind",
        ),
        (
            '[[listener]]\naddress = "unix:x"\nkind = "lmtp"\nsocket_mode = 432',
            "listener[1].socket_mode",
            "wrong-kind",
        ),
        ('[web]\naddress = "unix:x"', "web.address", "wrong-kind"),
        ("[[policy.dnsbl]]", "policy.dnsbl[1].zone", "missing"),
        (
            '[[policy.dnsbl]]\nzone = "a.b"\ncodes = ["10.0.0.1"]',
            "policy.dnsbl[1].codes[1]",
            "wrong-kind",
        ),
    ],
)
def test_one_mistake_is_one_mistake(tmp_path: Path, text: str, key: str, name: str) -> None:
    assert [(found[1], found[2]) for found in mistakes(tmp_path, text)] == [(key, name)]


@pytest.mark.parametrize(
    ("text", "key", "name"),
    [
        (
            '[[listener]]\naddress = "127.0.0.1:25"\n[[listener]]\naddress = "0.0.0.0:25"',
            "listener[2].address",
            "listens-twice",
        ),
        (
            '[[listener]]\naddress = "127.0.0.1:25"\nkind = "lmtp"',
            "listener[1].address",
            "lmtp-on-25",
        ),
        (
            '[[listener]]\naddress = "127.0.0.1:24"\nkind = "lmtp"\nwithhold = ["PIPELINING"]',
            "listener[1].withhold",
            "lmtp-needs",
        ),
        (UNIX + 'login = "required"', "listener[1].login", "lmtp-login"),
        (
            '[[listener]]\naddress = "127.0.0.1:24"\nkind = "lmtp"\nlogin = "offered"',
            "listener[1].login",
            "lmtp-login",
        ),
        ('[[listener]]\naddress = "unix:/x"', "listener[1].address", "unix-without-lmtp"),
        (
            '[[listener]]\naddress = "127.0.0.1:24"\nkind = "lmtp"\nsocket_group = "mail"',
            "listener[1].socket_group",
            "socket-without-unix",
        ),
        (
            TWO_LMTP + '"unix:./x"',
            "listener[2].address",
            "listens-twice",
        ),
        (
            UNIX + '[domains.a]\nmailboxes = ["x"]\ndeliver = "lmtp:unix:x"',
            "domains.a.deliver",
            "hop-to-itself",
        ),
        (
            '[web]\naddress = "127.0.0.1:25"\n[[listener]]\naddress = "127.0.0.1:25"',
            "web.address",
            "listens-twice",
        ),
        (
            '[domains.a]\nmailboxes = ["x"]\naliases = { i = ["y@A"] }',
            "domains.a.aliases.i[1]",
            "alias-to-nowhere",
        ),
        (
            '[domains.a]\nmailboxes = ["x"]\naliases = { I = ["j@a"], j = ["i@a"], k = ["x@a"] }',
            "domains.a.aliases.I",
            "alias-to-itself",
        ),
        (
            '[domains.a]\nmailboxes = ["x"]\naliases = { x = ["x@b"] }',
            "domains.a.aliases.x",
            "mailbox-and-alias",
        ),
        (
            '[domains.a]\nmailboxes = ["X"]\nmoved = { x = "x@b" }',
            "domains.a.moved.x",
            "moved-and-here",
        ),
        (
            '[domains.a]\naliases = { x = ["y@b"] }\nmoved = { X = "x@b" }',
            "domains.a.moved.X",
            "moved-and-here",
        ),
        (
            '[domains.a]\nmailboxes = ["*"]\nmoved = { x = "x@A" }',
            "domains.a.moved.x",
            "alias-to-nowhere",
        ),
        (
            '[domains.a]\nmailboxes = ["x"]\nmoved = { Postmaster = "x@a" }',
            "domains.a.moved.Postmaster",
            "postmaster-moved",
        ),
        ('[domains.a]\nmailboxes = ["*"]\n[route]\n"A" = "mx"', "route.A", "route-of-local-domain"),
        (
            '[[listener]]\naddress = "0.0.0.0:25"\n[route]\n"*" = "smtp:localhost:25"',
            'route."*"',
            "hop-to-itself",
        ),
        (
            '[relay]\nnetworks = ["10.1.0.0/16"]\n[policy]\ndeny = ["10.0.0.0/8"]',
            "relay.networks[1]",
            "relay-for-the-denied",
        ),
        (
            '[delivery.retry]\nlongest = "1h"\nfirst = "2h"',
            "delivery.retry.longest",
            "longest-before-first",
        ),
        ('[delivery]\ngive_up_after = "1m"', "delivery.give_up_after", "gives-up-before-first"),
        ('[delivery]\nwarn_after = "6d"', "delivery.warn_after", "warns-after-giving-up"),
        ('[login]\nfirst_delay = "1m"', "login.first_delay", "delays-shrink"),
        ('[login]\nlongest_ban = "1m"', "login.longest_ban", "bans-shrink"),
        ("[limits]\nconnections = 10", "limits.connections", "client-over-all"),
        ('[dns]\ndeadline = "1s"', "dns.deadline", "deadline-before-timeout"),
        ("[delivery]\nconnections = 10", "delivery.connections", "destination-over-all"),
        (
            '[policy]\nmax_message_size = "1MB"\nmax_header_size = "2MB"',
            "policy.max_header_size",
            "header-over-message",
        ),
        (
            '[[policy.dnsbl]]\nzone = "a.b"\n[[policy.dnsbl]]\nzone = "A.b"',
            "policy.dnsbl[2].zone",
            "zone-twice",
        ),
        ('[why]\nids = false\naddress = "https://a/"', "why.address", "address-without-ids"),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path: Path, text: str, key: str, name: str) -> None:
    assert (key, name) in [(found[1], found[2]) for found in mistakes(tmp_path, text)]


def test_one_wrong_value_does_not_make_a_second_mistake(tmp_path: Path) -> None:
    text = '[domains.a]\nmailboxes = ["x y"]\naliases = { i = ["z@a"] }'
    assert [found[2] for found in mistakes(tmp_path, text)] == ["not-a-mailbox"]


@pytest.mark.parametrize(
    "hop",
    [
        "mx",
        "maildir",
        "smtp:192.0.2.1:25",
        "smtp:[2001:db8::1]:25",
        "smtp:mx.example.org:2525",
        "lmtp:localhost:24",
        "lmtp:unix:/run/lmtp",
        "lmtp:unix:lmtp.sock",
    ],
)
def test_a_hop_that_the_configuration_takes_delivery_takes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hop: str
) -> None:
    monkeypatch.chdir(tmp_path)
    table = "route" if hop.startswith(("mx", "smtp")) else "deliver"
    text = f'[route]\n"*" = "{hop}"' if table == "route" else f'[domains.a]\ndeliver = "{hop}"'
    found = config.load(write(Path(), text))
    taken = found.routes["*"] if table == "route" else found.domains["a"].deliver
    parsed = parse(str(taken))
    assert (parsed.host, parsed.port, parsed.path) == (taken.host, taken.port, taken.path)


def test_aliases_may_be_foreign_or_keep_a_copy(tmp_path: Path) -> None:
    text = '[domains.a]\nmailboxes = ["x"]\naliases = { x = ["x@a", "y@b"], p = ["postmaster@a"] }'
    assert config.load(write(tmp_path, text)).domains["a"].aliases["x"] == ("x@a", "y@b")


def test_an_alias_that_names_only_itself_is_its_mailbox(tmp_path: Path) -> None:
    text = '[domains.a]\nmailboxes = ["x"]\naliases = { x = ["x@a"] }'
    assert config.load(write(tmp_path, text)).domains["a"].aliases == {"x": ("x@a",)}


def test_a_part_of_a_relay_network_may_be_denied(tmp_path: Path) -> None:
    text = '[relay]\nnetworks = ["10.0.0.0/8", "::1"]\n[policy]\ndeny = ["10.1.0.0/16"]'
    assert config.load(write(tmp_path, text)).policy.deny


def test_port_zero_may_stand_twice(tmp_path: Path) -> None:
    text = '[[listener]]\naddress = "127.0.0.1:0"\n' * 2
    assert len(config.load(write(tmp_path, text)).listeners) == 2


def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path) -> None:
    text = "[domains.a]\n[policy]\nmax_message_size = 1000\nmax_recipients = 5\n"
    assert warnings(tmp_path, text) == [
        ("domains.a", "only-postmaster"),
        ("policy.max_message_size", "message-under-rfc"),
        ("policy.max_recipients", "recipients-under-rfc"),
        ("listener", "no-listener"),
    ]


@pytest.mark.parametrize(
    ("listener", "names"),
    [
        ('kind = "submission"\naddress = "192.0.2.1:587"', ["submission-without-tls"]),
        ('kind = "submission"\naddress = "127.0.0.1:587"', []),
        ('kind = "submission"\naddress = "[::1]:587"\nlogin = "off"', ["submission-without-login"]),
        (
            'kind = "submission"\naddress = "[::1]:587"\nlogin = "offered"',
            ["submission-without-login"],
        ),
        ('address = "192.0.2.1:25"\nlogin = "required"', ["mx-needs-login"]),
        ('address = "192.0.2.1:25"\nlogin = "offered"', []),
        ('address = "192.0.2.1:25"\ntls = {}', ["own-certificate"]),
        ('address = "127.0.0.1:25"\ntls = { mode = "implicit" }', []),
    ],
)
def test_a_listener_where_logins_go_wrong_is_a_warning(
    tmp_path: Path, listener: str, names: list[str]
) -> None:
    found = warnings(tmp_path, f"[[listener]]\n{listener}\n")
    assert [name for _, name in found] == names


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("a = 1\na = 2\n", 2, "syntax-twice"),
        ("[a]\nb = {x = 1", 2, "syntax-open-table"),
        ("[policy]\nvrfy = verify\n", 2, "syntax-value"),
        ("\nvrfy\n", 2, "syntax-equals"),
        ('a = "x\n', 1, "syntax-control"),
        ('a = """x\n\n', 1, "syntax-open-string"),
        ("[a\n", 1, "syntax-open-header"),
        ("a = [1,\n2\n", 2, "syntax-open-array"),
        ("a = 1 b = 2\n", 1, "syntax-line-end"),
        ('a = "\\q"', 1, "syntax-backslash"),
        ("é = 1", 1, "syntax-key"),
        ("a = {}\na.b = 1", 2, "syntax-closed-table"),
        ("a = 1979-02-30", 1, "syntax-date"),
        ('a = "\\uZZZZ"', 1, "syntax"),
        (b'\na = "\xff"\n', 2, "not-utf8"),
        ("\na = 1" + "0" * 5000, 2, "number-too-long"),
        ("a = " + "[" * 10_000, 0, "too-deep"),
    ],
)
def test_a_syntax_error_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, name: str
) -> None:
    assert [(found[0], found[2]) for found in mistakes(tmp_path, text)] == [(line, name)]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = write(tmp_path, b'\xef\xbb\xbfhostname = "mx.example.org"\r\n')
    assert config.load(file).hostname == "mx.example.org"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path, name in ((tmp_path / "none.toml", "no-file"), (tmp_path, "a-folder")):
        with pytest.raises(config.ConfigError) as caught:
            config.load(path)
        assert [mistake.text for mistake in caught.value.mistakes] == [name]


def test_data_that_is_a_file_is_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'data = "ulak.toml"') == [(1, "data", "data-is-a-file")]


def test_no_sentence_gives_a_password_away(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.load(write(tmp_path, '[log]\nlevel = "amqp://user:secret@host/x"'))
    assert "secret" not in str(caught.value)


def test_a_mistake_is_written_as_compilers_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 'hostnam = "x"\n')
    with pytest.raises(config.ConfigError) as caught:
        config.load(Path("ulak.toml"))
    assert caught.value.sentences() == [
        "ulak.toml:1: hostnam: There is no setting of this name; did you mean hostname?"
    ]
    assert caught.value.sentences("tr") == [
        "ulak.toml:1: hostnam: Bu adda bir ayar yok; hostname mi demek istediniz?"
    ]


def test_every_text_is_there_in_every_language_with_the_same_places() -> None:
    english = TEXTS.all("en")
    for language in LANGUAGES:
        texts = TEXTS.all(language)
        assert set(texts) == set(english)
        for name, text in texts.items():
            assert places(text) == places(english[name]), name


def places(text: str) -> set[str]:
    bare = text.replace("{{", "").replace("}}", "")
    return {part.partition("}")[0] for part in bare.split("{")[1:]}
