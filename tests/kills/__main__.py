"""Kill parts of a cluster under load, and say what became of the mail.

    python -m tests.kills --rounds 120

Three nodes, a primary and its synchronous standby, clients that go from one node to the next, and
a sink; in each round one kind of harm is done. Ends with 1 where anything is lost, or came twice
without an attempt having been interrupted. Cuts need root and `ip`; without them they are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.kills import network as networks
from tests.kills.cluster import Cluster, cluster
from tests.kills.verdict import Verdict

# How often each kind comes in eleven rounds.
_KINDS = {"node": 4, "primary": 2, "sleep": 1, "cut": 1, "worker": 1, "standby": 1, "frozen": 1}
_DEBIAN = Path("/usr/lib/postgresql/15")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=5432)
    parser.add_argument("--kinds", default=",".join(_KINDS), help="some of them, by commas")
    parser.add_argument(
        "--postgresql",
        type=Path,
        default=_DEBIAN if _DEBIAN.exists() else None,
        help="the folder of its installation; Debian's 15, or the wheel's",
    )
    chosen = parser.parse_args()
    kinds = {kind: _KINDS[kind] for kind in chosen.kinds.split(",")}
    if "cut" in kinds and (missing := networks.lacks()):
        print(f"no cuts: {missing}")
        del kinds["cut"]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ulak-kills-")))
        network = stack.enter_context(networks.network()) if "cut" in kinds else None
        run = stack.enter_context(
            cluster(
                folder,
                installed=chosen.postgresql,
                network=network,
                clients=chosen.clients,
                chance=random.Random(chosen.seed),
            )
        )
        begun = time.monotonic()
        kill(run, kinds, chosen.rounds)
        verdict = run.finish()
        took = time.monotonic() - begun
    print(report(run, verdict, took))
    for line in [*verdict.lost[:20], *verdict.unexplained[:20]]:
        print(f"  {line}")
    return 1 if verdict.lost or verdict.unexplained else 0


def kill(run: Cluster, kinds: dict[str, int], rounds: int) -> None:
    """Do so many rounds of harm, each kind as often as it is to come."""
    ways: dict[str, Callable[[], None]] = {
        "node": run.kill_node,
        "primary": run.kill_primary,
        "sleep": run.sleep_node,
        "cut": run.cut_node,
        "worker": run.kill_worker,
        "standby": run.stop_standby,
        "frozen": lambda: run.kill_primary(frozen=7.0),
    }
    order: list[str] = []
    for number in range(rounds):
        if not order:
            order = [kind for kind, count in kinds.items() for _ in range(count)]
            run.chance.shuffle(order)
        kind = order.pop()
        time.sleep(run.chance.uniform(0.5, 1.5))
        ways[kind]()
        print(f"{number + 1} {kind}: {len(run.clients.acknowledged)} acknowledged", flush=True)


def report(run: Cluster, verdict: Verdict, took: float) -> str:
    """Say it in a table."""
    kinds = [*run.kills]
    lines = [
        "| " + " | ".join([*kinds, "all", "acknowledged", "lost", "doubled", "explained"]) + " |",
        "|" + "---|" * (len(kinds) + 5),
        "| "
        + " | ".join(
            str(each)
            for each in (
                *(run.kills[kind] for kind in kinds),
                run.kills.total(),
                verdict.acknowledged,
                len(verdict.lost),
                verdict.doubled,
                verdict.explained,
            )
        )
        + " |",
        f"{took:.0f} s; doubled by {dict(verdict.by)}; promotions: {run.pair.promotions}",
        f"taken twice from clients that were not told: {verdict.again}, after 4xx: "
        + str(verdict.again_refused),
        f"replies to DATA: {dict(run.clients.replies)}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
