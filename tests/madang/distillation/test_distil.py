import numpy as np
import pytest
from sales import MARKET
from scenario import write_task

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.distillation.registry import Registry
from madang.errors import InputError, ModelFileError
from madang.evaluation import evaluate


def test_a_student_of_clear_labels_is_promoted_and_released(taught):
    market, made = taught

    assert made.verdict.reasons == ()
    assert Registry(market.settings().home).released("market") == ("market@1", made.student.identity)


def test_the_evaluation_scores_the_student_alone(taught):
    market, _ = taught
    fresh = market.labels(100, first=5_000)
    report = evaluate(market.task, market.settings(answers="all"), fresh.posts, gold=fresh.file, lane="student")

    assert (report.lane, report.n, report.failed) == ("student", 100, 0)
    assert report.fields["kind"]["accuracy"].value > 0.9
    assert report.fields["price"]["value_f1"].value > 0.95
    assert report.fields["color"]["value_f1"].value > 0.95
    assert report.fields["shops"]["span_f1"].value > 0.9
    assert report.fields["shops"]["review_f1"].value > 0.9
    assert report.fields["extras"]["f1"].value > 0.9


def test_confidences_of_a_student_reach_the_rows(taught):
    market, _ = taught
    fresh = market.labels(40, first=6_000)
    report = evaluate(market.task, market.settings(answers="all"), fresh.posts, gold=fresh.file, lane="student")

    assert report.fields["kind"]["ece"].value < 0.2


def test_a_student_that_learnt_noise_is_refused_with_the_reason(market):
    labels = market.labels(200)
    lines = labels.file.read_text("utf-8").splitlines()
    ids = [f'{{"post_id": "s{number}", "is_new": {value}}}' for number, value in enumerate(_coins(len(lines)))]
    labels.file.write_text("\n".join(ids), encoding="utf-8")
    made = market.distil(labels)

    assert any("is_new.value_f1" in reason and "baseline" in reason for reason in made.verdict.reasons)
    assert Registry(market.settings().home).released("market") is None


def test_a_gate_is_cleared_by_the_lower_end_of_the_interval(market):
    write_task(market.folder / "assets" / "market", MARKET | {"evaluation": {"gates": {"kind.accuracy": 0.92}}})
    made = market.distil(market.labels(120), fields=["kind"])

    assert len(made.verdict.reasons) == 1
    assert made.verdict.reasons[0].startswith("kind.accuracy is")
    assert made.verdict.own.fields["kind"]["accuracy"].value > 0.92


def test_a_student_that_is_worse_than_the_released_one_is_refused(market):
    good = market.distil(market.labels(200), fields=["shops"])
    labels = market.labels(200, first=300)
    labels.file.write_text(labels.file.read_text("utf-8").replace('상점"', '"'), encoding="utf-8")
    worse = market.distil(labels, fields=["shops"])

    assert f"and that of {good.student.name}" in "; ".join(worse.verdict.reasons)
    assert Registry(market.settings().home).released("market") == (good.student.name, good.student.identity)


def test_a_field_that_hardly_any_post_states_is_not_learnt(market):
    labels = market.labels(60)
    text = labels.file.read_text("utf-8")
    labels.file.write_text(
        text.replace('"is_new": true', '"is_new": null').replace('"is_new": false', '"is_new": null')
    )
    made = market.distil(labels)

    assert "is_new" not in made.student.manifest.fields
    assert "is_new 0" in made.card


def test_the_card_says_what_was_learnt_and_holds_no_post(taught):
    market, made = taught
    bodies = [post.turn for post in market.dataset(market.labels(400)).posts]

    assert "Learnt from 400 posts (400 by teacher)" in made.card
    assert not any(line in made.card for body in bodies for line in body.splitlines() if len(line) > 8)


def test_a_changed_model_file_is_refused(market):
    made = market.distil(market.labels(120), fields=["kind"])
    file = made.student.folder / "weights.npz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    with pytest.raises(ModelFileError, match=r"weights\.npz: it is not the file that was stored"):
        made.student.load()


def test_a_changed_manifest_of_the_released_student_is_refused(market):
    made = market.distil(market.labels(120), fields=["kind"])
    file = made.student.folder / "manifest.json"
    file.write_text(file.read_text("utf-8").replace('"reasons"', ' "reasons"', 1), encoding="utf-8")

    with pytest.raises(ModelFileError, match="not the manifest that was released"):
        Registry(market.settings().home).find("market")


def test_a_student_is_rolled_back_like_a_recipe(market):
    registry = Registry(market.settings().home)
    first, second = (market.distil(market.labels(count), fields=["kind"]) for count in (120, 140))
    released = registry.released("market")

    assert (released, registry.rollback("market")) == (("market@2", second.student.identity), "market@1")
    assert registry.find("market").identity == first.student.identity


def test_a_refused_student_cannot_be_released(market):
    write_task(market.folder / "assets" / "market", MARKET | {"evaluation": {"gates": {"kind.accuracy": 0.999}}})
    made = market.distil(market.labels(120), fields=["kind"])

    with pytest.raises(InputError, match="the gate refused it"):
        Registry(market.settings().home).release(made.student, "by hand")


def test_a_loaded_student_says_what_the_stored_one_said(taught):
    market, made = taught
    turns = [post.turn for post in market.dataset(market.labels(30, first=7_000)).posts]
    once, twice = (made.student.load().says(turns) for _ in range(2))

    assert [{name: said.guess.answer for name, said in one.items()} for one in once] == [
        {name: said.guess.answer for name, said in one.items()} for one in twice
    ]
    assert Registry(market.settings().home).find("market").identity == made.student.identity


def test_an_unknown_field_is_refused(market):
    with pytest.raises(InputError, match="'size' has no labels"):
        market.distil(market.labels(20), fields=["size"])


def _coins(count: int) -> list[str]:
    return ["true" if coin else "false" for coin in np.random.default_rng(5).integers(0, 2, count)]
