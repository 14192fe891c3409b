"""A declaration that changed its columns: `madang plan` says what the next run does to the tables; the run does it."""

from pathlib import Path

from scenario import ALL_DAYS, make_project, post

from madang.extraction.dry_run import dry_run


def test_a_field_that_gets_fractions_is_told_in_the_plan_and_widened_by_the_run(tmp_path: Path) -> None:
    """Bathrooms of rentals were integers: a home from before refused to run."""
    project = make_project(tmp_path / "project", ("meetups",))
    task = "meetups"
    project.ingest(post("p1", "running 모집 4명"))
    project.run(task)
    before = dry_run(project.warehouse, project.settings, project.task(task), ALL_DAYS).migrations
    project.edit(task, lambda attributes: attributes["fields"]["seats"].update(integer=False))
    told = dry_run(project.warehouse, project.settings, project.task(task), ALL_DAYS).migrations
    project.run(task)
    after = dry_run(project.warehouse, project.settings, project.task(task), ALL_DAYS).migrations
    kinds = project.warehouse.read("SELECT seats FROM attributes.meetups").dtypes
    rows = project.warehouse.read("SELECT seats FROM attributes.meetups__live").height
    project.close()

    assert before == after == ()
    assert told == tuple(
        f"{name}.meetups: column seats is widened to hold fractions, its values are kept"
        for name in ("attributes", "features")
    )
    assert (str(kinds[0]), rows) == ("Float64", 1)
