"""What audited answers say of a promise."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'madang[student]'")

from madang.distillation.audited_field import AuditedField, enough_audited

PROMISED = 0.95


def closed_share(precision: float, *, looks: int = 100, posts: int = 20, trials: int = 200) -> float:
    """Of students right in such a share of posts, those that are closed at some look, a day's posts between two."""
    chance = np.random.default_rng(11)
    closed = 0
    for _ in range(trials):
        right = chance.binomial(posts, precision, looks).cumsum()
        closed += any(AuditedField(int(one), posts * day).is_broken(PROMISED) for day, one in enumerate(right, 1))
    return closed / trials


def test_a_student_that_keeps_its_promise_is_seldom_closed_however_often_one_looks():
    """Clopper's and Pearson's bound, looked at every day, closed three of ten of them."""
    assert closed_share(PROMISED) <= 0.05


def test_a_student_that_breaks_its_promise_is_closed():
    assert closed_share(0.85) == 1.0


def test_more_fields_want_more_evidence():
    field = next(one for n in range(1, 99) if (one := AuditedField(0, n)).is_broken(PROMISED))

    assert not field.is_broken(PROMISED, fields=400)


def test_nothing_is_said_against_a_student_by_no_answer():
    field = AuditedField(0, 0)

    assert not field.is_broken(PROMISED)
    assert field.told(PROMISED) == "no answer yet"


def test_too_few_answers_are_said_to_be_too_few():
    assert enough_audited(PROMISED) == 59
    assert AuditedField(12, 12).told(PROMISED) == "12 of 12 right (0.779 to 1.000; too few to tell, 59 are wanted)"
    assert AuditedField(97, 100).told(PROMISED) == "97 of 100 right (0.924 to 0.992)"
    assert AuditedField(2, 12).told(PROMISED) == "2 of 12 right (0.030 to 0.438)"
