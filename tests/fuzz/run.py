"""One target under atheris: `python -m tests.fuzz.run NAME [flags of libFuzzer] [folders]`."""

from __future__ import annotations

import importlib
import sys

from tests.fuzz.kept import target


def main() -> None:
    """Instrument what is imported of Ulak, and fuzz."""
    name, *flags = sys.argv[1:]
    atheris = importlib.import_module("atheris")  # has no types, and no wheel for every Python
    with atheris.instrument_imports(include=["ulak"]):
        one = target(name)
    # Merging, libFuzzer starts itself again, by a shell.
    itself = f"{sys.executable} -m tests.fuzz.run {name}"
    atheris.Setup([itself, *flags], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
