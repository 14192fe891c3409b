"""Posts in batches of like length, and work that is done ahead of whoever needs it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

# One is with the device, one waits for it.
_AHEAD = 2


def token_batches(lengths: Sequence[int], most_tokens: int) -> list[list[int]]:
    """Indices in batches of like length, none of more tokens with its padding, unless a post alone has more.

    The longest come first: what does not fit the memory is found out at once.
    """
    batches: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= most_tokens:
            batches[-1].append(at)
        else:
            batches.append([at])
    return batches


def padding_share(lengths: Sequence[int], batches: Iterable[Sequence[int]], multiple: int = 1) -> float:
    """Share of the tokens that are padding, 0 to 1.

    Args:
        lengths: Tokens of each post.
        batches: Indices of the posts of each batch.
        multiple: A batch's length is padded to a multiple of it.
    """
    padded = sum(len(batch) * rounded(max(lengths[at] for at in batch), multiple) for batch in batches)
    return 1.0 - sum(lengths) / padded


def rounded(length: int, multiple: int) -> int:
    """The least multiple that is not less."""
    return -(-length // multiple) * multiple


def ahead(items: Iterable[_Item], make: Callable[[_Item], _Made]) -> Iterator[_Made]:
    """Makes something of each item in a thread, in order, at most two items ahead of whoever takes it."""
    source = iter(items)
    with ThreadPoolExecutor(1, "ahead") as thread:
        made: deque[Future[_Made]] = deque(thread.submit(make, one) for one in islice(source, _AHEAD))
        while made:
            yield made.popleft().result()
            made.extend(thread.submit(make, one) for one in islice(source, 1))
