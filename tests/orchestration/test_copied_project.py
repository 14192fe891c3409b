"""A project with wrong folders beside right ones, loaded by a process of its own, as Dagster would load it."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scenario import REPOSITORY, TESTS, make_project, post

_LOAD = """
import json, logging, sys
import dagster as dg
from orchestration.definitions import defs
logging.disable(logging.CRITICAL)
definitions = defs()
repository = definitions.get_repository_def()
nodes = repository.asset_graph
extracted = [key for key in nodes.get_all_asset_keys() if key.path[0] == "attributes"]
told = {
    "assets": sorted(key.to_user_string() for key in nodes.get_all_asset_keys()),
    "jobs": sorted(job.name for job in repository.get_all_jobs() if job.name[0] != "_"),
    "described": {key.path[1]: nodes.get(key).description for key in extracted},
    "failures": {},
}
assets = repository.assets_defs_by_key
for name in sys.argv[1:]:
    asset = assets[dg.AssetKey(["attributes", name])]
    done = dg.materialize([asset], partition_key="2024-11-27", raise_on_error=False)
    failed = done.get_step_failure_events()
    told["failures"][name] = failed[0].event_specific_data.error_display_string if failed else None
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Loaded:
    """A loaded project.

    Args:
        folder: Where it is.
        told: What the loading process said of it.
        rows: Rows of the scaffolded task.
    """

    folder: Path
    told: dict[str, Any]
    rows: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("copied") / "project"
    project = make_project(folder)
    for source in [REPOSITORY / "assets" / "rentals", *(REPOSITORY / "assets").glob("*.py")]:
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / "assets" / source.name)
    for name in ("platform", "resources", "feature_repo"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    environment = project.environment | {"PYTHONPATH": ":".join(map(str, (folder / "platform", folder, TESTS)))}

    def call(*command: str) -> str:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("dg", "scaffold", "defs", "orchestration.ExtractionTask", "scouted")
    shutil.copytree(folder / "assets" / "groups", folder / "assets" / "goods")
    project.edit("goods", lambda attributes: attributes["fields"]["gender"].update(kind="gendre"))
    (folder / "assets" / "places").mkdir()
    (folder / "assets" / "places" / "defs.yaml").write_text("type: orchestration.ExtractionTask\nattributes: [")
    project.ingest(post("p1", "이 근처 세탁소 question"))
    told = json.loads(call(sys.executable, "-c", _LOAD, "goods", "places", "scouted").splitlines()[-1])
    rows = project.rows("SELECT post_id, topic, recipe FROM attributes.scouted")
    project.close()
    return Loaded(folder, told, rows)


def test_wrong_folders_are_one_asset_each_and_spoil_no_other(loaded: Loaded) -> None:
    kinds = ("attributes", "feast", "features", "plans", "students")
    whole = [f"{kind}/{task}" for kind in kinds for task in ("groups", "rentals", "scouted")]
    scored = ["evaluation/groups", "evaluation/rentals"]  # what has gold

    upkeep = [f"maintenance/{step}" for step in ("compaction", "orphans", "snapshots", "statistics")]

    refused = ["attributes/goods", "attributes/places"]
    assert loaded.told["assets"] == sorted([*whole, *scored, *upkeep, *refused, "raw/posts"])
    assert loaded.told["jobs"] == ["groups", "maintenance", "rentals", "scouted", "student_audits"]


def test_a_refused_asset_shows_and_fails_with_file_field_and_remedy(loaded: Loaded) -> None:
    file = loaded.folder / "assets" / "goods" / "defs.yaml"
    wrong = f"{file}: fields.gender: Input tag 'gendre' found using 'kind' does not match any of the expected tags:"

    for text in (loaded.told["described"]["goods"], loaded.told["failures"]["goods"]):
        assert wrong in text
        assert ". Use one of the expected kinds" in text


def test_a_broken_file_is_refused_with_its_line(loaded: Loaded) -> None:
    file = loaded.folder / "assets" / "places" / "defs.yaml"

    for text in (loaded.told["described"]["places"], loaded.told["failures"]["places"]):
        assert f"{file}: not valid YAML" in text
        assert "line 2, column 14" in text


def test_a_scaffolded_task_runs_as_it_is(loaded: Loaded) -> None:
    assert loaded.told["failures"]["scouted"] is None
    assert loaded.rows == [("p1", "question", "scouted@1")]
