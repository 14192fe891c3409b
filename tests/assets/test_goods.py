"""The task `goods` as it ships: readers read posts with no model, analysts ask for prices and missing names."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from scenario import Project, make_project, post

from madang.proposals import proposed_names

_GOODS = Path(__file__).parents[2] / "assets" / "goods"
_MONDAY, _NEXT_MONDAY = "2024-11-25T10:00:00+09:00", "2024-12-02T10:00:00+09:00"


def _offer(post_id: str, title: str, body: str, event_at: str = _MONDAY) -> dict[str, object]:
    return post(post_id, body, title=title, board="goods", event_at=event_at)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Eight phones of a model in one week, an outlier among them, and what is no offer of one phone."""
    made = make_project(tmp_path_factory.mktemp("goods") / "project", ("meetups",))
    shutil.copytree(_GOODS, made.folder / "assets" / "goods")
    made.ingest(
        *[
            _offer(f"p{price}", "갤럭시 S22 울트라 256", f"생활기스 있어요. {price}만원에 팔아요. 연락 {price}번")
            for price in (40, 42, 44, 45, 46, 48, 50)
        ],
        _offer("repost", "갤럭시 S22 울트라 256", "생활기스 있어요. 40만원에 팔아요. 연락 40번"),
        _offer("slip", "갤럭시 S22 울트라 256", "생활기스 있어요. 4만원에 팔아요."),
        _offer("case", "갤럭시 S22 울트라 케이스", "생활기스 있어요. 1만원에 팔아요."),
        _offer("wanted", "갤럭시 S22 울트라 삽니다", "생활기스 괜찮아요. 30만원에 사요."),
        _offer("lot", "갤럭시 S22 울트라 3대", "생활기스 있어요. 120만원에 팔아요."),
        _offer("later", "갤럭시 S22 울트라", "생활기스 있어요. 43만원에 팔아요.", _NEXT_MONDAY),
        _offer("new", "갤럭시 S22 울트라 미개봉", "70만원에 팔아요."),
        *[_offer(f"b{number}", "모닥불공방 니트 가디건", f"세 번째 정리해요 {number}") for number in range(3)],
    )
    made.run("goods")
    yield made
    made.close()


def test_a_post_costs_no_call(project: Project) -> None:
    assert project.rows("SELECT DISTINCT lane, model FROM attributes.goods") == [("reader", None)]
    assert project.sent() == []


def test_the_going_price_is_that_of_single_phones_that_are_sold(project: Project) -> None:
    found = project.rows(
        "SELECT week, condition, offers, outliers, least_krw, quarter_krw, median_krw, three_quarters_krw, most_krw "
        "FROM analytics.phone_prices WHERE product = 'galaxy s22 ultra' ORDER BY week, condition"
    )

    assert found == [
        (date(2024, 11, 25), "good", 7, 1, 400_000, 430_000, 450_000, 470_000, 500_000),
        (date(2024, 11, 25), "new", 1, 0, 700_000, 700_000, 700_000, 700_000, 700_000),
        (date(2024, 12, 2), "good", 1, 0, 430_000, 430_000, 430_000, 430_000, 430_000),
    ]


def test_a_brand_that_the_vocabulary_lacks_is_proposed(project: Project) -> None:
    proposed = proposed_names(project.warehouse, least_posts=3).to_dicts()

    assert proposed == [
        {"kind": "brand", "name": "모닥불공방", "posts": 3, "category": "womens_clothing",
         "examples": ["town:b0", "town:b1", "town:b2"]}
    ]  # fmt: skip


def test_a_rare_name_is_not_proposed(project: Project) -> None:
    assert proposed_names(project.warehouse, least_posts=4).is_empty()


def test_nothing_is_proposed_before_the_task_ran(tmp_path: Path) -> None:
    made = make_project(tmp_path / "project", ("meetups",))

    assert proposed_names(made.warehouse, least_posts=1).is_empty()


def test_every_sample_has_gold() -> None:
    samples, gold = (
        [json.loads(line)["post_id"] for line in (_GOODS / name).read_text(encoding="utf-8").splitlines()]
        for name in ("samples.jsonl", "gold.jsonl")
    )

    assert samples == gold
    assert len(set(samples)) == 80
