"""Evaluations from file to score, against a scripted model that counts what it is sent."""

from datetime import UTC, date, datetime

import pytest

from madang.errors import CapReached, InputError
from madang.evaluation import evaluate, part_of
from madang.extraction.run import run_task
from madang.ops import EVALUATIONS
from madang.posts.landing import land
from madang.posts.reading import read_posts
from madang.warehouse import Change, open_warehouse

# The scripted model answers the first number, the labels that stand in the post (else the last one), true where 모집
# stands, and the first word of the body.
POSTS = [
    {"source": "s", "post_id": "a", "board": "elsewhere", "title": "monthly", "body": "500만원 bed tv 모집"},
    {"source": "s", "post_id": "b", "board": "elsewhere", "title": "sale", "body": "300만원 desk"},
    {"source": "s", "post_id": "c", "board": "elsewhere", "title": "nothing", "body": "here"},
    {"source": "s", "post_id": "d", "board": "elsewhere", "title": "without gold", "body": "monthly"},
]
GOLD = [
    {"post_id": "a", "deal": "monthly", "options": ["bed"], "is_open": True, "rent": 5_000_000, "note": "500 만원"},
    {"post_id": "b", "deal": "monthly", "options": ["desk"], "is_open": None, "rent": 1, "note": None},
    {"post_id": "c", "deal": None, "options": [], "is_open": None, "rent": None, "note": "HERE"},
]
DAYS = (date(2016, 1, 1), date(2030, 1, 1))


@pytest.fixture
def files(place):
    return place.lines("posts.jsonl", POSTS), place.lines("flats.gold.jsonl", GOLD)


def values(report, field):
    return {metric: score.value for metric, score in report.fields[field].items()}


def test_a_task_is_scored_on_every_kind_of_field(place, files):
    posts, gold = files
    report = evaluate(place.task, place.settings(), posts, gold=gold)

    assert (report.task, report.n, report.lane, report.failed) == ("flats", 3, "online", 0)
    assert values(report, "deal")["accuracy"] == 1 / 3
    assert values(report, "options") == {"f1": 4 / 5, "exact": 2 / 3}
    assert values(report, "is_open") == {"accuracy": 1 / 3, "f1": 1.0, "value_f1": 2 / 4}
    assert values(report, "rent") == {
        "accuracy": 2 / 3, "value_f1": 1 / 2, "precision": 1 / 2, "recall_stated": 1 / 2, "abstention": 1.0,
    }  # fmt: skip
    assert values(report, "note")["recall_stated"] == 1.0


def test_only_posts_with_gold_are_asked_whatever_the_tasks_where_says(place, files):
    posts, gold = files
    report = evaluate(place.task, place.settings(), posts, gold=gold)

    assert (place.sent, report.sent) == (3, 3)


def test_the_same_posts_are_never_asked_twice(place, files):
    posts, gold = files
    first = evaluate(place.task, place.settings(), posts, gold=gold)
    second = evaluate(place.task, place.settings(), posts, gold=gold)

    assert (place.sent, second.sent, second.reused) == (3, 0, 3)
    assert second.to_json() == first.to_json()


def test_posts_with_the_same_text_are_asked_once(place):
    posts = place.lines("posts.jsonl", [POSTS[0], {**POSTS[0], "post_id": "again"}])
    gold = place.lines("gold.jsonl", [GOLD[0], {**GOLD[0], "post_id": "again"}])

    assert evaluate(place.task, place.settings(), posts, gold=gold).n == 2
    assert place.sent == 1


def test_the_json_is_that_of_the_scoring_contract(place, files):
    posts, gold = files
    report = evaluate(place.task, place.settings(), posts, gold=gold).to_json()

    assert list(report) == ["task", "n", "recipe", "lane", "fields"]
    assert list(report["fields"]) == ["deal", "options", "is_open", "rent", "note"]
    assert report["fields"]["options"]["exact"] == {
        "value": 0.6667, "low": 0.2077, "high": 0.9385, "n": 3, "baseline": 0.3333,
    }  # fmt: skip


