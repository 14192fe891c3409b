"""The books find what does not match: a call that the ledger does not know, a settled row that nobody received."""

from collections import Counter

from faults.books import Books


def test_each_settled_row_is_matched_by_a_call_of_its_kind() -> None:
    received = Counter({("a", True): 2, ("a", False): 1, ("b", True): 1})
    settled = Counter({("a", True): 1, ("a", False): 1, ("b", False): 1})

    books = Books(received, settled, Counter(a=1), 0)

    assert books.surplus == Counter(a=1, b=1)
    assert books.unmatched == Counter(b=1)
    assert not books.surplus <= books.unknown
    assert books.paid_again == 1


def test_a_call_in_flight_is_known_as_unknown() -> None:
    books = Books(Counter({("a", True): 2}), Counter({("a", True): 1}), Counter(a=1), 0)

    assert books.surplus <= books.unknown
    assert books.unmatched == Counter()
