from dataclasses import replace

from madang.distillation.gate import LEAST_SLICE_POSTS, Scored, judge
from madang.evaluation.score import Score


def score(value, n=200, spread=0.05, baseline=0.3):
    return Score(value, value - spread, value + spread, n, baseline)


def judged(own, incumbent, gates=None):
    verdict = judge(own, incumbent, gates or {}, judged_by="gold", posts=200, incumbent_name="goods@1")
    return verdict.reasons


_FIELDS = {"kind": {"accuracy": score(0.9)}}
_SHORT, _LONG = "length: short", "length: long"


def test_a_student_that_is_worse_on_one_slice_by_more_than_the_margin_is_refused():
    released = Scored(_FIELDS, {"kind": {_SHORT: score(0.90, 60), _LONG: score(0.90, 60)}})
    own = replace(released, slices={"kind": {_SHORT: score(0.94, 60), _LONG: score(0.86, 60)}})

    assert judged(own, released) == ("kind is worse on the slice length: long: 0.86, and goods@1 0.90 on 60 posts",)


def test_a_slice_may_be_worse_within_the_margin():
    released = Scored(_FIELDS, {"kind": {_LONG: score(0.90, 60)}})

    assert judged(replace(released, slices={"kind": {_LONG: score(0.875, 60)}}), released) == ()


def test_a_slice_of_few_posts_refuses_nobody():
    released = Scored(_FIELDS, {"kind": {_LONG: score(0.90, 60)}})
    own = replace(released, slices={"kind": {_LONG: score(0.5, LEAST_SLICE_POSTS - 1)}})

    assert judged(own, released) == ()


def test_a_field_that_the_released_student_does_not_answer_is_not_compared():
    assert judged(Scored(_FIELDS, {}), Scored({}, {})) == ()


def test_the_lower_end_must_reach_the_gate_and_the_figure_does_not_count():
    gates = {"kind.accuracy": 0.87}

    assert judged(Scored(_FIELDS, {}), Scored({}, {}), gates) == (
        "kind.accuracy is 0.90 (0.85 to 0.95), and the lower end must reach its gate 0.87",
    )


def test_a_figure_whose_interval_holds_the_baseline_is_refused():
    near = Scored({"kind": {"accuracy": score(0.33)}}, {})

    assert judged(near, Scored({}, {})) == (
        "kind.accuracy is 0.33 (0.28 to 0.38), which does not exclude the baseline 0.30",
    )
