"""An internet in a box on loopback: what the demo and the tests talk to."""
