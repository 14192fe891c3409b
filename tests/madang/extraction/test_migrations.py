"""A declaration that changed its fields: `madang plan` says what the next run does to rows; the run does it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenario import ALL_DAYS, Project, make_project, post

from madang.errors import DeclarationError, WarehouseError
from madang.extraction.dry_run import DryRun, dry_run
from madang.features import publish

Fields = dict[str, Any]


@pytest.fixture
def town(tmp_path: Path) -> Project:
    """Two posts of meetups, each with its row of meetups@1; requests are logged from here on."""
    project = make_project(tmp_path / "project", ("meetups",))
    project.ingest(post("p1", "running 모집 4명 female"), post("p2", "golf 3명 male"))
    project.run()
    (project.folder / "requests.log").unlink()
    return project


def declare(project: Project, change: Callable[[Fields], object]) -> None:
    """Changes the fields of the declaration."""
    project.edit("meetups", lambda attributes: change(attributes["fields"]))


def rename(project: Project, *names: str, **more: object) -> None:
    """Renames a field, the last of the names the new one, in its place of the declaration."""

    def to_new(fields: Fields) -> None:
        renamed = {
            (names[-1] if name in names else name): (
                options | more | {"renamed_from": list(names[:-1])} if name in names else options
            )
            for name, options in fields.items()
        }
        fields.clear()
        fields.update(renamed)
        if "is_open_to_all" in fields and "gender" in names:
            fields["is_open_to_all"]["derive"] = f"{names[-1]} in ['mixed', 'unspecified']"

    declare(project, to_new)


def planned(project: Project) -> DryRun:
    return dry_run(project.warehouse, project.settings, project.task(), ALL_DAYS)


def told(project: Project) -> list[tuple[str, str, str, int, int]]:
    """Migrations of the plan: change, field, before, rows, posts asked again."""
    return [(one.change, one.field, one.before, one.rows, one.asked_again) for one in planned(project).migrations]


def refused(project: Project) -> str:
    """The message with which both plan and run refuse a declaration, and write nothing."""
    snapshot = project.warehouse.snapshot
    with pytest.raises((DeclarationError, WarehouseError)) as planning:
        planned(project)
    with pytest.raises((DeclarationError, WarehouseError)) as running:
        project.run()
    assert str(planning.value) == str(running.value)
    assert project.warehouse.snapshot == snapshot
    return str(planning.value).rpartition("/")[2]


def test_a_field_that_gets_fractions_is_told_in_the_plan_and_widened_by_the_run(town: Project) -> None:
    """Bathrooms of rentals were integers: a home from before refused to run."""
    before = planned(town).migrations
    declare(town, lambda fields: fields["seats"].update(integer=False))
    during = told(town)
    town.run()

    assert before == planned(town).migrations == ()
    assert during == [("widened", "seats", "", 2, 2)]
    assert str(town.warehouse.read("SELECT seats FROM attributes.meetups").dtypes[0]) == "Float64"
    assert town.rows("SELECT seats FROM attributes.meetups__live ORDER BY seats") == [(3.0,), (4.0,)]


def test_a_new_field_is_told_with_the_rows_that_lack_it(town: Project) -> None:
    declare(town, lambda fields: fields.update(note={"kind": "text"}))
    line = planned(town).migrations[0].line
    town.run()

    assert line == (
        "note is added; 2 rows of 2 posts have null in it; 2 posts are asked again (attributes.meetups.note, "
        "features.meetups.note)"
    )
    assert town.rows("SELECT recipe, count(note) FROM attributes.meetups GROUP BY recipe ORDER BY recipe") == [
        ("meetups@1", 0), ("meetups@2", 2),
    ]  # fmt: skip


def test_a_renamed_field_keeps_its_rows_and_asks_no_post(town: Project) -> None:
    publish(town.warehouse, town.settings, town.task(), ALL_DAYS)
    known = town.rows("SELECT post_id, gender, extracted_at FROM attributes.meetups__live ORDER BY post_id")
    rename(town, "gender", "audience")
    plan = planned(town)
    report = town.run()
    publish(town.warehouse, town.settings, town.task(), ALL_DAYS)

    assert [one.to_json() | {"columns": []} for one in plan.migrations] == [{
        "change": "renamed", "field": "audience", "before": "gender", "columns": [], "rows": 2, "posts": 2,
        "asked_again": 0, "views": [], "text": plan.migrations[0].line,
    }]  # fmt: skip
    assert plan.plan.counts == {"unchanged": 2}
    assert (report.recipe, town.sent(), planned(town).migrations) == ("meetups@1", [], ())
    assert town.rows("SELECT post_id, audience, extracted_at FROM attributes.meetups__live ORDER BY post_id") == known
    features = town.rows("SELECT audience, audience__confidence IS NULL FROM features.meetups ORDER BY 1")
    assert features == [("female", True), ("male", True)]


def test_a_post_that_comes_after_a_rename_is_asked_by_the_old_name_and_stored_under_the_new(town: Project) -> None:
    rename(town, "gender", "audience")
    town.ingest(post("p3", "hiking 모집 mixed"))
    town.run()

    assert len(town.sent()) == 1
    assert town.rows("SELECT recipe, audience, is_open_to_all FROM attributes.meetups WHERE post_id = 'p3'") == [
        ("meetups@1", "mixed", True)
    ]


def test_the_reasons_of_rows_name_a_renamed_field_as_it_is_called_now(town: Project) -> None:
    town.ingest(post("p3", "hiking 모집 900명"))
    town.run()
    rename(town, "seats", "places_left")
    town.run()

    assert town.rows("SELECT post_id, dropped FROM attributes.meetups WHERE len(dropped) > 0") == [
        ("p3", [{"field": "places_left", "reason": "out_of_range"}])
    ]


def test_what_was_known_then_is_still_read_after_a_rename(town: Project) -> None:
    """DuckLake's own snapshots keep the old name; rows answer by `extracted_at` under the new one."""
    snapshot = town.warehouse.snapshot
    rename(town, "gender", "audience")
    town.run()

    at = town.rows(f"SELECT gender FROM attributes.meetups AT (VERSION => {snapshot}) ORDER BY gender")
    then = town.rows("SELECT audience FROM attributes.meetups WHERE extracted_at <= now() ORDER BY audience")
    assert at == then == [("female",), ("male",)]


