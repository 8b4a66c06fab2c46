"""Two servers that share a queue in PostgreSQL with a bucket beside it, and a lost object."""

from __future__ import annotations

import asyncio
import json
import smtplib
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.buckets import BucketServer
from tests.postgresql import PostgresServer

from ulak.queue.postgres.s3 import S3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LINE = b"X" * 76 + b"\r\n"


def _settings(url: str, port: int, bucket: BucketServer, *, paused: bool) -> str:
    return (
        f'[relay]\nnetworks = ["127.0.0.0/8"]\n[route]\n"*" = "smtp:127.0.0.1:{port}"\n'
        f"[delivery]\npaused = {json.dumps(paused)}\n"
        f'[queue]\nstore = "{url}"\nlarge_message = "500KB"\n'
        f'[queue.bucket]\nname = "mail"\nendpoint = "http://127.0.0.1:{bucket.port}"\n'
        f'keys = "{bucket.keys}"\nprefix = "system"\nlarger_than = "100KB"\n'
    )


def _until(true: Callable[[], Any], what: str, patience: float = 60.0) -> Any:
    end = time.monotonic() + patience
    while not (found := true()):
        if time.monotonic() > end:
            pytest.fail(f"waited in vain for {what}")
        time.sleep(0.1)
    return found


def _send(server: Any, name: str, lines: int) -> None:
    text = f"From: a@example.net\r\nX-Id: {name}\r\n\r\n".encode() + LINE * lines
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        smtp.sendmail("a@example.net", ["b@example.com"], text)


def _queued(server: Any) -> list[dict[str, Any]]:
    listed = server.ulak("queue", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    rows: list[dict[str, Any]] = json.loads(listed.stdout)["recipients"]
    return rows


def test_what_one_server_put_into_the_bucket_another_delivers_and_a_lost_object_is_told(
    served: Callable[..., Any],
    sink: Callable[..., Any],
    database: PostgresServer,
    bucket_server: BucketServer,
) -> None:
    target = sink()
    url = database.fresh()
    first = served(_settings(url, target.port, bucket_server, paused=True))
    first.start()
    _send(first, "small", 1)
    _send(first, "lost", 3000)
    objects = S3(bucket_server.place())
    (lost,) = _keys(objects)
    _send(first, "large", 3000)
    _send(first, "filed", 9000)
    assert len(_keys(objects)) == 3
    identifier = _queued(first)[1]["id"]
    shown = first.ulak("queue", "show", identifier, "--lang", "en")
    assert "X-Id: lost" in shown.stdout, "whoever looks reads it from the bucket"
    _run(objects.delete([lost]))
    second = served(_settings(url, target.port, bucket_server, paused=False))
    second.start()
    _until(lambda: len(target.messages) == 3, "all but the lost one")
    assert sorted(len(one.body) // 78 for one in target.messages)[1:] >= [3000, 9000]
    (row,) = _until(lambda: len(rows := _queued(second)) == 1 and rows, "one that is left")
    assert (row["id"], row["state"], row["cause"]) == (identifier, "held", "body-lost")
    assert "body-lost" in second.log()
    assert lost in second.log()
    told = second.ulak("why", identifier, "--lang", "en")
    assert told.returncode == 0, told.stderr
    assert "no longer where it was kept" in told.stdout
    assert second.ulak("queue", "bounce", identifier).returncode == 0
    _until(lambda: len(target.messages) == 4, "a report to the sender of the lost one")
    report = target.messages[-1].body
    assert b"Your message is not attached" in report
    assert b"X-Ulak-Cause: body-lost" in report
    assert identifier.encode() in report
    _until(lambda: not _queued(second), "an empty queue")
    _until(lambda: not _keys(objects), "an empty bucket", 90)
    fine = first.ulak("cluster", "status", "--json")
    assert "bucket-away" not in fine.stdout
    first.more = first.more.replace('name = "mail"', 'name = "nothing"')
    first.write()
    told = json.loads(first.ulak("cluster", "status", "--json").stdout)
    assert {"problem": "NoSuchBucket"} in [each["facts"] for each in told["problems"]]
    assert first.stop() == second.stop() == 0


def _keys(objects: S3) -> list[str]:
    return [one.key for one in _run(objects.list("system", ""))]


def _run(what: Any) -> Any:
    return asyncio.run(what)
