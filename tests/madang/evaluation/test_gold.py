import re
from pathlib import Path

import pytest
import yaml

from madang.errors import DeclarationError, InputError
from madang.evaluation.gold import gold_of_file, gold_of_posts
from madang.evaluation.gold_map import GoldMap, spellings
from madang.posts.reading import read_posts
from madang.task import Task, find_tasks

POSTS = [
    {"source": "s", "post_id": "1", "title": "t", "body": "b"},
    {"source": "s", "post_id": "2", "title": "t", "body": "b"},
    {"source": "other", "post_id": "2", "title": "t", "body": "b"},
]


def read(place, rows, name="flats.gold.jsonl", posts=POSTS):
    file = place.lines("posts.jsonl", posts)
    return gold_of_file(place.task, place.lines(name, rows), read_posts(file), file)


def typed(place, posts, key="form"):
    file = place.lines("posts.jsonl", posts)
    return gold_of_posts(place.task, key, read_posts(file), file)


def answers(gold):
    return {post.key: {name: answer.value for name, answer in post.answers.items()} for post in gold.posts}


def test_keys_that_are_field_names_need_no_map(place):
    gold = read(place, [{"post_id": "1", "deal": "sale", "rooms": None, "rent": 500, "colour": "red"}])

    assert answers(gold) == {("s", "1"): {"deal": "sale", "rooms": None, "rent": 500.0}}
    assert gold.unmapped == ("colour",)


def test_gold_joins_on_source_only_where_it_has_one(place):
    assert set(answers(read(place, [{"post_id": "2", "rooms": 1}]))) == {("s", "2"), ("other", "2")}
    assert set(answers(read(place, [{"post_id": "2", "source": "other", "rooms": 1}]))) == {("other", "2")}


def test_the_last_state_of_a_post_counts_and_a_deleted_post_is_not_scored(place):
    posts = [*POSTS, {**POSTS[0], "body": "edited"}, {**POSTS[1], "deleted": True}]
    gold = read(place, [{"post_id": "1", "rooms": 1}, {"post_id": "2", "source": "s", "rooms": 1}], posts=posts)

    assert [post.row["body"] for post in gold.posts] == ["edited"]


def test_a_map_gives_money_its_unit_and_currency_and_keeps_golds_own_key(place):
    place.beside_task("gold_default.yaml", "rent_manwon: {field: rent, currency: KRW, per: 10000}")
    gold = read(place, [{"post_id": "1", "rent_manwon": 0.5}])
    key = gold.keys["rent_manwon"]

    assert answers(gold) == {("s", "1"): {"rent_manwon": 5000.0}}
    assert key.predicted({"rent": 5000.0, "rent__currency": "KRW"}) == 5000.0
    assert key.predicted({"rent": 5000.0, "rent__currency": "USD"}) is None
    assert key.predicted({"rent": None, "rent__currency": None}) is None
    assert key.predicted(None) is None


def test_a_map_named_after_the_gold_file_goes_before_the_default(place):
    place.beside_task("gold_default.yaml", "wohnung: {field: deal}")
    place.beside_task("gold_special.yaml", "wohnung: {field: note}")

    assert read(place, [{"post_id": "1", "wohnung": "sale"}]).keys["wohnung"].spec.field == "deal"
    assert read(place, [{"post_id": "1", "wohnung": "x"}], "special.gold.jsonl").keys["wohnung"].spec.field == "note"
    assert read(place, [{"post_id": "1", "wohnung": "x"}], "special.jsonl").keys["wohnung"].spec.field == "note"


@pytest.mark.parametrize(
    ("line", "culprit"),
    [
        ('{"post_id": "1", "rooms": 1', ":2: the line is not JSON"),
        pytest.param("[" * 100_000, ":2: the line is not JSON", id="too deep"),
        ('["1"]', ":2: the line is not an object with a post_id"),
        ('{"rooms": 1}', ":2: the line is not an object with a post_id"),
        ('{"post_id": "1", "rooms": "two"}', ":2: rooms: 'two' is not a number"),
        ('{"post_id": "9", "rooms": 1}', ":2: post '9' stands in line 1 too"),
    ],
)
def test_a_broken_line_is_named_by_its_number(place, line, culprit):
    file = place.lines("posts.jsonl", POSTS)
    gold = place.folder / "flats.gold.jsonl"
    gold.write_text(f'{{"post_id": "9", "rooms": 2}}\n{line}\n')

    with pytest.raises(InputError) as error:
        gold_of_file(place.task, gold, read_posts(file), file)

    assert f"{gold}{culprit}" in str(error.value)


def test_what_is_not_a_number_of_json_is_no_answer(place):
    file = place.lines("posts.jsonl", POSTS)
    gold = place.folder / "flats.gold.jsonl"
    gold.write_text('{"post_id": "1", "rooms": NaN}\n{"post_id": "2", "source": "s", "rooms": Infinity}\n')

    found = gold_of_file(place.task, gold, read_posts(file), file)

    assert [post.answers["rooms"].value for post in found.posts] == [None, None]


def test_gold_of_another_task_is_refused(place):
    with pytest.raises(InputError, match=r"no field of '\w+' answers any of its keys \(colour, size\)"):
        read(place, [{"post_id": "1", "colour": "red"}, {"post_id": "2", "size": 3}])