def test_a_field_renamed_twice_finds_its_column_under_either_name(town: Project) -> None:
    rename(town, "gender", "audience")
    town.run()
    declare(town, lambda fields: fields["audience"].pop("renamed_from"))
    rename(town, "gender", "audience", "crowd")
    twice = told(town)
    town.run()
    back = town.rows("SELECT crowd FROM attributes.meetups__live ORDER BY crowd")

    assert twice == [("renamed", "crowd", "audience", 2, 0)]
    assert (town.sent(), back) == ([], [("female",), ("male",)])


def test_a_rename_taken_back_without_saying_so_is_refused(town: Project) -> None:
    """The old name came back as a new column: every post showed null in it, and none was asked."""
    rename(town, "gender", "audience")
    town.run()
    declare(town, lambda fields: fields["audience"].pop("renamed_from"))
    rename(town, "audience", "gender")
    declare(town, lambda fields: fields["gender"].pop("renamed_from"))
    declare(town, lambda fields: fields["is_open_to_all"].update(derive="gender == 'mixed'"))
    message = refused(town)
    declare(town, lambda fields: fields["gender"].update(renamed_from=["gender", "audience"]))
    declare(town, lambda fields: fields["is_open_to_all"].update(derive="gender in ['mixed', 'unspecified']"))
    town.run()

    assert message == (
        "defs.yaml: fields.gender: meetups@1 read it, and attributes.meetups has no column of that name any more; it "
        "was renamed since. If it is the same field, write `renamed_from: [gender, ITS_LATER_NAME]`; else give it a "
        "name that no field had"
    )
    assert town.rows("SELECT gender FROM attributes.meetups__live ORDER BY gender") == [("female",), ("male",)]
    assert town.sent() == []


def test_once_the_earlier_name_is_left_out_the_model_is_asked_by_the_present_one(town: Project) -> None:
    rename(town, "gender", "audience")
    town.run()
    declare(town, lambda fields: fields["audience"].pop("renamed_from"))
    plan = planned(town)
    town.run()

    assert (plan.migrations, plan.plan.counts) == ((), {"recipe": 2})
    assert len(town.sent()) == 2
    assert town.rows("SELECT count(audience) FROM attributes.meetups") == [(4,)]


