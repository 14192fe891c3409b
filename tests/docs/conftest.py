"""The sample posts of all shipped tasks, extracted by their readers: what the pages' queries run on."""

import shutil
from collections.abc import Iterator

import pytest
from scenario import REPOSITORY, Project, make_project

from madang.posts.landing import land
from madang.posts.reading import ColumnMap, read_posts

TASKS = ("goods", "groups", "places", "rentals")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with the four tasks, whose model is never asked; only to be read."""
    made = make_project(tmp_path_factory.mktemp("town") / "project", ("meetups",))
    shutil.rmtree(made.folder / "assets" / "meetups")
    for task in TASKS:
        shutil.copytree(REPOSITORY / "assets" / task, made.folder / "assets" / task)
    # The one field that no reader decides.
    made.edit("groups", lambda declared: (declared["fields"].pop("meets_at"), declared.pop("models")))
    files = [made.folder / "assets" / task / "samples.jsonl" for task in TASKS]
    land(made.warehouse, made.settings, [read_posts(file, ColumnMap()) for file in files])
    for task in TASKS:
        made.run(task)
    assert made.sent() == []
    yield made
    made.close()
