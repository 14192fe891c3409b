"""The lane: alone, and as the first step of a cascade whose second is the scripted model."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sales import MARKET, is_vague, sale, write_sales
from scenario import Project, make_project, write_task

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.distillation.audit import Audits, audit_released
from madang.distillation.dataset import LabelFile
from madang.distillation.distil import distil
from madang.distillation.overflow import without_overflow
from madang.distillation.registry import Registry
from madang.errors import ModelFileError
from madang.extraction.grounding import PostText
from madang.extraction.requests import RequestTemplate
from madang.models.catalogue import Catalogue
from madang.models.protocol import Failure, Reply
from madang.settings import Settings
from madang.task import load_task


def asked(market, texts: list[str], **student: object) -> list[Reply | Failure]:
    """Outcomes of posts that the student is asked about."""
    settings = market.settings(**student)
    catalogue, template = Catalogue(settings), RequestTemplate(market.task)

    async def requests() -> AsyncIterator:
        for text in texts:
            yield template.request(PostText({"title": "", "body": text}), catalogue.identity("small"), 96)

    async def send() -> list[Reply | Failure]:
        model = catalogue.model("small")
        async with model.open():
            return [outcome async for outcome in model.send(requests())]

    return asyncio.run(send())


def turn_of(number: int) -> str:
    post, _ = sale(number)
    return f"{post['title']}\n{post['body']}"


def test_a_reply_is_the_json_of_the_asked_schema(taught):
    market, _ = taught
    (reply,) = asked(market, ["의자. 가격 25,000원. 새 상품 입니다. 한별상점 에서 샀는데 좋았어요"], answers="all")

    assert isinstance(reply, Reply)
    assert json.loads(reply.text) == {
        "kind": "chair", "is_new": True, "price": "25,000원", "shops": [{"text": "한별상점", "is_review": True}]
    }  # fmt: skip
    assert "".join(token.text for token in reply.tokens) == reply.text


def test_a_student_that_is_sure_of_nothing_leaves_every_post_to_the_next_model(taught):
    market, _ = taught
    outcomes = asked(market, ["의자 팝니다", "소설책 드려요"], precision=0.9999)

    assert [(one.failure, one.is_transient) for one in outcomes] == [("abstained", False)] * 2


def test_posts_that_do_not_say_are_not_kept(taught):
    market, _ = taught
    told, vague = (
        [number for number in range(2_000, 2_240) if is_vague(number) is wanted] for wanted in (False, True)
    )  # fmt: skip
    kept = {
        name: sum(isinstance(one, Reply) for one in asked(market, [turn_of(number) for number in numbers]))
        for name, numbers in (("told", told), ("vague", vague))
    }

    assert kept["told"] > len(told) / 2
    assert kept["vague"] / len(vague) < kept["told"] / len(told) / 2


def test_every_post_is_answered_whatever_the_batch(taught):
    market, _ = taught
    texts = [str(sale(number)[0]["body"]) for number in range(30)]
    small, large = (asked(market, texts, answers="all", batch_posts=size) for size in (4, 64))

    assert [(one.request_hash, one.text) for one in small] == [(one.request_hash, one.text) for one in large]


def test_a_released_student_that_was_changed_is_not_opened(taught):
    market, made = taught
    file = made.student.folder / "records.npz"
    kept = file.read_bytes()
    file.write_bytes(kept + b"x")
    try:
        with pytest.raises(ModelFileError, match=r"records\.npz"):
            asked(market, ["의자"])
        with pytest.raises(ModelFileError, match=r"records\.npz"):
            Catalogue(market.settings()).check("small")
    finally:
        file.write_bytes(kept)


def test_a_batch_too_large_for_the_memory_is_cut_and_a_post_too_large_is_said():
    def score(turns):
        if len(turns) > 2:
            raise MemoryError
        return [{} for _ in turns]

    def never(turns):
        raise MemoryError

    assert len(without_overflow(score, ["post"] * 9)) == 9
    with pytest.raises(MemoryError, match="a single post"):
        without_overflow(never, ["post"])


@pytest.fixture
def cascade(tmp_path, monkeypatch) -> Project:
    """A project whose route asks a student first, then the scripted model."""
    project = make_project(tmp_path / "project")
    write_task(project.folder / "assets" / "market", MARKET)
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, project.environment[name])
    yield replace(project, main="market")
    project.close()


def teach(project: Project, audit_share: float) -> None:
    """Releases a student and names it in the settings."""

    posts, answers = write_sales(project.folder / "labels", 400)
    labels = LabelFile(answers, posts, "teacher")
    made = distil(load_task(project.folder, "market"), project.settings, [labels])

    assert made.promise.share > 0.4

    with (project.folder / "madang.toml").open("a") as file:
        file.write(f'[tool.madang.models.small]\nlane = "student"\nstudent = "market"\naudit_share = {audit_share}\n')


def test_the_student_keeps_what_it_is_sure_of_and_the_next_model_answers_the_rest(cascade):
    teach(cascade, audit_share=0.0)
    cascade.ingest(*(sale(number)[0] for number in range(2_000, 2_040)))
    cascade.run("market")
    lanes = dict(cascade.rows("SELECT lane, count(*) FROM attributes.market GROUP BY lane"))

    assert sum(lanes.values()) == 40
    assert lanes["student"] > 15
    assert lanes["online"] == len(cascade.sent()) >= 2


def test_an_audit_asks_the_next_model_and_a_broken_promise_closes_the_lane(cascade):
    teach(cascade, audit_share=1.0)
    cascade.ingest(*(sale(number)[0] for number in range(2_000, 2_040)))
    cascade.run("market")
    settings = Settings.load()
    student = Registry(settings.home).find("market")
    noted = len(Audits(settings.home, student).notes())
    found = audit_released(cascade.task("market"), settings, cascade.warehouse)

    assert noted > 15
    assert found.fields["kind"].n == noted
    assert found.fields["kind"].is_broken(0.95)  # the scripted model answers by words that no post has
    assert "kind 1" in str(Audits(settings.home, student).closed)

    cascade.ingest(*(sale(number)[0] for number in range(3_000, 3_010)))
    cascade.run("market")

    assert len(cascade.sent()) == 50
    assert len(Audits(settings.home, student).notes()) == noted


def test_a_note_that_a_killed_process_cut_is_left_out(taught, tmp_path):
    _, made = taught
    audits = Audits(tmp_path, made.student)
    audits.note([("a post", {})])
    (file,) = (tmp_path / "students" / "market" / "audits").iterdir()
    file.write_text(file.read_text() + '{"turn": "ab')

    assert len(audits.notes()) == 1


def test_a_promise_that_holds_closes_nothing(taught):
    market, made = taught
    audits = Audits(market.settings().home, made.student)

    assert audits.closed is None
    assert audits.takes("any post", 1.0)
    assert not audits.takes("any post", 0.0)
