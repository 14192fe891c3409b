"""The stretches of many posts as rows of features, by which a linear student tells values and their small flags."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from madang.distillation.place_stretches import PlaceStretches
from madang.distillation.stretches import Stretch, stretch_features, stretches_of
from madang.distillation.turn_features import matrix, matrix_of_places
from madang.schema.base import FieldKind
from madang.schema.mentions import MentionsField


@dataclass(frozen=True)
class StretchRows:
    """Rows of the stretches of one field.

    Args:
        found: The stretches of each post.
        values: What tells values, shape `(n_stretches, 2 ** BITS)`, post by post.
        places: Of each post, where the stretches may be places; None elsewhere.
    """

    found: Sequence[Sequence[Stretch]]
    values: csr_matrix
    places: Sequence[PlaceStretches] | None

    @classmethod
    def make(cls, field: FieldKind, turns: Sequence[str]) -> "StretchRows":
        """The stretches of posts.

        Args:
            field: A field of stretches.
            turns: What a model is shown of each post.
        """
        found = [stretches_of(turn, field) for turn in turns]
        places = None
        if names_places(field):
            places = [PlaceStretches(turn, own) for turn, own in zip(turns, found, strict=True)]
            blocks = [matrix_of_places(list(one.names())) for one in places]
        else:
            blocks = [
                matrix([stretch_features(turn, one.start, one.end, order) for order, one in enumerate(own)])
                for turn, own in zip(turns, found, strict=True)
            ]
        return cls(found, csr_matrix(vstack(blocks)) if blocks else matrix([]), places)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Row of the first stretch of each post, and one past the last of all."""
        return np.cumsum([0, *map(len, self.found)])

    def of(self, posts: Sequence[int]) -> "StretchRows":
        """The same of the posts of these indices."""
        starts = self.starts
        rows = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in posts])
        places = None if self.places is None else [self.places[at] for at in posts]
        return StretchRows([self.found[at] for at in posts], self.values[rows], places)

    def flags(self, chosen: NDArray[np.int64]) -> csr_matrix:
        """What tells the small flags of some stretches, shape `(n_chosen, 2 ** BITS)`.

        Args:
            chosen: Their rows, ascending.
        """
        if self.places is None:
            return self.values[chosen]
        starts = self.starts
        owners = np.searchsorted(starts, chosen, "right") - 1
        rows: list[list[int]] = []
        for owner in np.unique(owners):
            rows += self.places[owner].senses((chosen[owners == owner] - starts[owner]).tolist())
        return matrix_of_places(rows)


def names_places(field: FieldKind) -> bool:
    """Whether a field's stretches are places that a map could show."""
    return isinstance(field, MentionsField) and field.link == "places"
