"""How a process of a test and the test tell each other how far they are: a line at a time."""

import sys


def say(text: object) -> None:
    """Says a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def hear() -> None:
    """Waits for a line."""
    sys.stdin.readline()
