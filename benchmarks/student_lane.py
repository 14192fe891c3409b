"""The student lane end to end: posts made up, a small linear student taught, every post read, classified and merged.

Run: python benchmarks/student_lane.py --posts 100000. Printed as Markdown: posts a second from the plan to the last
merged row; the student's own rate, in one process before that; the share of it; CPU and memory of the run. The student
answers a label, a flag and a set, in a sixth of a millisecond on one core: so quick a one shows what the engine costs.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from engine_project import DAYS, FIRST_DAY, REPOSITORY, sha256_of
from engine_report import table
from engine_watch import watch

from madang.distillation.dataset import LabelFile
from madang.distillation.distil import distil
from madang.distillation.registry import Registry
from madang.extraction.run import run_task
from madang.posts.table import RAW_POSTS
from madang.settings import Settings
from madang.task import load_task
from madang.warehouse import Change, open_warehouse

WORK = REPOSITORY / ".madang" / "bench" / "student_lane"
TAUGHT_POSTS = 600
OWN_RATE_POSTS = 4_000
LANDED_AT_ONCE = 50_000
LIMIT_SECONDS, LIMIT_SECONDS_A_POST = 120.0, 0.02
KINDS = {"chair": ["의자", "책상의자"], "phone": ["휴대폰", "스마트폰"], "book": ["소설책", "만화책"]}
EXTRAS = {"cable": "충전선 드려요", "cushion": "방석 드려요", "box": "상자째 드려요"}
FILLERS = ["동네에서 거래해요", "연락 주세요", "오늘 가능해요", "주말에 봐요", "이사 가서 정리해요", "집 앞으로 오세요",
           "네고는 어려워요", "직접 와서 보셔도 돼요", "사진보다 상태가 좋아요", "문의 환영해요"]  # fmt: skip
TASK: dict[str, Any] = {
    "name": "sales",
    "entity": "item",
    "source": {"kind": "table", "table": "raw.posts", "where": "board = 'sales'", "text": ["title", "body"]},
    "fields": {
        "kind": {"kind": "label", "of": list(KINDS), "cues": KINDS},
        "is_new": {"kind": "flag", "cues": ["새 상품"]},
        "extras": {"kind": "labels", "of": list(EXTRAS), "cues": {"cable": ["충전선"], "cushion": ["방석"]}},
    },
    "models": [{"use": "student", "max_tokens": 96}],
}


def sale(number: int) -> tuple[dict[str, object], dict[str, object]]:
    """A post of about 100 characters and its answers, the same for the same number."""
    drawn = random.Random(number)  # noqa: S311 - synthetic text
    kind = drawn.choice(list(KINDS))
    parts = [*drawn.sample(FILLERS, 4), f"물건번호 {number}"]
    is_new = drawn.choice([None, True, False])
    if is_new is not None:
        parts.append("새 상품 입니다" if is_new else "오래 쓴 중고 입니다")
    extras = [name for name in EXTRAS if drawn.random() < 0.3]
    parts += [EXTRAS[name] for name in extras]
    drawn.shuffle(parts)
    post: dict[str, object] = {
        "source": "bench",
        "post_id": f"{number:09}",
        "board": "sales",
        "title": drawn.choice(KINDS[kind]),
    }
    return post | {"body": ". ".join(parts)}, {"post_id": f"{number:09}", "kind": kind, "is_new": is_new,
                                               "extras": extras}  # fmt: skip


def make_project(folder: Path) -> Settings:
    """A project whose one task asks a student, which is taught."""
    shutil.rmtree(folder, ignore_errors=True)
    task = folder / "assets" / "sales"
    task.mkdir(parents=True)
    document = {"type": "orchestration.ExtractionTask", "attributes": TASK}
    (task / "defs.yaml").write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (task / "prompt.md").write_text("Read the post.", encoding="utf-8")
    settings = settings_of(folder)
    pairs = [sale(-1 - number) for number in range(TAUGHT_POSTS)]
    for name, rows in (("posts", [post for post, _ in pairs]), ("labels", [answers for _, answers in pairs])):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    made = distil(load_task(folder, "sales"), settings,
                  [LabelFile(folder / "labels.jsonl", folder / "posts.jsonl", "teacher")])  # fmt: skip
    if made.verdict.reasons:
        raise SystemExit(f"the student was refused: {'; '.join(made.verdict.reasons)}")
    return settings


def settings_of(folder: Path, **student: object) -> Settings:
    """The project's settings."""
    model = {"lane": "student", "student": "sales", "answers": "all", **student}
    return Settings(project=folder, home=folder / ".madang", models={"student": model})


