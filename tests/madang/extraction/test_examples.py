"""Nearest examples: each post has its own, never itself, of gold only the part `tune`, and the request says so."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scenario import declaration, write_task

from madang.errors import DeclarationError
from madang.evaluation.sampling import part_of
from madang.extraction.grounding import PostText
from madang.extraction.nearest import NearestTexts
from madang.extraction.requests import RequestTemplate, prefix_messages
from madang.task import Task

NEAREST = {"file": "examples.jsonl", "nearest": 2}
FROM_GOLD = {"file": "samples.jsonl", "gold": "gold.jsonl", "nearest": 3}
ROOMS = {"deal": {"kind": "label", "of": ["monthly", "sale"]}, "rooms": {"kind": "number", "integer": True}}
POOL: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    ("빌라 매매", "조용한 골목 안쪽에 있어요", {"deal": "sale"}),
    ("자전거 보관소 있는 원룸", "월세이고 역에서 가까워요", {"deal": "monthly"}),
    ("Studio for rent", "Quiet street, two minutes from the park", {"deal": "monthly", "rooms": 1}),
    ("투룸 월세", "역에서 가까워요, 주차는 안 됩니다", {"deal": "monthly", "rooms": 2}),
)
TUNE, SCORE = (
    [name for name in map("p{}".format, range(40)) if part_of(name) == part][:4] for part in ("tune", "score")
)


def lines(rows: Iterable[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def written(pool: Iterable[tuple[str, str, Mapping[str, object]]] = POOL) -> str:
    return lines({"title": title, "body": body, "answer": answer} for title, body, answer in pool)


def load(folder: Path, declared: object = NEAREST, **files: str) -> Task:
    attributes = declaration(fields=ROOMS, examples=declared)
    return Task.load(write_task(folder / "flats", attributes, **({"examples": written()} | files)))


def from_gold(folder: Path, posts: Iterable[Mapping[str, object]], gold: Iterable[Mapping[str, object]]) -> Task:
    return load(folder, FROM_GOLD, samples=lines(posts), gold=lines(gold))


def shown(task: Task, title: str, body: str) -> list[str]:
    """Turns of the examples that a post is shown with."""
    request = RequestTemplate(task).request(PostText({"title": title, "body": body}), "local:1", 64)
    return [message.content for message in request.messages[1:-1]]


def refused(folder: Path, declared: object, **files: str) -> str:
    with pytest.raises(DeclarationError) as error:
        load(folder, declared, **files)
    return str(error.value).removeprefix(f"{folder}/flats/")


def test_a_post_is_shown_with_the_examples_most_like_it_and_the_nearest_stands_last(tmp_path: Path) -> None:
    turns = shown(load(tmp_path), "쓰리룸 월세", "역에서 가까워요, 주차는 두 대")

    assert turns == [
        "자전거 보관소 있는 원룸\n월세이고 역에서 가까워요", '{"deal": "monthly"}',
        "투룸 월세\n역에서 가까워요, 주차는 안 됩니다", '{"deal": "monthly", "rooms": 2}',
    ]  # fmt: skip


def test_posts_share_the_system_turn_alone(tmp_path: Path) -> None:
    assert [message.role for message in prefix_messages(load(tmp_path))] == ["system"]


@pytest.mark.parametrize(
    ("title", "body"),
    {
        "the same": ("Studio for rent", "Quiet street, two minutes from the park"),
        "in other columns and letters": ("", "STUDIO for rent  quiet street, two minutes from the park"),
        "a little edited": ("Studio for rent!", "Quiet street, two minutes from the park. Call"),
    }.values(),
)
def test_a_post_is_never_its_own_example(title: str, body: str, tmp_path: Path) -> None:
    task = load(tmp_path, NEAREST | {"nearest": 4})

    assert len(shown(task, title, body)) == 2 * 3
    assert not any(turn.startswith("Studio") for turn in shown(task, title, body))


def test_a_post_that_is_like_no_example_is_shown_with_the_first_ones(tmp_path: Path) -> None:
    turns = shown(load(tmp_path), "", "????")

    assert turns[2].startswith("빌라 매매")
    assert turns[0].startswith("자전거")


def test_fewer_examples_than_wanted_are_all_shown(tmp_path: Path) -> None:
    assert len(shown(load(tmp_path, NEAREST | {"nearest": 32}), "원룸", "월세")) == 2 * len(POOL)


def test_a_number_in_an_example_is_masked_as_in_a_post(tmp_path: Path) -> None:
    pool = [("원룸 월세", "문의 010-1234-5678", {"deal": "monthly"})]

    assert shown(load(tmp_path, examples=written(pool)), "", "투룸 월세")[0] == "원룸 월세\n문의 000-0000-0000"


def test_gold_of_the_part_that_is_scored_is_no_example(tmp_path: Path) -> None:
    both = [TUNE[0], SCORE[0]]
    task = from_gold(
        tmp_path,
        [{"post_id": name, "title": name, "body": "월세"} for name in both],
        [{"post_id": name, "deal": "monthly", "rooms": 1} for name in both],
    )

    assert [example.title for example in task.examples] == [TUNE[0]]


def test_gold_becomes_an_answer_without_what_is_not_stated(tmp_path: Path) -> None:
    task = from_gold(
        tmp_path,
        [{"post_id": TUNE[0], "title": "빌라", "body": "매매"}],
        [{"post_id": TUNE[0], "deal": "sale", "rooms": None, "remark": "seen twice"}],
    )

    assert shown(task, "", "원룸 월세") == ["빌라\n매매", '{"deal": "sale"}']


def test_a_post_whose_gold_is_silent_about_an_asked_field_is_no_example(tmp_path: Path) -> None:
    """It would teach the model to leave the field out."""
    task = from_gold(
        tmp_path,
        [{"post_id": name, "title": name} for name in TUNE[:2]],
        [{"post_id": TUNE[0], "deal": "sale"}, {"post_id": TUNE[1], "deal": "sale", "rooms": 2}],
    )

    assert [example.title for example in task.examples] == [TUNE[1]]


def test_gold_is_joined_by_source_where_it_has_one(tmp_path: Path) -> None:
    posts = [{"source": source, "post_id": TUNE[0], "title": source} for source in ("town", "village")]
    task = from_gold(tmp_path, posts, [{"source": "town", "post_id": TUNE[0], "deal": "sale", "rooms": None}])

    assert [example.title for example in task.examples] == ["town"]


POST = lines([{"post_id": TUNE[0], "title": "빌라"}])
REFUSED: dict[str, tuple[object, dict[str, str], str]] = {
    "embedding": (
        NEAREST | {"by": "embedding"}, {},
        "defs.yaml: examples.mapping.by: 'embedding' needs an embedding model, and madang has no lane to one",
    ),
    "another measure": (NEAREST | {"by": "luck"}, {}, "defs.yaml: examples.mapping.by: Input should be 'ngram'"),
    "none": (NEAREST | {"nearest": 0}, {}, "defs.yaml: examples.mapping.nearest: Input should be greater"),
    "no number": ({"file": "examples.jsonl"}, {}, "defs.yaml: examples.mapping.nearest: Field required. Add it"),
    "neither name nor mapping": (["examples.jsonl"], {}, "defs.yaml: examples.file: Input should be a valid string"),
    "no such file": (NEAREST | {"file": "none.jsonl"}, {},
                     "defs.yaml: examples.file: there is no file 'none.jsonl' beside it"),
    "no such gold": (FROM_GOLD, {"samples": POST}, "defs.yaml: examples.gold: there is no file 'gold.jsonl' beside it"),
    "an empty file": (NEAREST, {"examples": "\n"}, "examples.jsonl: it has no example, so none is nearest"),
    "a wrong answer": (
        FROM_GOLD, {"samples": POST, "gold": lines([{"post_id": TUNE[0], "deal": "lease", "rooms": None}])},
        "gold.jsonl:1: the answer is not valid (",
    ),
    "a broken line": (FROM_GOLD, {"samples": POST, "gold": "\n{\n"}, "gold.jsonl:2: the line is not JSON"),
    "a line without a post": (FROM_GOLD, {"samples": '{"title": "a"}\n', "gold": "{}"},
                              "samples.jsonl:1: the line is not an object with a post_id"),
    "only gold that is scored": (
        FROM_GOLD,
        {"samples": lines([{"post_id": SCORE[0]}]), "gold": lines([{"post_id": SCORE[0], "deal": None, "rooms": 1}])},
        "gold.jsonl: no post of samples.jsonl has gold in the part `tune`. Add such posts",
    ),
    "gold that is silent about a field": (
        FROM_GOLD, {"samples": POST, "gold": lines([{"post_id": TUNE[0], "deal": "sale"}])},
        "gold.jsonl: no post of samples.jsonl has gold in the part `tune` and an answer for 'rooms', which is asked.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_nearest_examples_are_refused(case: str, tmp_path: Path) -> None:
    declared, files, message = REFUSED[case]

    assert refused(tmp_path, declared, **files).startswith(message)


def test_the_rarest_shared_words_decide_which_text_is_nearest() -> None:
    pool = NearestTexts(["같이 러닝 하실 분", "같이 등산 하실 분", "같이 커피 하실 분"])

    assert pool.of("주말에 같이 등산을 하실 분 계신가요", 1) == [1]


def test_equally_near_texts_come_in_the_pool_s_order() -> None:
    pool = NearestTexts(["abc club", "def club", "ghi club"])

    assert pool.of("a club", 3) == [0, 1, 2]
    assert pool.of("", 2) == [0, 1]


def test_a_long_text_is_compared_by_its_beginning() -> None:
    pool = NearestTexts(["running club by the river", "hiking"])

    assert pool.of("running " * 20_000 + "hiking", 1) == [0]


def test_a_task_without_questions_loads_no_examples(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"deposit": {"kind": "money", "read": "rentals.deposit"}}
    attributes = declaration(fields=fields, models=[], examples=NEAREST)

    assert Task.load(write_task(tmp_path / "flats", attributes)).examples == []
