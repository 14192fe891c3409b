"""Feast's own command in our repository folder."""

import subprocess
from pathlib import Path

from scenario import REPOSITORY, Project

from madang.task import find_tasks


def feast_apply(project: Project) -> str:
    done = subprocess.run(
        ["feast", "apply"], cwd=REPOSITORY / "feature_repo", capture_output=True, text=True, timeout=120,
        env=project.environment | {"MADANG_PROJECT": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}, check=True,
    )  # fmt: skip
    return done.stdout


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_feast_apply_takes_our_repository_and_then_has_nothing_to_do(project: Project) -> None:
    before = files(REPOSITORY / "feature_repo")

    first = feast_apply(project).splitlines()
    second = feast_apply(project).splitlines()

    names = sorted(folder.name for folder in find_tasks(REPOSITORY))
    assert sorted(line for line in first if line.startswith("Created feature")) == [
        *(f"Created feature service {name}_service" for name in names),
        *(f"Created feature view {name}" for name in names),
    ]
    assert second[-2:] == ["No changes to registry", "No changes to infrastructure"]
    assert files(REPOSITORY / "feature_repo") == before
