"""What became of mail in a cluster whose parts were killed: lost, doubled, and why.

A message may arrive twice only where an attempt was interrupted: somebody was in the middle of it,
or had not noted its end, when the node or its database was hit. The database itself tells which
lease a message was settled by (`WATCH`); every other copy has to have such an interruption.

And a client may hand the same message in twice, where it was not told that it had been taken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.kills.clients import Told
from tests.kills.sink import Copy, Record

from ulak.queue.postgres.rows import EPOCH_SHIFT

# Notes, in the transactions of the nodes, who began which epoch and whose lease settled a message.
WATCH = """
CREATE TABLE ulak.watched_birth (epoch BIGINT, name TEXT);
CREATE TABLE ulak.watched_message (seq BIGINT, id TEXT);
CREATE TABLE ulak.watched_end (seq BIGINT, recipient TEXT, token BIGINT, at TIMESTAMPTZ);
CREATE FUNCTION ulak.watch_birth() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO ulak.watched_birth VALUES (NEW.epoch, NEW.name); RETURN NULL; END $$;
CREATE FUNCTION ulak.watch_message() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO ulak.watched_message SELECT seq, id FROM come; RETURN NULL; END $$;
CREATE FUNCTION ulak.watch_end() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO ulak.watched_end SELECT seq, recipient, token, clock_timestamp() FROM gone;
    RETURN NULL; END $$;
CREATE TRIGGER watch_message AFTER INSERT ON ulak.message REFERENCING NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION ulak.watch_message();
CREATE TRIGGER watch_birth AFTER INSERT ON ulak.node FOR EACH ROW
    EXECUTE FUNCTION ulak.watch_birth();
CREATE TRIGGER watch_end AFTER DELETE ON ulak.pending REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION ulak.watch_end();
"""
# By message and recipient: the name of the node that settled it, and when.
ENDS = f"""
SELECT m.id, e.recipient, b.name, extract(epoch FROM e.at)::FLOAT8 FROM ulak.watched_end e
JOIN ulak.watched_message m USING (seq)
LEFT JOIN ulak.watched_birth b ON b.epoch = e.token >> {EPOCH_SHIFT} ORDER BY e.at
"""

_NOTED = 3.0  # seconds after which an attempt that has ended is noted, on a busy machine


@dataclass(frozen=True, slots=True)
class Hit:
    """An interruption: of which nodes (by the names that they give), and from when until when."""

    kind: str
    nodes: frozenset[str]
    begun: float
    ended: float

    def explains(self, copy: Copy) -> bool:
        """Whether an attempt was under way then, or its end was not noted yet."""
        if copy.node not in self.nodes or copy.opened > self.ended:
            return False
        return not copy.whole or copy.answered + _NOTED >= self.begun


@dataclass(slots=True)
class Verdict:
    """What is to be said of a run."""

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: int = 0  # copies of one message of the cluster beside the first
    by: Counter[str] = field(default_factory=Counter)  # what explains those
    unexplained: list[str] = field(default_factory=list)
    again: int = 0  # messages that a client handed in twice, both of which were taken
    again_refused: int = 0  # of these: that were refused in doubt, and had been taken all the same

    @property
    def explained(self) -> int:
        return sum(self.by.values())


def judged(
    told: Mapping[str, Told],
    copies: Sequence[Copy],
    ends: Sequence[tuple[str, str, str, float]],
    hits: Sequence[Hit],
) -> Verdict:
    """Judge a run; `ends` has what `ENDS` gives."""
    verdict = Verdict()
    whole = [copy for copy in copies if copy.whole]
    arrived = Record(whole).arrived()
    verdict.acknowledged = sum(one.acknowledged for one in told.values())
    verdict.lost = [
        f"{name} to {recipient}"
        for name, one in told.items()
        for recipient in one.recipients
        if one.acknowledged and (name, recipient) not in arrived
    ]
    settled: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for message, recipient, node, when in ends:
        settled[message, recipient].append((node, when))
    came: dict[tuple[str, str], list[Copy]] = defaultdict(list)
    messages: dict[str, set[str]] = defaultdict(set)
    reports: dict[str, set[str]] = defaultdict(set)
    for copy in whole:
        (reports if copy.report else messages)[copy.name].add(copy.message)
        for recipient in copy.recipients:
            came[copy.message, recipient].append(copy)
    for (message, recipient), its in came.items():
        _judge(verdict, f"{message} to {recipient}", its, settled[message, recipient], hits)
    for name, ids in reports.items():
        if len(ids) > len(messages[name]):
            verdict.unexplained.append(f"{name}: {len(ids)} reports of {len(messages[name])}")
    for name, ids in messages.items():
        if len(ids) > 1:
            verdict.again += 1
            one = told.get(name, Told())
            if len(ids) - 1 > len(one.cut):
                verdict.again_refused += 1
            if len(ids) - 1 > len(one.cut) + len(one.refused):
                verdict.unexplained.append(f"{name} is {len(ids)} messages, and its client knows")
    return verdict


def _judge(
    verdict: Verdict,
    message: str,
    copies: Sequence[Copy],
    settled: Sequence[tuple[str, float]],
    hits: Sequence[Hit],
) -> None:
    if len(settled) != 1:
        verdict.unexplained.append(f"{message} was settled {len(settled)} times")
        return
    ((node, when),) = settled
    good = [copy for copy in copies if copy.node in node and copy.answered <= when]
    if not good:
        verdict.unexplained.append(f"{message} was settled by {node}, which had not sent it")
        return
    final = max(good, key=lambda copy: copy.answered)
    for copy in copies:
        if copy is final:
            continue
        verdict.doubled += 1
        kinds = [hit.kind for hit in hits if hit.explains(copy)]  # the first one has done it
        if kinds:
            verdict.by[kinds[0]] += 1
        else:
            verdict.unexplained.append(
                f"{message} ({copy.name}) came from {copy.node} at {copy.answered:.2f}, begun "
                f"after {copy.opened:.2f}, and from {final.node} at {final.answered:.2f}; "
                f"settled at {when:.2f}"
            )
