import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.distillation.stretch_rows import StretchRows, names_places
from madang.schema.flag import FlagField
from madang.schema.mentions import MentionsField
from madang.schema.text import TextField

PLACES = MentionsField(kind="mentions", link="places", of={"is_review": FlagField(kind="flag")})
NAMES = MentionsField(kind="mentions", of={"is_review": FlagField(kind="flag")})
TURNS = ["초록문구 아세요?\n초록문구 앞 분식집 떡볶이 맛있어요", "질문 있어요", "산책\n달맞이공원에서 걸었어요"]


def test_only_mentions_that_are_looked_up_among_places_are_seen_as_places():
    assert names_places(PLACES)
    assert not names_places(NAMES)
    assert not names_places(TextField(kind="text"))


@pytest.mark.parametrize("field", [PLACES, NAMES])
def test_every_stretch_has_a_row_of_length_one(field):
    rows = StretchRows.make(field, TURNS)

    assert rows.values.shape[0] == sum(map(len, rows.found)) > 20
    np.testing.assert_allclose(np.sqrt(rows.values.power(2).sum(axis=1)), 1, rtol=1e-5)


def test_the_ending_of_a_place_is_seen_wherever_it_stands():
    """`...공원` in a body and in a title have features in common that a verb has not."""
    rows = StretchRows.make(PLACES, [*TURNS, "은하공원"])

    def row(post: int, text: str) -> set[int]:
        own = next(at for at, one in enumerate(rows.found[post]) if one.answer == text)
        return set(rows.values[rows.starts[post] + own].indices)

    park, other, verb = row(2, "달맞이공원"), row(3, "은하공원"), row(2, "걸었어요")

    assert len((park & other) - verb) >= 5


@pytest.mark.parametrize("field", [PLACES, NAMES])
def test_rows_of_some_posts_are_those_of_all_posts(field):
    whole, some = StretchRows.make(field, TURNS), StretchRows.make(field, [TURNS[2], TURNS[0]])
    chosen = whole.of([2, 0])
    likely = np.arange(0, chosen.values.shape[0], 3)

    assert chosen.found == some.found
    assert (chosen.values != some.values).nnz == 0
    assert (chosen.flags(likely) != some.flags(likely)).nnz == 0


def test_flags_of_a_place_are_told_by_what_is_said_of_it():
    rows = StretchRows.make(PLACES, ["후기\n초록식당 갔는데 맛있었어요", "질문\n초록식당 있나요?"])
    chosen = [
        rows.starts[post] + next(at for at, one in enumerate(own) if one.answer == "초록식당")
        for post, own in enumerate(rows.found)
    ]
    told, asked = (set(row.indices) for row in rows.flags(np.array(chosen)))

    assert told - asked
    assert asked - told