def test_a_truncated_reply_is_asked_again_with_more_room(place, files):
    posts, gold = files
    place.lines("posts.jsonl", [{**POSTS[0], "body": "500만원 fault bed tv 모집"}, *POSTS[1:]])
    report = evaluate(place.task, place.settings(fault="truncated"), posts, gold=gold)

    assert (place.sent, report.sent, report.failed) == (4, 4, 0)
    assert values(report, "rent")["precision"] == 1 / 2


@pytest.mark.parametrize("fault", ["permanent", "transient", "garbage"])
def test_a_failed_call_counts_as_a_prediction_of_null(place, files, fault):
    posts, gold = files
    place.lines("posts.jsonl", [{**POSTS[0], "body": "500만원 fault bed tv 모집"}, *POSTS[1:]])
    report = evaluate(place.task, place.settings(fault=fault), posts, gold=gold)

    assert (report.n, report.failed) == (3, 1)
    assert values(report, "rent") == {
        "accuracy": 1 / 3, "value_f1": 0.0, "precision": 0.0, "recall_stated": 0.0, "abstention": 1.0,
    }  # fmt: skip


def test_a_blank_post_is_not_asked(place):
    posts = place.lines("posts.jsonl", [{**POSTS[0], "title": "", "body": "!!"}])
    report = evaluate(place.task, place.settings(), posts, gold=place.lines("gold.jsonl", [GOLD[0]]))

    assert (place.sent, report.n, report.failed, report.lane) == (0, 1, 0, "online")


def test_the_cap_stops_it_and_what_was_received_is_kept(place, files):
    posts, gold = files
    with pytest.raises(CapReached, match=r"the cap of \$1\.00"):
        evaluate(place.task, place.settings(usd=0.4), posts, gold=gold, cap_usd=1.0)
    report = evaluate(place.task, place.settings(usd=0.4), posts, gold=gold, cap_usd=1.0)

    assert place.sent == 3
    assert (report.sent, report.reused, report.usd) == (1, 2, 0.4)


def test_the_sample_and_the_part_choose_what_is_asked(place, files):
    posts, gold = files
    tune = [row["post_id"] for row in GOLD if part_of(row["post_id"]) == "tune"]

    assert evaluate(place.task, place.settings(), posts, gold=gold, sample=1).n == 1
    assert place.sent == 1
    assert 0 < len(tune) < 3
    assert evaluate(place.task, place.settings(), posts, gold=gold, part="tune").n == len(tune)
    assert evaluate(place.task, place.settings(), posts, gold=gold, part="score").n == 3 - len(tune)


def test_a_part_without_posts_is_refused(place, files):
    posts, _ = files
    tune = [row for row in GOLD if part_of(row["post_id"]) == "tune"]

    with pytest.raises(InputError, match="none in part 'score'"):
        evaluate(place.task, place.settings(), posts, gold=place.lines("gold.jsonl", tune), part="score")


def test_a_lane_without_a_model_is_refused_and_its_own_lane_changes_nothing(place, files):
    posts, gold = files
    with pytest.raises(InputError, match="no model of the lane 'batch'"):
        evaluate(place.task, place.settings(), posts, gold=gold, lane="batch")
    asked = evaluate(place.task, place.settings(), posts, gold=gold, lane="online")

    assert asked.to_json() == evaluate(place.task, place.settings(), posts, gold=gold).to_json()


def test_gold_has_to_be_given_once(place, files):
    posts, gold = files
    with pytest.raises(InputError, match="task 'flats' has no gold of its own"):
        evaluate(place.task, place.settings(), posts)
    with pytest.raises(InputError, match="answers are given twice"):
        evaluate(place.task, place.settings(), posts, gold=gold, gold_from="form")


def test_a_form_in_the_posts_is_gold_too(place):
    place.beside_task("gold_form.yaml", "price: {field: rent, currency: KRW, stated: '{value}'}")
    forms = [{"price": "5000000"}, {"price": "7"}]
    posts = place.lines("posts.jsonl", [{**post, "form": form} for post, form in zip(POSTS, forms, strict=False)])
    report = evaluate(place.task, place.settings(), posts, gold_from="form")

    assert (report.gold, report.n) == ("form", 2)
    # 500만원 states the form's 5000000; 300만원 is wrong, and 7 stands nowhere
    assert values(report, "price") == {
        "accuracy": 1 / 2, "value_f1": 2 / 3, "precision": 1 / 2, "recall_stated": 1.0, "abstention": 0.0,
    }  # fmt: skip


