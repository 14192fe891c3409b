"""Planning millions of posts of which 1% changed, beside bare DuckDB anti-joins on the same data."""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
from engine_project import TASK, make_project, use_bench_model
from engine_report import table

from madang.extraction.plan import make_plan, recipe_name
from madang.models.catalogue import Catalogue
from madang.posts.table import CURRENT, content_hash_sql
from madang.recipe import recipe_of
from madang.releases import register
from madang.settings import Settings
from madang.tables import ensure_tables
from madang.task import load_task
from madang.warehouse import open_warehouse
from madang.warehouse.ducklake import DuckLakeWarehouse, load_extensions

_MODEL = {"lane": "online", "provider": "openai", "model": "gpt-4o-mini", "base_url": "http://localhost/v1"}
_DAYS = (date(2016, 1, 1), date(2030, 1, 1))
_LABELS = {
    "madang": "madang's plan (counts, and the changed posts in order)",
    "same": "anti-join on the same DuckLake tables: newest revision, hash of its hashes, not in attributes",
    "bare": "anti-join of two plain DuckDB tables that hold source, post id and content hash",
}
_TIMES = 3


def plan_section(posts: int, work: Path) -> str:
    """Each way in processes of its own; medians of three."""
    folder = work / "plan"
    marker = folder / f"{posts}.made"
    if not marker.exists() or not _is_current(folder):
        shutil.rmtree(folder, ignore_errors=True)
        _make(posts, folder)
        marker.touch()
    found: dict[str, list[dict[str, float]]] = {way: [] for way in _LABELS}
    failed: dict[str, str] = {}
    for way in list(_LABELS) * _TIMES:  # in turns: what else the machine does then falls on all of them
        command = [sys.executable, __file__, way, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            failed[way] = done.stderr.strip().splitlines()[-1][:120]
            continue
        found[way].append(json.loads(done.stdout))
        sys.stderr.write(f"plan {way}: {found[way][-1]}\n")
    rows = []
    for way, label in _LABELS.items():
        if way in failed:
            rows.append([label, "failed", failed[way], "", ""])
            continue
        seconds, cpu_seconds = (
            statistics.median(one[name] for one in found[way]) for name in ("seconds", "cpu_seconds")
        )
        rows.append([label, f"{seconds:.1f}", f"{cpu_seconds:.1f}", f"{max(one['peak_mib'] for one in found[way]):.0f}",
                     f"{found[way][0]['found']:,}"])  # fmt: skip
    return table(["way", "seconds", "CPU seconds", "peak MiB", "posts found"], rows)


def _peak_mib() -> float:
    """Most resident memory of this process. `ru_maxrss` is that of the process that started it, where that is more."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _settings(folder: Path) -> Settings:
    return Settings(project=folder / "project", home=folder / "project" / ".madang", models={"bench": _MODEL})


def _is_current(folder: Path) -> bool:
    """Whether the rows were made under the recipe of today's code; under another one every post would be pending."""
    settings = _settings(folder)
    shutil.copytree(TASK, folder / "project" / "assets" / "groups", dirs_exist_ok=True)
    use_bench_model(folder / "project")
    warehouse = open_warehouse(settings)
    recipe = recipe_of(load_task(settings.project, "groups"), Catalogue(settings).identity)
    is_current = recipe_name(warehouse, recipe) is not None
    warehouse.close()
    return is_current


def _make(posts: int, folder: Path) -> None:
    """Synthetic posts and their rows, written by DuckDB; every hundredth post has a second revision."""
    folder.mkdir(parents=True)
    settings = make_project(folder / "project", _MODEL)
    task = load_task(settings.project, "groups")
    warehouse = open_warehouse(settings)
    assert isinstance(warehouse, DuckLakeWarehouse)
    ensure_tables(warehouse, task)
    name = register(warehouse, recipe_of(task, Catalogue(settings).identity))
    warehouse.close()
    connection = duckdb.connect()
    load_extensions(connection)
    data = settings.home / "warehouse"
    connection.execute(f"ATTACH 'ducklake:sqlite:{data / 'catalog.sqlite'}' AS lake (DATA_PATH '{data / 'data'}')")
    connection.execute("SET TimeZone = 'UTC'")
    post = """
        'bench' AS source, printf('%09d', i) AS post_id, {revision} AS revision, 'groups' AS board,
        'title ' || i AS title, 'body ' || i AS body, []::VARCHAR[] AS images, '{{}}' AS extra,
        sha256('title ' || i) AS title_hash, sha256('body {revision} ' || i) AS body_hash,
        sha256(title_hash || body_hash) AS text_hash,
        12::BIGINT AS title_chars, 150::BIGINT AS body_chars,
        TIMESTAMPTZ '2016-01-01 03:00:00+00' + INTERVAL (i % 3650) DAY AS event_at,
        TIMESTAMPTZ '2026-01-01 00:00:00+00' AS ingested_at, (DATE '2016-01-01' + (i % 3650)::INT)::DATE AS day,
        false AS deleted, 'bench' AS landed_from, i AS landed_position
    """
    names = ("source, post_id, revision, board, title, body, images, extra, title_hash, body_hash, text_hash, "
             "title_chars, body_chars, event_at, ingested_at, day, deleted, landed_from, landed_position")  # fmt: skip
    connection.execute(f"INSERT INTO lake.raw.posts ({names}) SELECT {names} FROM "
                       f"(SELECT {post.format(revision=1)} FROM range({posts}) t(i))")  # fmt: skip
    connection.execute(
        "INSERT INTO lake.attributes.groups (source, post_id, content_hash, recipe, model, lane, status, event_at, "
        "day, extracted_at, is_calibrated, is_recruiting, topics, gender) "
        f"SELECT source, post_id, {content_hash_sql(task.text_columns)}, '{name}', 'openai:gpt-4o-mini', 'online', "
        "'ok', event_at, day, ingested_at, false, true, ['running'], 'unspecified' FROM lake.raw.posts"
    )
    connection.execute(f"INSERT INTO lake.raw.posts ({names}) SELECT {names} FROM "
                       f"(SELECT {post.format(revision=2)} FROM range(0, {posts}, 100) t(i))")  # fmt: skip
    connection.execute(f"ATTACH '{folder / 'bare.duckdb'}' AS bare")
    current = f"SELECT * FROM lake.raw.posts {CURRENT}"
    connection.execute(f"CREATE TABLE bare.posts AS SELECT source, post_id, {content_hash_sql(task.text_columns)} "
                       f"AS content_hash FROM ({current})")  # fmt: skip
    connection.execute("CREATE TABLE bare.done AS SELECT source, post_id, content_hash FROM lake.attributes.groups")
    connection.close()


def _plan(folder: Path) -> int:
    settings = _settings(folder)
    task = load_task(settings.project, "groups")
    made = make_plan(open_warehouse(settings), task, recipe_of(task, Catalogue(settings).identity), _DAYS)
    return made.posts.height


def _same(folder: Path) -> int:
    settings = _settings(folder)
    task = load_task(settings.project, "groups")
    content_hash = content_hash_sql(task.text_columns, is_stored=True)
    sql = (
        f"SELECT source, post_id FROM (SELECT source, post_id, {content_hash} AS content_hash "
        f"FROM raw.posts {CURRENT}) ANTI JOIN attributes.groups USING (source, post_id, content_hash)"
    )
    return open_warehouse(settings).read(sql).height


def _bare(folder: Path) -> int:
    connection = duckdb.connect(str(folder / "bare.duckdb"), read_only=True)
    sql = "SELECT source, post_id FROM posts ANTI JOIN done USING (source, post_id, content_hash)"
    return connection.execute(sql).pl().height


def main() -> None:
    """Runs one way once."""
    way = {"madang": _plan, "same": _same, "bare": _bare}[sys.argv[1]]
    began = time.perf_counter()
    found = way(Path(sys.argv[2]))
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": _peak_mib(),
            "found": found}  # fmt: skip
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
