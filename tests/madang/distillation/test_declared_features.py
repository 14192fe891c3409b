from dataclasses import replace

import numpy as np
import pytest
from sales import MARKET
from scenario import write_task

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.distillation.dataset import make_dataset, read_labels
from madang.distillation.heads import heads_of
from madang.distillation.linear import LinearStudent, LinearTeaching

_WORDS = {"cable": "충전선", "cushion": "방석"}


def learnt(market, count=120, **changed):
    """Posts of a market, with what the given fields of them become."""
    posts, _ = read_labels(market.task, market.settings(), [market.labels(count)])
    return [replace(post, **{name: change(post) for name, change in changed.items()}) for post in posts]


def teach(market, posts, field):
    fields = {field: market.task.fields[field]}
    dataset = make_dataset(market.task, posts)
    teaching = LinearTeaching(dataset.posts, dataset.weights, fields, heads_of(fields))
    return teaching.fit(list(range(len(dataset.posts))), "all")


def odds(student, field, *turns):
    return [scores[field].classes.tolist() for scores in student.scores(turns)]


def declare_kinds(market, cues):
    kind = {"kind": "label", "of": ["chair", "phone", "book"], "cues": cues}
    write_task(market.folder / "assets" / "market", MARKET | {"fields": MARKET["fields"] | {"kind": kind}})


def test_a_declared_cue_that_no_post_holds_states_its_class(market):
    declare_kinds(market, {"chair": ["의자", "벤치"], "phone": ["휴대폰", "스마트폰"], "book": ["책", "소설"]})
    student = teach(market, learnt(market), "kind")
    (bench,) = odds(student, "kind", "벤치\n팔아요")

    assert market.task.fields["kind"].of[int(np.argmax(bench)) - 1] == "chair"


def test_a_head_without_cues_learns_from_posts_alone(market):
    student = teach(market, learnt(market), "kind")

    assert student._fitted["kind"].cues is None


def test_what_evidence_points_at_states_the_class_wherever_it_stands(market):
    def pointers(post):
        return {"extras": frozenset(word for name, word in _WORDS.items() if name in post.answers["extras"])}

    student = teach(market, learnt(market, pointers=pointers), "extras")
    cable, neither = odds(student, "extras", "물건\n모르는 말 충전선 다른 말", "물건\n모르는 말 다른 말")

    assert cable[0] > 0 > cable[1]
    assert max(neither) < 0


def test_a_class_at_which_nothing_points_is_said_where_nothing_does(market):
    def said(post):
        return {"extras": post.answers["extras"] or frozenset({"cushion"})}

    def pointers(post):
        return {"extras": frozenset({"충전선"} if "cable" in post.answers["extras"] else set())}

    only_cables = [post for post in learnt(market, 200) if "cushion" not in post.answers["extras"]]
    posts = [replace(post, answers=said(post), pointers=pointers(post)) for post in only_cables]
    student = teach(market, posts, "extras")
    (cable, cushion), (no_cable, alone) = odds(student, "extras", "물건\n충전선 있어요", "물건\n아무 말")

    assert (cable > 0 > cushion, alone > 0 > no_cable) == (True, True)


def test_a_stored_student_with_cues_says_the_same(market, tmp_path):
    declare_kinds(market, {"chair": ["의자"], "phone": ["휴대폰"], "book": ["소설책"]})
    student = teach(market, learnt(market), "kind")
    fields = {"kind": market.task.fields["kind"]}
    student.save(tmp_path)
    loaded = LinearStudent.load(tmp_path, fields, heads_of(fields))
    turns = [post.turn for post in learnt(market, 20)]

    assert np.allclose(odds(student, "kind", *turns), odds(loaded, "kind", *turns), atol=0.05)


def test_a_stored_student_holds_no_words_of_its_cues(market, tmp_path):
    declare_kinds(market, {"chair": ["의자"], "phone": ["휴대폰"], "book": ["소설책"]})
    teach(market, learnt(market), "kind").save(tmp_path)
    with np.load(tmp_path / "weights.npz") as stored:
        kinds = {array.dtype.kind for array in stored.values()}

    assert kinds <= {"i", "f", "b"}
