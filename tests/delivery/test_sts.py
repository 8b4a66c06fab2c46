"""Policies of MTA-STS are fetched, kept and obeyed, whatever somebody does to DNS and the web."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.delivery.carrying import message, run
from tests.delivery.policyhost import PolicyHost, policy
from tests.delivery.transporting import (
    AUTHORITY,
    DOMAIN,
    MX1,
    MX2,
    STRANGER,
    Known,
    World,
    believing,
    deferred,
    shows,
    valid,
    world,
)

from ulak.app.fetching import PolicyFetcher
from ulak.checks.mta_sts import Mode
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.transport.policy import Sts
from ulak.delivery.transport.sqlite import SqliteStsStore, TransportError
from ulak.delivery.transport.sts import Cached, StsPolicies
from ulak.dns import Status
from ulak.dns.resolver import DnsResolver
from ulak.lab.certificate import Certificate, certificate
from ulak.lab.mx import CLOSE, Act, Behaviour
from ulak.mail.envelope import Wishes

HOST = f"mta-sts.{DOMAIN}"
NOW = 1_800_000_000.0
DAY = 86_400.0


@dataclass
class Scene:
    """A world whose domain has a policy, and who keeps to it."""

    there: World
    web: PolicyHost
    policies: StsPolicies
    file: Path
    time: list[float]
    told: list[str] = field(default_factory=list)

    async def send(self) -> Outcome:
        self.there.directions._kept.clear()  # as if a minute had passed
        return await self.there.send()

    def record(self, identifier: str | Status) -> None:
        found = (
            identifier
            if isinstance(identifier, Status)
            else [f"v=STSv1; id={identifier};"]
            if identifier
            else ["nothing"]
        )
        self.there.zone.put(f"_mta-sts.{DOMAIN}", "TXT", found)
        self.there.resolver._cache._answers.clear()

    def another(self) -> StsPolicies:
        """Make another process that has the same file."""
        return _policies(self.there.resolver, self.web, self.file, self.time, self.told)


def _policies(
    resolver: DnsResolver, web: PolicyHost, file: Path, time: list[float], told: list[str]
) -> StsPolicies:
    def failed(error: BaseException) -> str:
        raise error

    fetch = PolicyFetcher(resolver, believing(), reach_private=True, port=web.port)
    return StsPolicies(
        resolver,
        fetch,
        SqliteStsStore(file),
        lambda: time[0],
        failed,
        lambda _domain, problem: told.append(problem),
    )


@contextlib.asynccontextmanager
async def scene(
    folder: Path,
    *behaviours: Behaviour,
    body: str = "",
    shown: Certificate | None = None,
    authentic: bool = False,
    **settings: object,
) -> AsyncIterator[Scene]:
    web = PolicyHost(shown or certificate(HOST, issuer=AUTHORITY), body)
    time, told = [NOW], list[str]()
    holder: list[StsPolicies] = []

    class Late:
        async def of(self, domain: str) -> Sts | None:
            return await holder[0].of(domain)

    hosts = behaviours or (shows(valid()),)
    async with web, world(*hosts, authentic=authentic, policies=Late(), **settings) as there:  # type: ignore[arg-type]  # fields by their names
        there.zone.put(HOST, "A", ["127.0.0.1"])
        file = folder / "transport.db"
        made = Scene(there, web, _policies(there.resolver, web, file, time, told), file, time, told)
        holder.append(made.policies)
        made.record("1")
        try:
            yield made
        finally:
            await made.policies.close()


# -- what is obeyed -------------------------------------------------------------------------------


def test_a_policy_is_fetched_and_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            outcome = await it.send()
            assert (outcome.result, outcome.tls) == (Result.DELIVERED, "TLSv1.3"), outcome
            facts = {k: outcome.facts[k] for k in ("tls-policy", "sts-domain", "sts-id")}
            assert facts == {
                "tls-policy": "mta-sts-enforce", "sts-domain": DOMAIN, "sts-id": "1",
            }  # fmt: skip
            for _ in range(3):
                await it.send()
            assert it.there.taken == [4]
            assert it.web.asked == ["GET /.well-known/mta-sts.txt HTTP/1.1"]
            assert it.web.names == [HOST]

    run(main)


UNPROVEN = {
    "stripped": Behaviour(),
    "refused": shows(valid(), at={"STARTTLS": "502 5.5.1 Not here"}),
    "cut": shows(valid(), at={"STARTTLS": CLOSE}),
    "no TLS": shows(valid(), at={"TLS": Act(raw=b"this is no TLS\r\n", close=True)}),
    "another's": shows(certificate("mx9.example.net", issuer=AUTHORITY)),
    "expired": shows(certificate(MX1, issuer=AUTHORITY, expired=True)),
    "nobody's": shows(certificate(MX1, issuer=STRANGER)),
    "its own": shows(certificate(MX1)),
}


@pytest.mark.parametrize("how", UNPROVEN)
def test_a_host_that_is_not_proven_gets_nothing(tmp_path: Path, how: str) -> None:
    cause = "tls-failed" if how in ("cut", "no TLS") else "mta-sts-failed"

    async def main() -> None:
        async with scene(tmp_path, UNPROVEN[how]) as it:
            outcome = await it.send()
            deferred(outcome, cause)
            assert it.there.taken == [0]
            assert outcome.facts["tls-policy"] == "mta-sts-enforce"
            deferred(await it.send(), cause)  # nor is it spoken to in the clear the next time

    run(main)


def test_the_next_host_is_tried(tmp_path: Path) -> None:
    async def main() -> None:
        good = shows(certificate(MX2, issuer=AUTHORITY))
        async with scene(
            tmp_path, UNPROVEN["expired"], good, body=policy(mx="*.example.net")
        ) as it:
            assert (await it.send()).result is Result.DELIVERED
            assert it.there.taken == [0, 1]

    run(main)


def test_a_host_that_the_policy_does_not_name_gets_nothing(tmp_path: Path) -> None:
    """MX records that somebody has forged lead to a host with a fine certificate of its own."""

    async def main() -> None:
        async with scene(tmp_path) as it:
            there = it.there
            there.zone.put(DOMAIN, "MX", [(5, "evil.example"), (10, MX1)])
            there.zone.put("evil.example", "A", ["127.0.0.1"])
            assert (await it.send()).host.startswith(MX1)
            there.zone.put(DOMAIN, "MX", [(5, "evil.example")])
            there.resolver._cache._answers.clear()
            outcome = await it.send()
            deferred(outcome, "mta-sts-failed")
            assert "does not name it" in outcome.reply
            assert there.taken == [1]

    run(main)


def test_a_policy_that_is_tested_is_no_bar_and_its_failures_are_noted(tmp_path: Path) -> None:
    async def main() -> None:
        for number, (name, behaviour) in enumerate(UNPROVEN.items()):
            folder = tmp_path / str(number)
            async with scene(folder, behaviour, body=policy("testing")) as it:
                for _ in range(2):
                    outcome = await it.send()
                    assert outcome.result is Result.DELIVERED, (name, outcome)
                    assert outcome.facts["tls-policy"] == "mta-sts-testing"
                unproven = name in ("another's", "expired", "nobody's", "its own")
                assert ("certificate" in outcome.facts.get("sts-failed", "")) == unproven
                assert bool(outcome.tls) == unproven
        async with scene(tmp_path, body=policy("testing")) as it:
            outcome = await it.send()
            assert (outcome.tls, "sts-failed" in outcome.facts) == ("TLSv1.3", False)
        async with scene(tmp_path, Behaviour(), body=policy("testing", "mx9.example.net")) as it:
            it.record("2")
            outcome = await it.send()
            assert outcome.result is Result.DELIVERED
            assert "does not name it" in outcome.facts["sts-failed"]

    run(main)


def test_a_policy_that_is_none_is_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, Behaviour(), body=policy("none")) as it:
            outcome = await it.send()
            assert (outcome.result, outcome.facts) == (Result.DELIVERED, {})

    run(main)


# -- what is fetched ------------------------------------------------------------------------------


def test_a_domain_without_a_record_has_no_policy_and_costs_one_question(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, Behaviour()) as it:
            it.there.zone.remove(f"_mta-sts.{DOMAIN}", "TXT")
            for _ in range(3):
                outcome = await it.send()
                assert (outcome.result, outcome.facts) == (Result.DELIVERED, {})
            assert it.there.asked("TXT") == [f"_mta-sts.{DOMAIN}"]
            assert not it.web.asked
            assert not it.file.exists()

    run(main)


def test_what_is_no_policy_is_none_and_somebody_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        for number, (attribute, value) in enumerate(
            {
                "status": "404 Not Found",
                "media_type": "text/html",
                "body": "version: STSv1\r\nmode: perhaps\r\n",
            }.items()
        ):
            async with scene(tmp_path / str(number), Behaviour()) as it:
                setattr(it.web, attribute, value)
                outcome = await it.send()
                assert outcome.result is Result.DELIVERED
                assert len(it.told) == 1, it.told
                it.time[0] += 299  # RFC 8461 §3.3: not again for five minutes
                await it.send()
                assert len(it.web.asked) == 1
                it.time[0] += 2
                await it.send()
                assert len(it.web.asked) == 2
                it.record("2")  # but at once where there is a new one
                await it.send()
                assert len(it.web.asked) == 3

    run(main)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, Behaviour()) as it:
            it.web.status = "302 Found"
            it.web.more = f"Location: https://{HOST}:{it.web.port}/elsewhere\r\n"
            sts = await it.policies.of(DOMAIN)
            assert sts is not None
            assert (sts.mode, sts.fault) == (Mode.NONE, "sts-policy-fetch-error")
            assert it.told == ["HTTP status 302"]
            assert len(it.web.asked) == 1

    run(main)


@pytest.mark.parametrize(
    "shown",
    [
        certificate("example.net", issuer=AUTHORITY),
        certificate(HOST, issuer=AUTHORITY, expired=True),
        certificate(HOST, issuer=STRANGER),
        certificate(HOST),
    ],
    ids=["another's", "expired", "nobody's", "its own"],
)
def test_the_web_server_has_to_prove_itself(tmp_path: Path, shown: Certificate) -> None:
    async def main() -> None:
        async with scene(tmp_path, Behaviour(), shown=shown) as it:
            sts = await it.policies.of(DOMAIN)
            assert sts is not None
            assert (sts.mode, sts.fault) == (Mode.NONE, "sts-webpki-invalid")
            assert not it.web.asked
            assert (await it.send()).result is Result.DELIVERED

    run(main)


def test_the_policy_of_a_private_network_is_not_fetched(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            fetch = PolicyFetcher(it.there.resolver, believing(), port=it.web.port)
            assert (await fetch(DOMAIN)).refused == "127.0.0.1"
            assert not it.web.asked

    run(main)


def test_many_who_ask_at_once_fetch_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            found = await asyncio.gather(*(it.policies.of(DOMAIN) for _ in range(20)))
            assert {sts and sts.mode for sts in found} == {Mode.ENFORCE}
            assert len(it.web.asked) == 1

    run(main)


# -- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("record", ["", Status.SERVFAIL, Status.NXDOMAIN])
def test_a_policy_outlives_its_record(tmp_path: Path, record: str | Status) -> None:
    """Who can answer for DNS, or silence it, cannot make a policy go away."""

    async def main() -> None:
        async with scene(tmp_path, Behaviour()) as it:
            deferred(await it.send(), "mta-sts-failed")
            it.record(record)
            it.time[0] += DAY - 400
            deferred(await it.send(), "mta-sts-failed")
            it.time[0] += 500  # now it has expired
            outcome = await it.send()
            assert (outcome.result, outcome.facts) == (Result.DELIVERED, {})

    run(main)


def test_a_policy_outlives_its_web_server(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, Behaviour()) as it:
            deferred(await it.send(), "mta-sts-failed")
            it.web.status = "500 Broken"
            it.record("2")
            outcome = await it.send()
            deferred(outcome, "mta-sts-failed")
            assert outcome.facts["sts-problem"] == "HTTP status 500"
            assert outcome.facts["sts-id"] == "1"

    run(main)


def test_another_id_is_another_policy(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, Behaviour()) as it:
            deferred(await it.send(), "mta-sts-failed")
            it.web.body = policy("none")
            deferred(await it.send(), "mta-sts-failed")  # it is known, and its id is the same
            it.record("2")
            assert (await it.send()).result is Result.DELIVERED

    run(main)


def test_all_processes_know_what_one_has_fetched(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.send()
            other = it.another()
            found = await other.of(DOMAIN)
            assert found == Sts(DOMAIN, Mode.ENFORCE, "1", (MX1,), 86_400)
            assert len(it.web.asked) == 1
            it.web.body, it.time[0] = policy("testing"), it.time[0] + 10
            it.record("2")
            await other.of(DOMAIN)
            again = await it.policies.of(DOMAIN)
            assert again is not None
            assert (again.mode, len(it.web.asked)) == (Mode.TESTING, 2)
            await other.close()

    run(main)


def test_what_another_process_has_kept_too_long_does_not_hold(tmp_path: Path) -> None:
    """RFC 8461 §3.3: a policy that has expired is none, also where it came in place of another."""

    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.send()
            other = it.another()
            it.web.body = policy(age=60)
            it.record("2")
            assert (await other.of(DOMAIN)) is not None
            it.time[0] += 100
            it.web.status = "500 Broken"
            again = await it.policies.of(DOMAIN)
            assert again is not None
            assert (again.mode, again.fault) == (Mode.NONE, "sts-policy-fetch-error")
            await other.close()

    run(main)


def test_nobody_is_told_of_a_policy_that_is_none_and_cannot_be_fetched(tmp_path: Path) -> None:
    """RFC 8461 §3.3."""

    async def main() -> None:
        async with scene(tmp_path, body=policy("none", age=10 * 86_400)) as it:
            await it.send()
            it.web.status = "404 Gone"
            it.time[0] += DAY + 10
            assert await it.policies.refresh() == 0
            assert (len(it.web.asked), it.told) == (2, [])

    run(main)


def test_a_policy_is_fetched_anew_in_time_though_nothing_is_new(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, body=policy(age=10 * 86_400)) as it:
            await it.send()
            it.time[0] += DAY - 10
            await it.send()
            assert await it.policies.refresh() == 0
            assert len(it.web.asked) == 1
            it.time[0] += 20
            outcome = await it.send()  # it holds while it is fetched
            assert outcome.facts["tls-policy"] == "mta-sts-enforce"
            await asyncio.gather(*it.policies._fetching.values())
            assert len(it.web.asked) == 2
            it.time[0] += DAY + 10
            assert await it.policies.refresh() == 1  # without any mail
            assert len(it.web.asked) == 3
            it.web.status = "500 Broken"
            it.time[0] += DAY + 10
            assert await it.policies.refresh() == 0
            assert it.told == ["HTTP status 500"]
            it.time[0] += 9 * DAY
            await it.policies.refresh()
            assert SqliteStsStore(it.file).get(DOMAIN) is None

    run(main)


def test_what_is_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "transport.db"
    store, other = SqliteStsStore(file), SqliteStsStore(file)
    assert store.get(DOMAIN) is None
    assert store.due(NOW, 10) == ()
    assert not file.exists()
    one = Cached(DOMAIN, "1", Mode.TESTING, ("*.example.net", MX1), 600, NOW)
    store.put(one)
    assert other.get(DOMAIN) == one
    assert other.due(NOW + 299, 10) == []
    assert other.due(NOW + 300, 10) == [one]
    assert other.due(NOW + 600, 10) == []
    store.close()
    other.close()


def test_a_broken_file_is_an_incident_and_mail_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.send()
            it.policies._store.close()
            it.file.write_bytes(b"this is no database, though it is long enough to be one" * 100)
            errors: list[BaseException] = []

            def note(error: BaseException) -> str:
                errors.append(error)
                return "1"

            it.policies._incident = note
            it.time[0] += 400  # what this process knows is to be looked at again
            assert (await it.send()).facts["tls-policy"] == "mta-sts-enforce"
            assert isinstance(errors[0], TransportError)

    run(main)


# -- beside other things --------------------------------------------------------------------------


def test_a_policy_stands_in_for_signed_mx_records(tmp_path: Path) -> None:
    """RFC 8689 §4.2.1."""

    async def main() -> None:
        strict = message(wishes=Wishes(require_tls=True))
        keeping = ("PIPELINING", "REQUIRETLS")
        async with scene(tmp_path, shows(valid(), extensions=keeping)) as it:
            outcome = await it.there.send(what=strict)
            assert outcome.result is Result.DELIVERED, outcome
            it.web.body = policy("testing")
            it.record("2")
            it.there.directions._kept.clear()
            outcome = await it.there.send(what=strict)
            assert (outcome.result, outcome.cause) == (Result.FAILED, "tls-unproven")
            it.web.body = policy(mx="mx9.example.net")
            it.record("3")
            it.there.directions._kept.clear()
            deferred(await it.there.send(what=strict), "mta-sts-failed")

    run(main)


def test_domains_at_one_host_keep_their_policies_apart() -> None:
    async def main() -> None:
        known = Known({DOMAIN: Sts(DOMAIN, Mode.ENFORCE, "1", (MX1,), 86_400)})
        async with world(shows(certificate(MX1)), policies=known, authentic=False) as there:
            there.zone.put("other.example", "MX", [(10, MX1)])
            for _ in range(2):
                assert (await there.send("other.example")).result is Result.DELIVERED
                deferred(await there.send(), "mta-sts-failed")

    run(main)


@pytest.mark.parametrize(
    ("wish", "behaviour", "taken", "tls"),
    [
        ("off", shows(valid()), 1, ""),
        ("opportunistic", Behaviour(), 1, ""),
        ("opportunistic", shows(certificate(MX2)), 1, "TLSv1.3"),
        ("encrypt", shows(certificate(MX2)), 1, "TLSv1.3"),
        ("encrypt", Behaviour(), 0, ""),
        ("verify", shows(valid()), 1, "TLSv1.3"),
        ("verify", shows(certificate(MX1)), 0, ""),
        ("verify", shows(certificate(MX2, issuer=AUTHORITY)), 0, ""),
        ("dane", shows(valid()), 0, ""),
        ("mta-sts", shows(valid()), 0, ""),
    ],
)
@pytest.mark.parametrize("name", [DOMAIN, "*.net", MX1])
def test_what_the_operator_says_of_a_destination_decides(
    wish: str, behaviour: Behaviour, taken: int, tls: str, name: str
) -> None:
    async def main() -> None:
        async with world(behaviour, wishes={name: wish}, authentic=False) as there:
            outcome = await there.send()
            assert (sum(there.taken), outcome.tls if taken else "") == (taken, tls), outcome
            facts = {k: outcome.facts[k] for k in ("tls-policy", "tls-for", "tls-wish")}
            assert facts == {"tls-policy": "destination", "tls-for": name, "tls-wish": wish}
            if not taken:
                deferred(outcome, "tls-failed")

    run(main)


def test_a_policy_that_is_only_tested_is_kept_where_the_operator_says_so() -> None:
    async def main() -> None:
        known = Known({DOMAIN: Sts(DOMAIN, Mode.TESTING, "1", (MX1,), 86_400)})
        host = shows(certificate(MX1))
        async with world(host, policies=known, wishes={DOMAIN: "mta-sts"}) as there:
            deferred(await there.send(), "tls-failed")
        async with world(host, policies=known, mta_sts=False, authentic=False) as there:
            outcome = await there.send()
            assert (outcome.result, outcome.facts) == (Result.DELIVERED, {})

    run(main)


def test_a_session_of_another_domain_is_no_way_around_a_policy() -> None:
    async def main() -> None:
        known = Known({"other.example": Sts("other.example", Mode.ENFORCE, "1", (MX1,), 86_400)})
        async with world(shows(valid()), policies=known, authentic=False) as there:
            there.zone.put("other.example", "MX", [(10, MX1)])
            assert (await there.send("other.example")).result is Result.DELIVERED
            known.table = {DOMAIN: Sts(DOMAIN, Mode.ENFORCE, "1", (MX2,), 86_400)}
            deferred(await there.send(), "mta-sts-failed")

    run(main)
