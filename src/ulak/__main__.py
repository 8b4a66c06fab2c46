"""`python -m ulak` is `ulak`."""

from ulak.cli import main

main(prog_name="ulak")
