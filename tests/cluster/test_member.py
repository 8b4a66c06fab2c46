"""What is said of a server from what its workers say, and whom a name means."""

from __future__ import annotations

from ulak.cluster.member import (
    Duty,
    InHand,
    Member,
    Spilled,
    Stand,
    found,
    named,
    node_of,
    together,
)

BUSY = InHand(sessions=1, messages=3, attempts=2)


def member(name: str, host: str = "mx1", age: float = 1.0) -> Member:
    stand = Stand(Duty.SERVING, 100.0)
    return Member(name, host, "/srv", "1", 1, 100.0, 2, stand, (1, 2), 200.0, age, 0.01)


def test_a_server_without_a_name_is_called_by_where_it_is() -> None:
    assert named("", "mx1", "/var/lib/ulak") == "mx1:/var/lib/ulak"
    assert named("a", "mx1", "/var/lib/ulak") == "a"
    assert node_of("a", 1) == "a worker 1"


def test_what_workers_have_in_hand_is_added_up() -> None:
    stands = [Stand(Duty.SERVING, 5.0, BUSY), Stand(Duty.SERVING, 7.0, BUSY)]
    whole = together(stands, draining=False, now=9.0)
    assert whole == Stand(Duty.SERVING, 7.0, InHand(2, 6, 4))


def test_what_workers_keep_for_the_database_is_added_up_and_is_no_work_in_hand() -> None:
    stands = [Stand(Duty.DRAINED, 5.0, spilled=Spilled(2, 300)) for _ in range(2)]
    whole = together(stands, draining=True, now=9.0)
    assert whole == Stand(Duty.DRAINED, 5.0, InHand(), Spilled(4, 600))
    assert not whole.in_hand


def test_a_server_is_drained_when_the_last_of_its_workers_is() -> None:
    drained = Stand(Duty.DRAINED, 20.0)
    draining = Stand(Duty.DRAINING, 10.0, BUSY)
    assert together([drained, draining], draining=True, now=30.0) == Stand(
        Duty.DRAINING, 10.0, BUSY
    )
    later = Stand(Duty.DRAINED, 25.0)
    assert together([drained, later], draining=True, now=30.0) == Stand(Duty.DRAINED, 25.0)


def test_a_worker_that_has_not_heard_of_it_yet_drains_as_well() -> None:
    serving = Stand(Duty.SERVING, 1.0, BUSY)
    assert together([serving], draining=True, now=30.0) == Stand(Duty.DRAINING, 30.0, BUSY)


def test_nobody_is_drained_of_whom_nothing_is_known() -> None:
    assert together([], draining=True, now=30.0) == Stand(Duty.DRAINING, 30.0)


def test_a_name_means_one_member_and_a_host_all_that_are_on_it() -> None:
    a, b, c = member("a"), member("mx1:/b"), member("mx2:/c", "mx2")
    assert found([a, b, c], "a") == [a]
    assert found([a, b, c], "mx1") == [a, b]
    assert found([a, b, c], "mx2") == [c]
    assert found([a, b, c], "mx3") == []


def test_who_has_not_been_heard_of_for_a_while_is_silent() -> None:
    assert not member("a", age=15.0).silent
    assert member("a", age=15.1).silent
