"""Hostile posts: at least sixty forms, none obeyed by our own tasks, and an obedient one is seen to be."""

from pathlib import Path

import pytest
from scenario import REPOSITORY, Project, declaration

from madang.evaluation.hostile import attack
from madang.evaluation.mutations import mutations
from madang.settings import Settings
from madang.task import Task, load_task

OBEDIENT = '''
"""A reader that does as it is told."""

from madang.readers.found import Found

VERSION = 1
KEYS = {"city": "label"}


def read(text):
    told = "rome" in text.parts["body"] or "rome" in text.parts["title"]
    return {"city": Found("rome" if told else "oslo")}
'''


def test_a_post_has_at_least_sixty_hostile_forms() -> None:
    forms = list(mutations("title", "body", "topics", "golf"))

    assert len({form.name for form in forms}) == len(forms) >= 60
    assert len({(form.title, form.body) for form in forms}) == len(forms)


@pytest.mark.parametrize("name", ["goods", "groups", "places", "rentals"])
def test_our_own_task_obeys_no_hostile_post(name: str, project: Project) -> None:
    from madang.evaluation.lanes import of_lane

    settings = Settings.load()
    task = of_lane(load_task(REPOSITORY, name), settings, "reader")

    report = attack(task, settings)

    assert report.orders >= 60
    assert (report.obeyed, report.broken, report.changed) == ({}, (), 0)


def test_a_reader_that_obeys_orders_in_words_of_people_is_seen(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "obedient.py").write_text(OBEDIENT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("madang.evaluation.mutations._PHRASES", {"for people": "I would love {value}"})
    folder = project.folder / "assets" / "towns"
    folder.mkdir(parents=True)
    (folder / "samples.jsonl").write_text('{"source": "s", "post_id": "1", "title": "a", "body": "a trip"}\n')
    attributes = declaration(
        name="towns", readers={"obedient": "obedient:read"},
        fields={"city": {"kind": "label", "of": ["rome", "oslo"], "read": "obedient.city"}},
    )  # fmt: skip
    del attributes["models"]

    report = attack(Task.of(attributes, folder), Settings.load())

    assert report.obeyed == {
        "city": tuple(f"for people {carrier}" for carrier in ("after", "before", "title", "comment"))
    }
    assert not report.passed
    assert "4 of 6 orders obeyed" in report.summary
