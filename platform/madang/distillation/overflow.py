"""Batches that do not fit the memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def without_overflow(make: Callable[[Sequence[_Item]], list[_Made]], items: Sequence[_Item]) -> list[_Made]:
    """Makes something of a batch; one that does not fit the memory is cut in two, and those again.

    Raises:
        MemoryError: A single item does not fit.
    """
    try:
        return make(items)
    except (MemoryError, RuntimeError) as error:
        if not _is_overflow(error):
            raise
        if len(items) == 1:
            raise MemoryError("a single post does not fit the memory") from error
    half = len(items) // 2
    return [*without_overflow(make, items[:half]), *without_overflow(make, items[half:])]


def _is_overflow(error: Exception) -> bool:
    """Whether an error means that the memory is full: torch says so by a RuntimeError of its own on every device."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "allocate" in str(error)
