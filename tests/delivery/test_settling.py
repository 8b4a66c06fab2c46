"""Whatever comes of an attempt, the sender hears of it what was asked for, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ulak.bounce.notice import Action
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.settling import Settling
from ulak.delivery.target import Way
from ulak.mail.envelope import DeliverBy, Envelope, RecipientWishes, Wishes
from ulak.queue.item import Again, Body, Done, Message, Pending
from ulak.queue.retry import Retry

from .posting import DAY, Notes

NOON = 1_793_707_200.0
KEYWORDS = ("SUCCESS", "FAILURE", "DELAY")

notifies = st.just(frozenset({"NEVER"})) | st.frozensets(st.sampled_from(KEYWORDS))
results = st.sampled_from(Result)
ages = st.sampled_from([0.0, DAY, 6 * DAY])  # fresh, late, given up
# Which keyword asks for what is told of a result at an age, and whether it is told unasked.
EXPECTED = {
    (Result.DELIVERED, 0.0): (Action.DELIVERED, "SUCCESS", False),
    (Result.DELIVERED, DAY): (Action.DELIVERED, "SUCCESS", False),
    (Result.DELIVERED, 6 * DAY): (Action.DELIVERED, "SUCCESS", False),
    (Result.FAILED, 0.0): (Action.FAILED, "FAILURE", True),
    (Result.FAILED, DAY): (Action.FAILED, "FAILURE", True),
    (Result.FAILED, 6 * DAY): (Action.FAILED, "FAILURE", True),
    (Result.DEFERRED, DAY): (Action.DELAYED, "DELAY", True),
    (Result.DEFERRED, 6 * DAY): (Action.FAILED, "FAILURE", True),
}
SAID = {
    Result.DELIVERED: ("delivered", "250 ok"),
    Result.FAILED: ("no-such-mailbox", "550 5.1.1 no"),
    Result.DEFERRED: ("greylisted", "451 4.7.1 later"),
}


def settling() -> Settling:
    return Settling(
        Notes(), Retry(), lambda: NOON, lambda: 0.5, lambda _error: "I1", lambda sender: (sender,)
    )


def message(received: float, recipients: list[str], **more: object) -> Message:
    envelope = Envelope("grace@home.example", tuple(recipients), **more)  # type: ignore[arg-type]  # its own names
    return Message("M1", envelope, Body(2, b"hi"), received)


@given(st.lists(st.tuples(notifies, results, st.booleans()), min_size=1, max_size=6), ages)
def test_each_fate_is_told_if_and_only_if_it_was_asked_for(
    cases: list[tuple[frozenset[str], Result, bool]], age: float
) -> None:
    names = [f"r{n}@x.example" for n in range(len(cases))]
    wishes = {name: RecipientWishes(case[0]) for name, case in zip(names, cases, strict=True)}
    pending = [
        Pending(name, "x.example", attempts=5, warned=warned)
        for name, (_, _, warned) in zip(names, cases, strict=True)
    ]
    outcomes = [
        Outcome(name, result, *SAID[result])
        for name, (_, result, _) in zip(names, cases, strict=True)
    ]
    about = message(NOON - age, names, asked=wishes)
    settled = settling().settle(about, pending, outcomes, Way.MAILDIR)
    told = {fate.recipient: action for action, fates in settled.fates.items() for fate in fates}
    expected = {}
    for name, (notify, result, warned) in zip(names, cases, strict=True):
        row = EXPECTED.get((result, age))
        if row is None or (row[0] is Action.DELAYED and warned):
            continue
        action, keyword, unasked = row
        if keyword in notify or (not notify and unasked):
            expected[name] = action
    assert told == expected
    again = {s.pending.recipient for s in settled.settlements if isinstance(s, Again)}
    done = {s.recipient for s in settled.settlements if isinstance(s, Done)}
    assert again | done == set(names)
    assert again == {
        name
        for name, (_, result, _) in zip(names, cases, strict=True)
        if result is Result.DEFERRED and age < 5 * DAY
    }


@given(
    notifies,
    st.sampled_from("RN"),
    st.floats(-2 * DAY, 2 * DAY),
    st.floats(0, 2 * DAY),
    st.integers(0, 9),
    st.booleans(),
)
def test_no_wait_goes_past_a_time_limit(
    notify: frozenset[str],
    mode: str,
    left: float,
    age: float,
    attempts: int,
    warned: bool,  # noqa: FBT001 -- drawn
) -> None:
    by = DeliverBy(NOON + left, mode)
    name = "r@x.example"
    about = message(
        NOON - age, [name], asked={name: RecipientWishes(notify)}, wishes=Wishes(deliver_by=by)
    )
    pending = Pending(name, "x.example", attempts=attempts, warned=warned, cause="greylisted")
    before = settling().without_attempt(about, [pending])
    passed = by.until <= NOON
    if before is not None:
        assert passed
        (settlement,) = before.settlements
        if mode == "R":
            assert settlement == Done(name)
        else:
            assert isinstance(settlement, Again)
            assert (settlement.pending.due, settlement.pending.warned) == (NOON, True)
            assert settlement.pending.attempts == attempts
        return
    assert not (passed and mode == "R")
    outcome = Outcome(name, Result.DEFERRED, "greylisted", "451 4.7.1 later")
    after = settling().settle(about, [pending], [outcome])
    (settlement,) = after.settlements
    if isinstance(settlement, Again):
        assert settlement.pending.due > NOON or by.until == NOON
        if not passed:
            assert settlement.pending.due <= by.until