def test_a_label_that_is_gone_is_told_with_the_rows_that_hold_it_and_they_stay(town: Project) -> None:
    declare(town, lambda fields: fields["topics"].update(of=["running", "hiking", "tennis"]))
    declare(town, lambda fields: fields["gender"].update(of=["female", "mixed", "unspecified"]))
    labels = told(town)
    town.run()

    assert labels == [
        ("label_removed", "topics", "cafe", 0, 2), ("label_removed", "topics", "golf", 1, 2),
        ("label_removed", "topics", "travel", 0, 2), ("label_added", "topics", "tennis", 0, 2),
        ("label_removed", "gender", "male", 1, 2),
    ]  # fmt: skip
    assert planned(town).migrations == ()
    assert town.rows("SELECT recipe, topics FROM attributes.meetups WHERE post_id = 'p2' ORDER BY recipe") == [
        ("meetups@1", ["golf"]), ("meetups@2", []),
    ]  # fmt: skip


def test_a_dropped_field_keeps_its_values_and_leaves_the_live_view(town: Project) -> None:
    declare(town, lambda fields: fields.pop("seats"))
    dropped = told(town)
    town.run()

    assert dropped == [("dropped", "seats", "", 2, 2)]
    assert town.rows("SELECT seats FROM attributes.meetups WHERE recipe = 'meetups@1' ORDER BY seats") == [(3,), (4,)]
    assert "seats" not in town.warehouse.read("SELECT * FROM attributes.meetups__live").columns


def test_a_field_that_was_renamed_and_is_dropped_later_is_told_by_its_later_name(town: Project) -> None:
    rename(town, "seats", "places_left")
    town.run()
    declare(town, lambda fields: fields.pop("places_left"))

    assert told(town) == [("dropped", "places_left", "", 2, 2)]


def test_a_label_that_becomes_a_text_is_widened(town: Project) -> None:
    declare(town, lambda fields: fields.update(gender={"kind": "text"}))
    declare(town, lambda fields: fields["is_open_to_all"].update(derive="gender == 'mixed'"))

    assert told(town) == [("widened", "gender", "", 2, 2)]


@pytest.mark.parametrize(
    ("field", "options", "culprit"),
    [
        ("seats", {"kind": "label", "of": ["few", "many"]}, "it is of kind label, and was of kind number"),
        ("topics", {"kind": "label", "of": ["running", "golf"]}, "it is of kind label, and was of kind labels"),
        ("is_recruiting", {"kind": "number"}, "it is of kind number, and was of kind flag"),
    ],
)
def test_a_field_of_another_kind_is_refused_before_anything_is_written(
    town: Project, field: str, options: Fields, culprit: str
) -> None:
    declare(town, lambda fields: fields.update({field: options}))

    assert refused(town) == (
        f"defs.yaml: fields.{field}: {culprit} in meetups@1, whose rows are kept. Give the field another name: its "
        "old column keeps the old values"
    )


def test_going_back_to_a_recipe_that_was_used_is_never_refused(town: Project) -> None:
    """What was widened from label to text could not be taken back."""
    declare(town, lambda fields: fields.update(is_open_to_all={"kind": "flag", "derive": "seats > 3"}))
    label = town.task().declaration.model_dump(mode="json", exclude_unset=True)["fields"]["gender"]
    declare(town, lambda fields: fields.update(gender={"kind": "text"}))
    town.run()
    declare(town, lambda fields: fields.update(gender=label))
    message = refused(town)
    declare(town, lambda fields: fields.update(
        is_open_to_all={"kind": "flag", "derive": "gender in ['mixed', 'unspecified']"}))  # fmt: skip

    assert "it is of kind label, and was of kind text in meetups@2" in message
    assert planned(town).plan.counts == {"unchanged": 2}


def test_a_unit_that_changes_is_refused(town: Project) -> None:
    declare(town, lambda fields: fields["seats"].update(unit="people"))
    town.run()
    declare(town, lambda fields: fields["seats"].update(unit="pairs"))

    assert "fields.seats: it is in pairs, and was in people in meetups@2" in refused(town)


