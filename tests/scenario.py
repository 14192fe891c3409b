"""The posts that tests share, and a project around them: real tasks, a real warehouse, the one scripted model."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from madang.extraction.run import RunReport, run_task
from madang.posts.landing import Landed, land
from madang.posts.reading import ColumnMap, read_posts
from madang.schema.types import Table
from madang.settings import Settings
from madang.task import Task, load_task
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.protocol import Change

REPOSITORY = Path(__file__).resolve().parents[1]
TESTS = Path(__file__).resolve().parent
TASKS = TESTS / "tasks"

# Two years back, so that no clock on which tests run takes them for future posts.
DAY = date(2024, 11, 27)
NEXT_DAY = date(2024, 11, 28)
EVENT_AT = "2024-11-27T09:00:00+09:00"
ALL_DAYS = (date(2016, 1, 1), date(2100, 1, 1))

# A task of the tests' own: the shipped ones are tuned against gold, and their tests must not break with it.
MEETUPS: dict[str, Any] = {
    "name": "meetups",
    "entity": "meetup",
    "source": {
        "kind": "table",
        "table": "raw.posts",
        "where": "board in ('groups', '취미', '운동')",
        "text": ["title", "body"],
    },
    "fields": {
        "is_recruiting": {"kind": "flag", "default": False, "cues": ["모집"]},
        "topics": {"kind": "labels", "of": ["running", "hiking", "cafe", "golf", "travel"], "max": 3},
        "gender": {"kind": "label", "of": ["female", "male", "mixed", "unspecified"], "default": "unspecified"},
        "seats": {"kind": "number", "integer": True, "min": 1, "max": 100},
        "is_open_to_all": {"kind": "flag", "derive": "gender in ['mixed', 'unspecified']"},
    },
    "models": [{"use": "local", "max_tokens": 96}],
}


def post(post_id: str = "p1", body: str = "running 모집", **columns: object) -> dict[str, object]:
    """A post that the tasks `groups` and `meetups` take; `columns` replace or add some of it."""
    plain: dict[str, object] = {
        "source": "town", "post_id": post_id, "board": "groups", "title": "", "body": body, "event_at": EVENT_AT,
    }  # fmt: skip
    return plain | columns


def posts(count: int, body: str = "running 모집") -> list[dict[str, object]]:
    """Posts p01, p02 …, each of a text of its own."""
    return [post(f"p{number:02}", f"{body} {number}번") for number in range(1, count + 1)]


def write_posts(file: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Writes posts as JSON lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def declaration(**changes: object) -> dict[str, Any]:
    """The `attributes` of a small valid task with a field of each kind; `changes` replace its keys."""
    return {
        "name": "flats",
        "entity": "flat",
        "source": {"kind": "table", "table": "raw.posts", "where": "board = 'flats'", "text": ["title", "body"]},
        "fields": {
            "deal": {"kind": "label", "of": ["monthly", "sale"], "describe": "how it is offered"},
            "options": {"kind": "labels", "of": ["bed", "desk", "tv"], "max": 2},
            "is_open": {"kind": "flag"},
            "rent": {"kind": "money", "bare_unit": "manwon"},
            "rooms": {"kind": "number", "integer": True, "min": 1, "max": 9},
            "note": {"kind": "text", "max_chars": 20},
        },
        "models": [{"use": "local", "max_tokens": 64}],
    } | changes


def write_task(folder: Path, attributes: Mapping[str, Any], prompt: str = "Read the post.", **files: str) -> Path:
    """Writes a task folder; `files` are more files beside defs.yaml, by stem: `examples` is examples.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"type": "orchestration.ExtractionTask", "attributes": dict(attributes)}
    (folder / "defs.yaml").write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (folder / "prompt.md").write_text(prompt, encoding="utf-8")
    for stem, text in files.items():
        (folder / f"{stem}.jsonl").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own, whose model `local` is the scripted one.

    Args:
        folder: The folder.
        main: The task that is meant where none is named.
    """

    folder: Path
    main: str = "groups"

    @property
    def home(self) -> Path:
        """Folder of the state."""
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a process that works in this project."""
        return {
            **os.environ,
            "MADANG_PROJECT": str(self.folder),
            "MADANG_HOME": str(self.home),
            "MADANG_CONFIG": str(self.folder / "madang.toml"),
            "PYTHONPATH": str(TESTS),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    @property
    def settings(self) -> Settings:
        """Its settings, read anew."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
                patch.setenv(name, self.environment[name])
            patch.delenv("MADANG_LOCAL_MODEL", raising=False)
            return Settings.load()

    @cached_property
    def warehouse(self) -> DuckLakeWarehouse:
        """Its warehouse, opened once."""
        return open_quickly(self.home / "warehouse")

    def task(self, name: str | None = None) -> Task:
        """A task, as its folder declares it now."""
        return load_task(self.folder, name or self.main)

    def ingest(self, *rows: Mapping[str, object]) -> Landed:
        """Lands posts, as `madang ingest` of one file does."""
        file = write_posts(self.folder / "inbox" / "posts.jsonl", rows)
        return land(self.warehouse, self.settings, [read_posts(file, ColumnMap())])

    def run(self, task: str | None = None, **options: Any) -> RunReport:
        """Runs a task over all days, as `madang run` does."""
        return run_task(self.task(task), self.settings, self.warehouse, ALL_DAYS, **options)

    def sent(self) -> list[str]:
        """Hashes of the requests that the model has received, in order."""
        log = self.folder / "requests.log"
        return log.read_text().splitlines() if log.exists() else []

    def edit(self, task: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Changes the `attributes` of a task's defs.yaml."""
        file = self.folder / "assets" / task / "defs.yaml"
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        change(document["attributes"])
        file.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")

    def set_model(self, *, policy: Mapping[str, float] | None = None, **options: str | float) -> None:
        """Rewrites the settings with other options of the models `local` and `larger`: see `fakes.ScriptedModel`."""
        _write_settings(self.folder, options, policy)

    def close(self) -> None:
        """Closes the warehouse, if it was opened."""
        if "warehouse" in vars(self):
            self.warehouse.close()

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.warehouse.read(sql, list(parameters)).rows()

    def take_away(self, table: Table, where: str) -> int:
        """Deletes rows behind madang's back."""
        doomed = self.warehouse.read(f"SELECT * FROM {table.name} WHERE {where}").cast(dict(table.polars_schema))
        return self.warehouse.commit([Change(table, doomed, "delete")])


def open_quickly(folder: Path, *, read_only: bool = False) -> DuckLakeWarehouse:
    """Opens a warehouse that works in one thread: on a handful of rows, waking others takes half of the time."""
    warehouse = DuckLakeWarehouse(folder, read_only=read_only)
    warehouse.read("SET threads = 1")
    return warehouse


def make_project(folder: Path, tasks: Sequence[str] = ("groups",), **options: str | float) -> Project:
    """Makes a project with the tests' own tasks, which a model decides; the options are the scripted model's."""
    (folder / "assets").mkdir(parents=True)
    for task in tasks:
        if task == "meetups":
            write_task(folder / "assets" / task, MEETUPS)
        else:
            shutil.copytree(TASKS / task, folder / "assets" / task)
    _write_settings(folder, options)
    return Project(folder, tasks[0])


def _write_settings(
    folder: Path, options: Mapping[str, str | float], policy: Mapping[str, float] | None = None
) -> None:
    """Models `local` and `larger` with the options, and one for each fault; failed calls are tried once by default."""
    log = str(folder / "requests.log")
    models = {name: {"log": log, **options} for name in ("local", "larger")}
    models |= {fault: {"log": log, "fault": fault} for fault in ("garbage", "truncated", "permanent", "transient")}
    lines = ["[tool.madang]", 'timezone = "Asia/Seoul"', 'first_day = "2016-01-01"', "[tool.madang.policy]"]
    lines += ["tries = 1"] if policy is None else [f"{name} = {value}" for name, value in policy.items()]
    for name, own in models.items():
        lines += [
            f"[tool.madang.models.{name}]", 'lane = "online"', 'factory = "fakes:ScriptedModel"',
            f'identity = "scripted-{name}"', "concurrency = 4", f"[tool.madang.models.{name}.options]",
        ]  # fmt: skip
        lines += [f"{key} = {json.dumps(value)}" for key, value in own.items()]
    (folder / "madang.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def frame(table: Table, *rows: Mapping[str, object]) -> pl.DataFrame:
    """Rows of a table; a column that is not given is null."""
    return pl.DataFrame([dict(row) for row in rows], schema=table.polars_schema)
