"""The web: the reference, the tools, the reasons of a refusal, the console, and the interface."""
