"""Real peers from Debian's packages. In CI a peer that is missing is a failure, not a skip."""

from __future__ import annotations

import contextlib
import os
import pwd
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pluggy
import pytest

from .postfix import Postfix


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, pluggy.Result[pytest.TestReport], None]:
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"


@pytest.fixture
def postfix() -> Iterator[Callable[..., Postfix]]:
    """Make instances of Postfix that end with the test."""
    if os.geteuid() != 0:
        pytest.skip("Postfix changes users: only root can start it")
    with contextlib.suppress(KeyError):
        pwd.getpwnam("postfix")
    made: list[Postfix] = []
    # Not below pytest's own folder, which is for its user alone.
    with tempfile.TemporaryDirectory(prefix="ulak-postfix-") as folder:

        def make(next_port: int, tls: str = "may", more: str = "") -> Postfix:
            Path(folder).chmod(0o755)
            made.append(Postfix(Path(folder) / str(len(made)), next_port, tls, more))
            return made[-1]

        yield make
        for one in made:
            one.stop()
