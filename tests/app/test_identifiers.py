"""Ids: that of a refusal is nothing but chance."""

from __future__ import annotations

from ulak.app.identifiers import draw_refusal_id, refusal_id
from ulak.replies.refusal import ALPHABET, LENGTH, read_id


def test_every_bit_of_chance_is_in_the_id() -> None:
    bits = 5 * LENGTH
    assert len({refusal_id(1 << bit) for bit in range(bits)} | {refusal_id(0)}) == bits + 1
    assert refusal_id(0) == ALPHABET[0] * LENGTH
    assert refusal_id(2**bits - 1) == ALPHABET[-1] * LENGTH


def test_ids_do_not_come_again_nor_follow_from_one_another() -> None:
    drawn = [draw_refusal_id() for _ in range(5000)]
    assert len(set(drawn)) == len(drawn)
    assert all(read_id(one) == one for one in drawn)
    # No place is constant or counts: each has every letter of the alphabet.
    for place in range(LENGTH):
        assert {one[place] for one in drawn} == set(ALPHABET)
