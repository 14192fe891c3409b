"""A project of its own for the benchmark: the tests' task `groups` with another model, and synthetic posts."""

import hashlib
import json
import random
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from madang.extraction.prepared import Preparation
from madang.models.catalogue import Catalogue
from madang.posts.table import RAW_POSTS, chars_sql, content_hash_sql
from madang.settings import Settings
from madang.task import Task, load_task
from madang.warehouse import Change, open_warehouse

REPOSITORY = Path(__file__).resolve().parents[1]
# Every field of the tests' task is asked: readers decide most of the shipped one.
TASK = REPOSITORY / "tests" / "tasks" / "groups"
FIRST_DAY = date(2026, 10, 1)
DAYS = 30
_WORDS = (
    "주말마다",
    "한강에서",
    "같이",
    "구해요",
    "running",
    "hiking",
    "tennis",
    "초보",
    "환영",
    "20대",
    "30대",
    "매주",
    "카페에서",
    "독서",
    "모임",
    "퇴근",
    "강아지",
    "산책",
    "함께해요",
    "동네",
    "친구",
    "영어",
    "회화",
    "보드게임",
    "누구나",
)


def make_project(folder: Path, model: dict[str, Any]) -> Settings:
    """Writes a project whose one task is `groups`, asked of a model; its state lies in it."""
    shutil.rmtree(folder, ignore_errors=True)
    task = folder / "assets" / "groups"
    shutil.copytree(TASK, task, ignore=shutil.ignore_patterns("__pycache__"))
    use_bench_model(folder)
    lines = ["[tool.madang]", "[tool.madang.models.bench]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in model.items() if not isinstance(value, dict)]
    (folder / "pyproject.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Settings(project=folder, home=folder / ".madang", models={"bench": model})


def use_bench_model(folder: Path) -> None:
    """Has a project's copy of the task ask the model `bench`."""
    file = folder / "assets" / "groups" / "defs.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("use: local", "use: bench"), encoding="utf-8")


def make_posts(count: int) -> pl.DataFrame:
    """Posts of 30 days, each with a text of its own of about 150 characters."""
    drawn = random.Random(0)  # noqa: S311 - synthetic text
    now = datetime(2026, 11, 1, tzinfo=UTC)
    rows = []
    for number in range(count):
        title = " ".join(drawn.choices(_WORDS, k=4))
        body = " ".join(drawn.choices(_WORDS, k=25)) + f" {number}번째 글"
        day = FIRST_DAY + timedelta(days=number * DAYS // count)
        rows.append({
            "source": "bench", "post_id": f"{number:09}", "revision": 1, "board": "groups", "title": title,
            "body": body, "images": [], "extra": "{}", "title_hash": sha256_of(title), "body_hash": sha256_of(body),
            "text_hash": sha256_of(sha256_of(title) + sha256_of(body)),
            "title_chars": len(title), "body_chars": len(body),
            "event_at": datetime(day.year, day.month, day.day, 3, tzinfo=UTC), "ingested_at": now, "day": day,
            "deleted": False, "landed_from": "bench", "landed_position": number + 1,
        })  # fmt: skip
    return pl.DataFrame(rows, schema=RAW_POSTS.polars_schema)


def land_posts(settings: Settings, posts: pl.DataFrame) -> Task:
    """Puts posts into the project's warehouse."""
    warehouse = open_warehouse(settings)
    warehouse.ensure([RAW_POSTS])
    warehouse.commit([Change(RAW_POSTS, posts)])
    warehouse.close()
    return load_task(settings.project, "groups")


def write_requests(settings: Settings, task: Task, file: Path) -> None:
    """Writes the requests that madang will send for the posts, in its order, for the others to send."""
    warehouse = open_warehouse(settings)
    rows = warehouse.read(
        f"SELECT *, {chars_sql(task.text_columns)} AS chars, {content_hash_sql(task.text_columns)} AS content_hash "
        "FROM raw.posts ORDER BY day, source, post_id"
    )
    warehouse.close()
    preparation = Preparation(None, task, Catalogue(settings))
    with file.open("w", encoding="utf-8") as out:
        for number, row in enumerate(rows.iter_rows(named=True)):
            request = preparation.of(row).request
            assert request is not None
            if number == 0:
                shared = {"model": "gpt-4o-mini", "max_tokens": request.max_tokens, "schema": request.schema}
                out.write(json.dumps(shared, ensure_ascii=False) + "\n")
            messages = [{"role": turn.role, "content": turn.content} for turn in request.messages]
            out.write(json.dumps({"id": request.hash, "messages": messages}, ensure_ascii=False) + "\n")


def sha256_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