def test_a_rename_onto_a_column_that_is_there_is_refused(town: Project) -> None:
    declare(town, lambda fields: fields.update(crowd={"kind": "label", "of": ["few", "many"]}))
    town.run()
    declare(town, lambda fields: fields.pop("crowd"))
    rename(town, "gender", "crowd")

    assert refused(town) == (
        "attributes.meetups: 'crowd' is there already, and 'gender', of which 'crowd' is the new name, holds values. "
        "Give the field a name that none had; or leave `renamed_from` out, and the old values stay where they are"
    )


def test_an_empty_column_that_an_older_process_made_again_is_no_rival(town: Project) -> None:
    """A daemon with the declaration from before the rename made the old column anew, and no run went on."""
    older = town.task().table
    rename(town, "gender", "audience")
    town.run()
    town.warehouse.ensure([older])

    assert planned(town).migrations == ()
    assert town.rows("SELECT audience, gender FROM attributes.meetups ORDER BY 1") == [("female", None), ("male", None)]


def test_renamed_mentions_take_their_table_and_its_small_fields_along(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", ("meetups",))
    small = {"is_review": {"kind": "flag"}, "stars": {"kind": "number", "integer": True}}
    spots = {"kind": "mentions", "of": small, "keep": "is_review"}
    project.edit("meetups", lambda attributes: attributes.update(fields={"spots": spots}))
    project.ingest(post("p1", "#Park #Hall 모집 5"))
    project.run()
    known = project.rows("SELECT text, is_review FROM attributes.meetups__spots__live ORDER BY ordinal")
    renamed = {"is_judged": {"kind": "flag", "renamed_from": "is_review"}, "stars": {"kind": "number"}}
    places = {"kind": "mentions", "of": renamed, "keep": "is_judged", "renamed_from": "spots"}
    project.edit("meetups", lambda attributes: attributes.update(fields={"places": places}))
    migrations = told(project)
    project.run()

    assert migrations == [
        ("renamed", "places", "spots", 1, 0), ("renamed", "places.is_judged", "is_review", 2, 0),
        ("widened", "places.stars", "", 2, 1),
    ]  # fmt: skip
    both = project.rows("SELECT text, is_judged, recipe FROM attributes.meetups__places ORDER BY recipe, ordinal")
    assert both == [(*row, f"meetups@{number}") for number in (1, 2) for row in known]
    assert project.rows("SELECT text, is_judged FROM attributes.meetups__places__live ORDER BY ordinal") == known
    assert [project.warehouse.has(f"attributes.meetups__spots{end}") for end in ("", "__live")] == [False, False]

    back = spots | {
        "renamed_from": ["spots", "places"],
        "of": {
            "is_review": small["is_review"] | {"renamed_from": ["is_review", "is_judged"]},
            "stars": {"kind": "number"},
        },
    }
    project.edit("meetups", lambda attributes: attributes.update(fields={"spots": back}))
    for _ in range(2):
        publish(project.warehouse, project.settings, project.task(), ALL_DAYS)
    assert project.rows("SELECT text, is_review FROM attributes.meetups__spots__live ORDER BY ordinal") == known


def test_a_view_that_reads_what_was_renamed_is_told_and_refused_until_corrected(town: Project) -> None:
    """It stayed as it was, and failed for whoever read it next."""
    file = town.folder / "assets" / "meetups" / "views" / "crowds.sql"
    file.parent.mkdir()
    sql = "-- A crowd\nSELECT gender, count(*) AS posts FROM attributes.meetups__live GROUP BY gender\n"
    file.write_text(sql, encoding="utf-8")
    town.ingest(post("p3", "hiking female"))
    town.run()
    rename(town, "gender", "audience")
    line = planned(town).migrations[0].line
    messages = []
    for _ in range(2):
        with pytest.raises(DeclarationError, match=r"crowds.sql: .*gender.* Correct the SQL") as error:
            town.run()
        messages.append(str(error.value))
    file.write_text(sql.replace("gender", "audience"), encoding="utf-8")
    town.run()

    assert "; correct what reads it first: analytics.crowds (" in line
    assert messages[0] == messages[1]
    assert town.rows("SELECT * FROM analytics.crowds ORDER BY 1") == [("female", 2), ("male", 1)]
