"""Connecting to the database that servers share."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import conninfo
from tests.postgresql import PostgresServer

from ulak.database.connecting import TROUBLE, connected, shortened, where_is

_SESSION = "SELECT set_config('search_path', %(schema)s, FALSE)"


@given(
    st.text(st.characters(exclude_characters=" ", codec="utf-8"), max_size=90),
    st.text("ab", min_size=1),
)
@example("mx1.example.com:/var/lib/ulak/a-directory-with-a-name-of-more-octets", "limits")
def test_a_name_keeps_its_last_word_within_what_postgresql_keeps(server: str, last: str) -> None:
    """Operators read it in pg_stat_activity."""
    last = last[:20]
    name = f"ulak {server} {last}"
    short = shortened(name)
    assert len(short.encode()) <= 63
    assert short.endswith(f" {last}")
    assert short == name or "~" in short


def test_what_the_operator_says_comes_first() -> None:
    """His address may name anything that libpq knows."""
    mine = conninfo.conninfo_to_dict(where_is("postgresql://db.example/ulak", "mx1 lanes", 5.0))
    assert mine["application_name"] == "ulak mx1 lanes"
    assert mine["target_session_attrs"] == "read-write"
    assert mine["tcp_user_timeout"] == "5000"
    url = "postgresql://db.example/ulak?application_name=post&target_session_attrs=any"
    his = conninfo.conninfo_to_dict(where_is(url, "mx1 lanes", 5.0))
    assert (his["application_name"], his["target_session_attrs"]) == ("post", "any")


def test_a_session_has_its_name_and_its_settings(database: PostgresServer) -> None:
    """Both are seen in the server."""

    async def main() -> None:
        where = where_is(database.fresh(), f"{'x' * 70} member", 5.0)
        connection = await connected(where, 5.0, _SESSION, {"schema": "elsewhere"})
        try:
            found = await connection.execute(
                "SELECT current_setting('application_name'), current_setting('search_path')"
            )
            row = await found.fetchone()
        finally:
            await connection.close()
        assert row is not None
        assert row[0].endswith("x~ member")
        assert len(row[0]) == 63
        assert row[1] == "elsewhere"

    asyncio.run(main())


def test_a_session_that_cannot_be_had_leaves_nothing_open(database: PostgresServer) -> None:
    """Each left one would be of those that the server can have."""

    async def main() -> None:
        url = database.fresh()
        where = where_is(url, "nothing left", 5.0)
        with pytest.raises(TROUBLE):
            await connected(where, 5.0, "SELECT 1 / 0, %(schema)s", {"schema": "ulak"})
        connection = await connected(
            where_is(url, "who looks", 5.0), 5.0, _SESSION, {"schema": "x"}
        )
        try:
            for _ in range(100):
                found = await connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s",
                    ("ulak nothing left",),
                )
                if (await found.fetchone()) == (0,):
                    return
                await asyncio.sleep(0.05)
            pytest.fail("the connection is there still")
        finally:
            await connection.close()

    asyncio.run(main())


def test_a_server_that_says_nothing_is_given_up() -> None:
    """It takes the connection, and that is all."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            where = where_is(f"postgresql://127.0.0.1:{port}/ulak", "who waits", 0.2)
            async with asyncio.timeout(10):
                with pytest.raises(TROUBLE):
                    await connected(where, 0.2, _SESSION, {"schema": "ulak"})

    asyncio.run(main())
