"""Batches of like length, those that do not fit the memory, and work done ahead."""

import pytest

from madang.distillation.overflow import without_overflow
from madang.distillation.packing import ahead, padding_share, token_batches


def test_batches_are_of_like_length_and_keep_to_their_tokens():
    batches = token_batches([5, 90, 10, 80, 7, 300], 200)

    assert batches == [[5], [1, 3], [2, 4, 0]]


def test_padding_is_what_a_batchs_longest_post_adds_to_the_others():
    lengths = [10, 5, 8, 8]

    assert padding_share(lengths, [[0, 1], [2, 3]]) == pytest.approx(5 / 36)
    assert padding_share(lengths, [[0, 1], [2, 3]], multiple=16) == pytest.approx(33 / 64)


def test_a_batch_that_does_not_fit_the_memory_is_cut_in_two():
    seen: list[int] = []

    def make(posts):
        if len(posts) > 3:
            raise MemoryError
        seen.append(len(posts))
        return [post.upper() for post in posts]

    assert without_overflow(make, list("abcdefghij")) == list("ABCDEFGHIJ")
    assert seen == [2, 3, 2, 3]


def test_another_error_is_not_taken_for_a_full_memory():
    def make(_posts):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        without_overflow(make, ["post", "post"])


def test_work_ahead_keeps_the_order_and_stays_two_items_ahead():
    pulled: list[int] = []

    def source():
        for number in range(6):
            pulled.append(number)
            yield number

    made = ahead(source(), lambda number: number * number)
    first = next(made)

    assert (first, pulled) == (0, [0, 1])
    assert list(made) == [1, 4, 9, 16, 25]


def test_an_error_in_work_ahead_reaches_whoever_takes_it():
    with pytest.raises(ZeroDivisionError):
        list(ahead([1, 0], lambda number: 1 / number))