def test_an_evaluation_never_lands_its_posts(place, files):
    posts, gold = files
    warehouse = open_warehouse(place.settings())
    evaluate(place.task, place.settings(), posts, gold=gold, warehouse=warehouse)

    assert not warehouse.has("raw.posts")


@pytest.fixture(scope="module")
def after_run(shared_place):
    """A project whose posts have landed and were extracted under flats@1; the post `quarantined` could not be."""
    landed = [{**post, "board": "flats"} for post in POSTS]
    landed.append({**POSTS[0], "post_id": "quarantined", "board": "flats", "body": "fault"})
    posts = shared_place.lines("posts.jsonl", landed)
    settings = shared_place.settings(fault="garbage")
    warehouse = open_warehouse(settings)
    land(warehouse, settings, [read_posts(posts)])
    run_task(shared_place.task, settings, warehouse, DAYS)
    shared_place.lines("flats.gold.jsonl", GOLD)
    return shared_place


def evaluated(place, gold="flats.gold.jsonl", posts="posts.jsonl", **options):
    """An evaluation beside the run's warehouse, opened to read."""
    warehouse = open_warehouse(place.settings(), read_only=True)
    try:
        return evaluate(
            place.task, place.settings(), place.folder / posts, gold=place.folder / gold, warehouse=warehouse, **options
        )
    finally:
        warehouse.close()


def test_replies_that_a_run_paid_for_are_used_first(after_run):
    sent = after_run.sent
    report = evaluated(after_run)

    assert (report.sent, report.reused, report.recipe) == (0, 3, "flats@1")
    assert after_run.sent == sent == 6


def test_stored_rows_of_a_recipe_score_as_their_replies_do(after_run):
    assert evaluated(after_run, recipe="flats@1").to_json() == evaluated(after_run).to_json()


def test_a_stored_row_of_another_text_is_not_scored(after_run):
    after_run.lines("edited.jsonl", [{**POSTS[0], "body": "edited since"}, *POSTS[1:]])
    report = evaluated(after_run, posts="edited.jsonl", recipe="flats@1")

    assert (report.n, report.missing, report.failed) == (2, 1, 0)


def test_a_quarantined_post_counts_as_null(after_run):
    after_run.lines("all.gold.jsonl", [*GOLD, {**GOLD[0], "post_id": "quarantined"}])
    report = evaluated(after_run, gold="all.gold.jsonl", recipe="flats@1")

    assert (report.n, report.missing, report.failed) == (4, 0, 1)


def test_rows_of_another_lane_are_not_scored(after_run):
    with pytest.raises(InputError, match="3 posts have gold, 0 of them a prediction"):
        evaluated(after_run, recipe="flats@1", lane="batch")


def test_an_unknown_recipe_is_refused(after_run):
    with pytest.raises(InputError, match=r"no run of 'flats' has used 'flats@9' \(there are: flats@1\)"):
        evaluated(after_run, recipe="flats@9")


def test_stored_rows_need_a_warehouse(place, files):
    posts, gold = files
    with pytest.raises(InputError, match="there is no warehouse"):
        evaluate(place.task, place.settings(), posts, gold=gold, recipe="flats@1")


def test_the_rows_of_an_evaluation_land_in_its_table(place, files):
    posts, gold = files
    report = evaluate(place.task, place.settings(), posts, gold=gold)
    warehouse = open_warehouse(place.settings())
    warehouse.ensure([EVALUATIONS])
    written = warehouse.commit([Change(EVALUATIONS, report.to_rows(datetime(2026, 11, 20, tzinfo=UTC)))])
    sql = "SELECT recipe, gold, value, n FROM ops.evaluations WHERE field = 'options' AND metric = 'f1'"
    found = warehouse.read(sql)

    assert written == sum(len(metrics) for metrics in report.fields.values())
    assert found.rows() == [(report.recipe, "flats.gold.jsonl", 0.8, 3)]