def land_sales(settings: Settings, count: int) -> None:
    """Puts so many posts into the warehouse, in parts: made at once they would be a part of the peak."""
    warehouse = open_warehouse(settings)
    warehouse.ensure([RAW_POSTS])
    numbers = iter(range(count))
    while rows := list(_rows(islice(numbers, LANDED_AT_ONCE), count)):
        warehouse.commit([Change(RAW_POSTS, pl.DataFrame(rows, schema=RAW_POSTS.polars_schema))])
    warehouse.close()


def _rows(numbers: Iterator[int], count: int) -> Iterator[dict[str, object]]:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    for number in numbers:
        post, _ = sale(number)
        title, body = str(post["title"]), str(post["body"])
        day = FIRST_DAY + timedelta(days=number * DAYS // count)
        hashes = sha256_of(title), sha256_of(body)
        yield post | {
            "revision": 1, "images": [], "extra": "{}", "title_hash": hashes[0], "body_hash": hashes[1],
            "text_hash": sha256_of("".join(hashes)), "title_chars": len(title), "body_chars": len(body),
            "event_at": datetime(day.year, day.month, day.day, 3, tzinfo=UTC), "ingested_at": now, "day": day,
            "deleted": False, "landed_from": "bench", "landed_position": number + 1,
        }  # fmt: skip


def own_rate(settings: Settings) -> float:
    """Posts a second of the student alone, in this process, in batches of the lane's size."""
    student = Registry(settings.home).find("sales").load()
    posts = [sale(number)[0] for number in range(OWN_RATE_POSTS)]
    turns = [f"{post['title']}\n{post['body']}" for post in posts]
    size = settings.models["student"].batch_posts  # type: ignore[union-attr]
    student.says(turns[:size])
    began = time.perf_counter()
    for at in range(0, len(turns), size):
        student.says(turns[at : at + size])
    return len(turns) / (time.perf_counter() - began)


def run_lane(folder: Path) -> None:
    """Runs the task, in a process of its own, and says what came out."""
    settings = settings_of(folder)
    task, warehouse = load_task(folder, "sales"), open_warehouse(settings)
    days = (settings.first_day, settings.first_day.replace(year=2030))
    sys.stdout.write("BEGIN\n")
    sys.stdout.flush()
    began = time.perf_counter()
    report = run_task(task, settings, warehouse, days)
    seconds = time.perf_counter() - began
    told = {"seconds": seconds, "extracted": report.progress.extracted, "pending": report.pending}
    sys.stdout.write(f"TOLD {json.dumps(told)}\n")


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run_lane(arguments.run)
        return
    folder = WORK / "project"
    settings = make_project(folder)
    began = time.perf_counter()
    land_sales(settings, arguments.posts)
    landing_seconds = time.perf_counter() - began
    rate = own_rate(settings)
    limit = LIMIT_SECONDS + arguments.posts * LIMIT_SECONDS_A_POST
    watched = watch([sys.executable, __file__, "--run", str(folder)], WORK, dict(os.environ), limit)
    if watched.status:
        raise SystemExit(watched.errors)
    told = next(json.loads(line[5:]) for line in watched.lines if line.startswith("TOLD "))
    end_to_end = told["extracted"] / told["seconds"]
    cpu_ms = watched.cpu_seconds / arguments.posts * 1000
    heads = ["posts", "rows", "seconds", "posts/s end to end", "student alone, posts/s", "share",
             "CPU ms a post", "of it not the student's", "peak MiB", "landing s"]  # fmt: skip
    row = [f"{arguments.posts:,}", f"{told['extracted']:,}", f"{told['seconds']:.1f}", f"{end_to_end:,.0f}",
           f"{rate:,.0f}", f"{end_to_end / rate:.0%}", f"{cpu_ms:.2f}", f"{cpu_ms - 1000 / rate:.2f}",
           f"{watched.peak_mib:,.0f}", f"{landing_seconds:.1f}"]  # fmt: skip
    sys.stdout.write(table(heads, [row]))


if __name__ == "__main__":
    main()
