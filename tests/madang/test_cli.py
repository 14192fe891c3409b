"""The command line: what each command prints, and with which exit code it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scenario import Project, make_project, post, write_posts

from madang.cli import main


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory):
    """A project of which only the command line is used."""
    made = make_project(tmp_path_factory.mktemp("cli") / "project", ("meetups",))
    yield made
    made.close()


@pytest.fixture
def madang(town: Project):
    """Runs a command in the project."""

    def run(*arguments: str | Path) -> Result:
        environment = {name: value for name, value in town.environment.items() if name.startswith("MADANG_")}
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)
        assert isinstance(result.exception, SystemExit | None), result.exc_info
        return result

    return run


def test_a_plan_of_an_empty_warehouse_is_zeros_and_exits_0(madang) -> None:
    result = madang("plan", "meetups", "--from", "2024-11-27", "--to", "2024-11-28", "--json")

    assert result.exit_code == 0
    nothing = {"low": 0, "expected": 0, "high": 0}
    assert json.loads(result.stdout) == {
        "task": "meetups", "recipe": "new", "from": "2024-11-27", "to": "2024-11-28", "posts": 0, "pending": 0,
        "new": 0, "edited": 0, "unchanged": 0, "quarantined": 0, "recipe_changed": 0, "recipe_change": None,
        "calls": 0, "calls_by_model": {}, "reused": 0, "shared": 0, "blank": 0, "chars": 0, "rendered_share": 1.0,
        "lanes": [], "usd": nothing, "reserved_usd": 0, "minutes": nothing, "leased": [], "migrations": [],
    }  # fmt: skip


def test_a_home_that_cannot_be_written_is_named(town: Project) -> None:
    file = town.folder / "no-folder"
    file.write_text("")
    environment = {**town.environment, "MADANG_HOME": str(file)}

    result = CliRunner().invoke(main, ["plan", "meetups"], env=environment)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"madang: {file}")
    assert "it cannot be used (Not a directory)" in result.stderr
    assert "MADANG_HOME" in result.stderr


def test_from_a_file_to_rows_by_commands(madang, town: Project) -> None:
    file = write_posts(town.folder / "town.jsonl", [post("p1", "running 4명"), post("p2", "cafe"), post("p3", "fault")])
    ingested = madang("ingest", file)
    planned = madang("plan", "meetups", "--json")
    ran = madang("run", "meetups", "--limit", "2")
    counted = madang("sql", "SELECT post_id, topics FROM attributes.meetups__live ORDER BY 1", "--json")

    assert ingested.stdout == "3 of 3 posts landed, 0 unchanged, days 2024-11-27 to 2024-11-27\n"
    assert {name: json.loads(planned.stdout)[name] for name in ("posts", "pending", "new", "calls")} == {
        "posts": 3, "pending": 3, "new": 3, "calls": 3,
    }  # fmt: skip
    assert ran.exit_code == 0
    assert "meetups@1: 2 extracted, 0 quarantined, 1 pending; 2 requests sent, 0 reused" in ran.stdout
    assert "limited to 2 of 3 pending posts" in ran.stdout
    assert [json.loads(line) for line in counted.stdout.splitlines()] == [
        {"post_id": "p1", "topics": ["running"]}, {"post_id": "p2", "topics": ["cafe"]},
    ]  # fmt: skip

    town.set_model(fault="transient")
    failed, checked = madang("run", "meetups"), madang("check")
    town.set_model()

    assert failed.exit_code == 2
    assert "1 calls failed transiently and stay pending. Run again" in failed.stderr
    assert checked.exit_code == 0
    assert checked.stdout.splitlines()[:2] == [
        "ok      meetups: declaration",
        "ok      meetups: completeness: 3 planned = 2 extracted + 0 quarantined + 1 pending",
    ]


REFUSED = {
    ("ingest", "none.jsonl"): (2, "madang: none.jsonl: there is no such file. Give the path of a"),
    ("ingest", "none.jsonl", "--map", "body"): (2, "madang: --map: 'body' is not OURS=THEIRS. Write, for example,"),
    ("ingest", "none.jsonl", "--map", "text=body"): (2, "madang: --map: unknown column 'text'. Map one of source,"),
    ("ingest", "none.jsonl", "--timezone", "Seoul"): (2, "madang: --timezone: no time zone is called 'Seoul'"),
    ("run", "grups"): (2, "there is no task 'grups' (there are: meetups). Correct the name"),
    ("run", "meetups", "--from", "2024-13-01"): (2, "madang: --from: '2024-13-01' is not a day. Write YYYY-MM-DD"),
    ("run", "meetups", "--from", "2024-12-01", "--to", "2024-11-01"): (
        2,
        "madang: --from: 2024-12-01 is after --to 2024-11-01",
    ),
    ("run", "meetups", "--to", "2016-01-02"): (3, "no post of these days matches the task's `where`. Ingest posts, or"),
    ("sql", "SELECT nothing FROM nowhere"): (2, "madang: query: Catalog Error"),
    ("sql", "DELETE FROM raw.posts"): (2, "madang: query: Invalid Input Error: Cannot execute statement of type"),
    ("release", "meetups@9"): (2, "madang: meetups@9: no run has used this recipe"),
    ("release", "meetups"): (2, "madang: meetups: no run has used this recipe"),
    ("rollback", "shops"): (2, "madang: shops: it was never released. Run the task first"),
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_a_command_refuses_in_one_line_with_its_exit_code(madang, arguments: tuple[str, ...]) -> None:
    code, message = REFUSED[arguments]
    result = madang(*arguments)

    assert result.exit_code == code
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_broken_line_is_refused_and_nothing_lands(madang, town: Project) -> None:
    file = town.folder / "broken.jsonl"
    file.write_text(json.dumps(post("new")) + "\n{\n")
    refused = madang("ingest", file)
    [landed] = [
        json.loads(line)
        for line in madang(
            "sql", "SELECT count(*) AS n FROM raw.posts WHERE post_id = 'new'", "--json"
        ).stdout.splitlines()
    ]

    assert refused.exit_code == 2
    assert f"{file}:2: the line is not JSON" in refused.stderr
    assert landed == {"n": 0}


def test_a_wrong_declaration_fails_the_check_and_spoils_no_other_task(madang, town: Project) -> None:
    broken = town.folder / "assets" / "broken"
    broken.mkdir()
    (broken / "defs.yaml").write_text("attributes: {name: broken}")
    checked, ran = madang("check"), madang("plan", "meetups", "--json")
    (broken / "defs.yaml").unlink()
    broken.rmdir()

    assert checked.exit_code == 1
    assert f"FAILED  {broken}/defs.yaml: entity: Field required. Add it" in checked.stdout
    assert "ok      meetups: declaration" in checked.stdout
    assert ran.exit_code == 0
