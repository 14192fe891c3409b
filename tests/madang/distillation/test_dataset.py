from dataclasses import replace

import pytest
from sales import sale

from madang.distillation.dataset import make_dataset, read_labels
from madang.errors import InputError
from madang.evaluation.sampling import part_of


def test_gold_of_the_part_score_is_withheld(market):
    learned, withheld = read_labels(market.task, market.settings(), [market.labels(50, origin="gold")])

    assert {part_of(post.key[1]) for post in learned} == {"tune"}
    assert {part_of(post.key[1]) for post in withheld} == {"score"}
    assert len(learned) + len(withheld) == 50


def test_gold_of_the_part_score_is_refused(market):
    _, withheld = read_labels(market.task, market.settings(), [market.labels(50, origin="gold")])

    with pytest.raises(InputError, match="gold of the part score is no material"):
        make_dataset(market.task, withheld)


def test_a_teachers_post_that_is_nearly_one_of_the_part_score_is_left_out(market):
    gold, teacher = market.labels(50, origin="gold"), market.labels(10)
    quoted = sum(part_of(str(sale(number)[0]["post_id"])) == "score" for number in range(10))
    dataset = market.dataset(gold, replace(teacher, origin="teacher"))

    assert quoted > 0
    assert dataset.left_out == {"nearly a post of the part score": quoted}


def test_gold_stands_before_what_a_teacher_said_of_the_same_post(market):
    labels = market.labels(20)
    dataset = market.dataset(labels, replace(labels, origin="gold"))

    assert dataset.origins["gold"] == sum(part_of(f"s{number}") == "tune" for number in range(20))
    assert "teacher" not in dataset.origins


def test_a_correction_puts_single_fields_right(market):
    labels = market.labels(6)
    learned, _ = read_labels(market.task, market.settings(), [labels])
    wrong = learned[0]
    pointed = replace(wrong, pointers={"kind": frozenset({"의자"}), "is_new": frozenset({"중고"})})
    correction = replace(wrong, answers={"kind": "chair"}, origin="correction", pointers={})
    dataset = make_dataset(market.task, [correction, pointed, *learned[1:]])
    found = next(post for post in dataset.posts if post.key == wrong.key)

    assert found.answers == {**wrong.answers, "kind": "chair"}
    assert found.pointers == {"is_new": frozenset({"중고"})}
    assert dataset.origins == {"correction": 1, "teacher": 5}


def test_a_correction_stands_before_gold(market):
    learned, _ = read_labels(market.task, market.settings(), [market.labels(20, origin="gold")])
    correction = replace(learned[0], answers={"is_new": None}, origin="correction")
    dataset = make_dataset(market.task, [*learned, correction])

    assert next(post for post in dataset.posts if post.key == learned[0].key).answers["is_new"] is None


def test_near_duplicates_are_in_one_fold(market):
    learned, _ = read_labels(market.task, market.settings(), [market.labels(40)])
    copies = [replace(post, row={**post.row, "post_id": f"again {post.key[1]}"}) for post in learned]
    dataset = make_dataset(market.task, [*learned, *copies])
    folds = dict(zip((post.key[1] for post in dataset.posts), dataset.folds(5), strict=True))

    assert all(folds[post.key[1]] == folds[f"again {post.key[1]}"] for post in learned)
    assert {sum(fold == one for fold in folds.values()) for one in range(5)} == {16}


def test_the_newest_posts_are_newer_than_all_others(market):
    dataset = market.dataset(market.labels(60))
    newest = dataset.newest(0.2)
    times = [post.event_at for post in dataset.posts]

    assert 0 < sum(newest) <= 12
    assert min(at for at, is_new in zip(times, newest, strict=True) if is_new) >= max(
        at for at, is_new in zip(times, newest, strict=True) if not is_new
    )


def test_the_identity_follows_the_answers(market):
    dataset = market.dataset(market.labels(20))
    first = replace(dataset.posts[0], answers={**dataset.posts[0].answers, "kind": "book", "is_new": True})
    changed = replace(dataset, posts=(first, *dataset.posts[1:]))

    assert dataset.identity == market.dataset(market.labels(20)).identity
    assert changed.identity != dataset.identity


def test_the_identity_follows_what_answers_point_at(market):
    dataset = market.dataset(market.labels(20))
    first = replace(dataset.posts[0], pointers={"kind": frozenset({"의자"})})

    assert replace(dataset, posts=(first, *dataset.posts[1:])).identity != dataset.identity


def test_no_labels_are_refused(market):
    with pytest.raises(InputError, match="no labelled post"):
        market.dataset()