def test_gold_that_is_not_there_is_refused(place):
    file = place.lines("posts.jsonl", POSTS)

    with pytest.raises(InputError, match="there is no such file"):
        gold_of_file(place.task, place.folder / "none.jsonl", read_posts(file), file)


def test_gold_of_other_posts_is_refused(place):
    with pytest.raises(InputError, match="none of its 1 posts is in"):
        read(place, [{"post_id": "9", "rooms": 1}])


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("rent_manwon: {field: rnt}", "rent_manwon: 'rnt' is not a field"),
        ("rent_manwon: {field: rent}", "Say its currency"),
        ("beds: {field: rooms, currency: KRW}", "Remove the currency"),
        ("beds: {field: rooms, factor: 2}", "beds.factor"),
        ("beds: {field: rooms, stated: '('}", "not a regular expression"),
        ("cats: {field: is_open, values: {true: true}}", "cats.values"),
        ("- beds", "it is not a mapping"),
        ("beds: {", "not readable as YAML"),
    ],
)
def test_a_wrong_map_is_refused_with_its_file_and_key(place, text, culprit):
    file = place.beside_task("gold_default.yaml", text)

    with pytest.raises(DeclarationError) as error:
        read(place, [{"post_id": "1", "rooms": 1}])

    assert str(file) in str(error.value)
    assert culprit in str(error.value)


FORM = """
beds: {field: rooms, stated: '\\b{value} (?:bed|bd)'}
sqft: {field: rooms, per: 0.092903, digits: 1}
cats: {field: is_open}
parking: {field: is_open, values: {garage: true, none at all: false}}
"""


def test_a_form_is_cast_converted_and_translated(place):
    place.beside_task("gold_form.yaml", FORM)
    form = {"beds": "2", "sqft": "850", "cats": "True", "parking": "none at all", "rooms": "7"}
    gold = typed(place, [{**POSTS[0], "form": form}])

    assert answers(gold) == {("s", "1"): {"beds": 2.0, "sqft": 79.0, "cats": True, "parking": False}}
    assert gold.unmapped == ("rooms",)
    assert gold.is_form


def test_what_no_field_can_say_and_what_was_left_empty_is_not_scored(place):
    place.beside_task("gold_form.yaml", FORM)
    forms = [{"beds": "shared", "parking": "garage"}, {"beds": "", "parking": "valet"}, {"beds": None, "cats": "True"}]
    gold = typed(place, [{**POSTS[0], "post_id": str(number), "form": form} for number, form in enumerate(forms)])

    assert answers(gold) == {("s", "0"): {"parking": True}, ("s", "2"): {"cats": True}}


def test_a_forms_value_is_stated_where_the_text_holds_it(place):
    place.beside_task("gold_form.yaml", FORM)
    answer = typed(place, [{**POSTS[0], "form": {"beds": "2"}}]).posts[0].answers["beds"]

    assert all(answer.is_stated(text) for text in ("2 bed flat", "Two bd", "2.0 BED"))
    assert not any(answer.is_stated(text) for text in ("12 bed", "2 baths", ""))


def test_categories_are_translated_to_labels_and_those_without_one_are_dropped(place):
    place.beside_task("gold_categories.yaml", "categories: {field: options, values: {Sleep: bed, Work: desk}}")
    posts = [
        {**POSTS[0], "categories": ["Work", "Sleep", "Law"]}, {**POSTS[1], "categories": ["Law"]}, POSTS[2],
    ]  # fmt: skip

    assert answers(typed(place, posts, "categories")) == {("s", "1"): {"categories": {"bed", "desk"}}}


@pytest.mark.parametrize("key", ["form", "categories", "mentions"])
def test_answers_in_the_posts_need_a_map(place, key):
    with pytest.raises(InputError, match=f"task 'flats' has no gold_{key}.yaml"):
        typed(place, POSTS, key)


def test_posts_without_the_key_are_refused(place):
    place.beside_task("gold_form.yaml", FORM)

    with pytest.raises(InputError, match="no post has an answer under 'form'"):
        typed(place, POSTS)


@pytest.mark.parametrize(
    ("value", "texts"),
    [("1200", ["1200", "1,200", "1200.00"]), ("2.0", ["2", "two", "2.0"]), ("1.5", ["1.5"]), ("a+b", ["a+b"])],
)
def test_a_value_is_found_in_every_way_it_is_written(value, texts):
    assert all(re.fullmatch(spellings(value), text) for text in texts)


SHIPPED = [
    (folder, file)
    for folder in find_tasks(Path(__file__).resolve().parents[3])
    for file in sorted(folder.glob("gold_*.yaml"))
]


@pytest.mark.parametrize(("folder", "file"), SHIPPED, ids=[f"{folder.name}-{file.stem}" for folder, file in SHIPPED])
def test_a_shipped_map_fits_its_task(folder, file):
    task = Task.load(folder)
    mapping = GoldMap.load(task, file, is_open=False)

    for name, spec in yaml.safe_load(file.read_text(encoding="utf-8")).items():
        key = mapping.key(name)
        allowed = task.fields[spec["field"]].allowed()
        labels = set(spec.get("values", {}).values()) if key.kind in ("label", "labels") else set()

        assert labels <= set(allowed or ())
