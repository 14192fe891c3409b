import pytest
from scenario import make_project, posts

from madang.distillation.extractions import labelled_extractions


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Meet-ups that the scripted model has read, every value with a confidence of 0.9."""
    made = make_project(tmp_path_factory.mktemp("stored") / "project", ("meetups",), logprob=-0.105)
    made.ingest(*posts(4), *[row | {"post_id": f"q{row['post_id']}"} for row in posts(2, "cafe 번개")])
    made.run()
    yield made
    made.close()


def test_rows_of_the_released_recipe_are_labels(project):
    found, recipe = labelled_extractions(project.task(), project.warehouse, 0.0)
    answers = {post.key[1]: post.answers for post in found}

    assert recipe == "meetups@1"
    assert {post.origin for post in found} == {"extraction"}
    assert len(answers) == 6
    assert (answers["p01"]["is_recruiting"], answers["p01"]["topics"]) == (True, frozenset({"running"}))
    assert (answers["qp01"]["is_recruiting"], answers["qp01"]["topics"]) == (False, frozenset({"cafe"}))
    assert "is_open_to_all" not in answers["p01"]


def test_evidence_of_a_row_says_what_its_label_points_at(project):
    found, _ = labelled_extractions(project.task(), project.warehouse, 0.0)
    pointers = {post.key[1]: post.pointers for post in found}

    assert pointers["p01"]["topics"] == frozenset({"running"})
    assert pointers["p01"]["seats"] == frozenset({"1"})


def test_a_value_that_is_not_sure_enough_is_no_label(project):
    sure, unsure = (
        {post.key[1]: post.answers for post in labelled_extractions(project.task(), project.warehouse, least)[0]}
        for least in (0.8, 0.95)
    )

    assert sure["p01"]["seats"] == 1.0
    assert "seats" not in unsure["p01"]


def test_a_task_that_was_never_run_has_no_labels(project):
    other = project.task()
    unknown = type(other)(replace_name(other.declaration), other.folder)

    assert labelled_extractions(unknown, project.warehouse, 0.0) == ([], None)


def replace_name(declaration):
    return declaration.model_copy(update={"name": "never_run"})
