"""Simulated years: `python -m tests.simulation [--seeds 200] [--first 0] [--jobs 2]`, or
`--seed N --story` for one of them again, with what happened in it."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from .planted import PLANTED, needed
from .story import story
from .year import simulate


def _one(seed: int) -> tuple[int, float, list[str]]:
    begun = time.process_time()
    broken = simulate(seed)[1]
    return seed, time.process_time() - begun, [str(each) for each in broken]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many years")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, default=None, help="this one alone")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--story", action="store_true", help="tell what happened")
    parser.add_argument("--planted", action="store_true", help="which seed finds which bug")
    asked = parser.parse_args()
    if asked.planted:
        for name in PLANTED:
            number, found = needed(name, asked.seeds)
            sys.stdout.write(f"{name:14} {number:4} {found[0] if found else 'not found'}\n")
            sys.stdout.flush()
        return 0
    if asked.seed is not None:
        year, broken = simulate(asked.seed)
        sys.stdout.write(story(year, broken, whole=asked.story))
        return bool(broken)
    failed, laws = [], Counter[str]()
    worst = (0.0, 0)
    seeds = range(asked.first, asked.first + asked.seeds)
    with ProcessPoolExecutor(asked.jobs) as pool:
        for seed, took, sentences in pool.map(_one, seeds, chunksize=4):
            worst = max(worst, (took, seed))
            if sentences:
                failed.append(seed)
                laws.update({each.partition(":")[0] for each in sentences})
                sys.stdout.write(f"seed {seed}: {len(sentences)} broken, first {sentences[0]}\n")
    sys.stdout.write(
        f"{asked.seeds} years, {len(failed)} with something broken; "
        f"the longest took {worst[0]:.1f} s (seed {worst[1]})\n"
    )
    for law, number in laws.most_common():
        sys.stdout.write(f"  {law}: {number} years\n")
    if failed:
        sys.stdout.write(f"once more: python -m tests.simulation --seed {failed[0]} --story\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
