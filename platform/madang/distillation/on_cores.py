"""Batches on a CPU's cores, one each."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def on_cores(make: Callable[[_Item], _Made], items: Sequence[_Item], is_by_core: bool) -> list[_Made]:
    """Makes something of each item, in order.

    Args:
        make: Calls operators of torch, which leave Python's lock to others while they work.
        items: Of what.
        is_by_core: One thread for each of torch's threads, of which none then has threads of its own; or one after
            the other with all of them.
    """
    import torch

    threads = torch.get_num_threads()
    if not is_by_core or len(items) < 2:
        return [make(item) for item in items]
    try:
        with ThreadPoolExecutor(threads, "core", initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(make, items))
    finally:
        # Said by any thread, it is what threads that begin later have.
        torch.set_num_threads(threads)
