"""How long our definitions take to load, beside what Dagster takes for folders of the same number without us.

Run: python benchmarks/load_definitions.py [TIMES]. Each load is a process of its own; the median is shown. The target
is at most 1 s above bare `load_from_defs_folder`.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_BARE = """
import json, time
from pathlib import Path
import dagster as dg
began = time.perf_counter()
dg.load_from_defs_folder(path_within_project=Path(PLACE)).get_repository_def()
print(json.dumps(time.perf_counter() - began))
"""
_OURS = """
import json, time
import dagster as dg
began = time.perf_counter()
from orchestration.definitions import defs
defs().get_repository_def()
print(json.dumps(time.perf_counter() - began))
"""
_PROJECT = """
[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "bare_assets"
defs_module = "bare_assets"
"""
_ASSETS = 7  # as many as ours
_ASSET = """
import dagster as dg


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2016-01-01"))
def asset_{number}() -> None: ...
"""


def bare_project(folder: Path) -> None:
    """Writes a project of plain assets."""
    package = folder / "bare_assets"
    package.mkdir()
    (folder / "pyproject.toml").write_text(_PROJECT, encoding="utf-8")
    (package / "__init__.py").touch()
    for number in range(_ASSETS):
        (package / f"asset_{number}.py").write_text(_ASSET.format(number=number), encoding="utf-8")


def seconds(script: str, path: str) -> float:
    """Time that a script says, run in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, {path!r})\n{script}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own scripts
    return float(json.loads(told.splitlines()[-1]))


def main() -> None:
    """Prints both times."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        bare_project(Path(folder))
        script = _BARE.replace("PLACE", repr(folder))
        # In turns, so that a busy moment of the machine falls on both.
        pairs = [(seconds(script, folder), seconds(_OURS, ".")) for _ in range(times)]
    bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"bare {bare:.2f} s, ours {ours:.2f} s, added {ours - bare:.2f} s (median of {times})")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
