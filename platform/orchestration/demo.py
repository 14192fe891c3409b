"""`madang demo`: real posts to Feast features, once, by the parts that production uses. No stored replies."""

import os
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import dagster as dg
import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from madang.commands.options import guarded
from madang.errors import InputError, MadangError, NothingPlanned
from madang.extraction.claims import Claims
from madang.posts.landing import land
from madang.posts.reading import ColumnMap, read_posts
from madang.settings import Settings
from madang.task import Task, find_tasks, load_task
from madang.warehouse import Warehouse, open_warehouse
from orchestration.day_ranges import RANGE_END, RANGE_START
from orchestration.demo_report import Figures, show_features, show_figures, show_posts, show_scores
from orchestration.demo_scope import Scope, scope_of
from orchestration.instance import ensure_instance

_SAMPLE = 12
_POLL_SECONDS = 0.5
_LOCAL_BIGQUERY = "bigquery:madang-demo.madang"


@click.command()
@click.option("--posts", type=click.Path(path_type=Path), help="A file of your own, instead of the samples.")
@click.option("--map", "columns", multiple=True, metavar="OURS=THEIRS", help="How a column is named in that file.")
@click.option("--task", "names", multiple=True, help="Only this task; may be given again.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=_SAMPLE, show_default=True, help="Posts of a task that asks a model."
)
@click.option("--all", "everything", is_flag=True, help="All posts of those too.")
@click.option(
    "--warehouse", "place", metavar="WHERE", help="bigquery, or bigquery:PROJECT.DATASET, instead of the settings' one."
)
@guarded
def demo(
    posts: Path | None, columns: tuple[str, ...], names: tuple[str, ...], limit: int, everything: bool,
    place: str | None,
) -> None:  # fmt: skip
    """Real posts to Feast features, once, on the embedded default."""
    began = time.monotonic()
    # Warnings of libraries are for developers. A filter would not do: importing Feast puts its own in front.
    warnings.showwarning = lambda *_, **__: None
    console = Console()
    if columns and posts is None:
        raise InputError("--map", "the samples need no column map", "Give --posts FILE with it")
    if place is not None:
        # In the environment, because Dagster's resources read the settings by themselves.
        os.environ["MADANG_WAREHOUSE"] = _LOCAL_BIGQUERY if place == "bigquery" and _has_emulator() else place
    settings = Settings.load()
    tasks = _tasks(settings, names, needs_samples=posts is None)
    warehouse = open_warehouse(settings)
    console.rule("[bold]1  posts → raw.posts")
    files = [posts] if posts else [task.folder / "samples.jsonl" for task in tasks]
    own = _ingest(console, settings, warehouse, files, columns)

    console.rule("[bold]2  raw.posts → attributes → features → Feast, by Dagster")
    scopes = _scopes(console, settings, warehouse, tasks, own, None if everything else limit)
    if not scopes:
        raise NothingPlanned(
            _shown(files[0]), "its posts have landed, and no task takes one",
            "Name the column of boards with --map board=THEIRS, or change a task's `where`",
        )  # fmt: skip
    _materialise(console, settings, scopes)

    console.rule("[bold]3  what came out")
    for scope in scopes:
        show_posts(console, warehouse, scope)
    for scope in scopes:
        if posts is None and scope.task.declaration.evaluation.gold:
            show_scores(console, settings, warehouse, scope.task)
    show_features(console, settings, warehouse, scopes)
    shown = [scope.task for scope in scopes]
    show_figures(console, settings, warehouse, Figures(shown, time.monotonic() - began))


def _has_emulator() -> bool:
    return "BIGQUERY_EMULATOR_HOST" in os.environ


def _tasks(settings: Settings, names: Sequence[str], *, needs_samples: bool) -> list[Task]:
    chosen = names or [
        folder.name
        for folder in find_tasks(settings.project)
        if not needs_samples or (folder / "samples.jsonl").exists()
    ]
    return [load_task(settings.project, name) for name in chosen]


def _ingest(
    console: Console, settings: Settings, warehouse: Warehouse, paths: Sequence[Path], columns: Sequence[str]
) -> pl.DataFrame:
    """Lands files; source and post_id of their posts, whether they landed now or before."""
    mapping = ColumnMap(columns=dict(_pair(column) for column in columns), timezone=settings.timezone)
    own = []
    for path in paths:
        posts = read_posts(path, mapping)
        landed = land(warehouse, settings, [posts])
        own.append(posts.select("source", "post_id"))
        console.print(f"{_shown(path)}: {landed.landed} of {landed.read} posts landed, {landed.unchanged} unchanged")
    return pl.concat(own).unique(maintain_order=True)


def _pair(text: str) -> tuple[str, str]:
    ours, separator, theirs = text.partition("=")
    if not separator or not theirs:
        raise InputError("--map", f"{text!r} is not OURS=THEIRS", "Write, for example, --map body=content")
    return ours, theirs


def _scopes(
    console: Console, settings: Settings, warehouse: Warehouse, tasks: Sequence[Task], own: pl.DataFrame,
    limit: int | None,
) -> list[Scope]:  # fmt: skip
    """Scopes of the tasks that have one; says why the others have none."""
    found = []
    for task in tasks:
        # What readers alone decide takes no time: all of it.
        scope = scope_of(settings, warehouse, task, own, limit if task.is_asking else None)
        if isinstance(scope, str):
            console.print(f"[yellow]left out[/yellow]  {escape(scope)}", soft_wrap=True)
            continue
        found.append(scope)
        if scope.others:
            console.print(
                f"{task.name}: a run takes the oldest pending posts of its days, so {scope.others} of other files "
                "are read too; they are not shown"
            )
        if scope.left:
            console.print(
                f"{task.name}: {scope.left} posts of yours wait behind more of other files than --limit; for all: "
                f"madang run {task.name} --from {scope.days[0]}, or demo --all"
            )
    return found


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _materialise(console: Console, settings: Settings, scopes: Sequence[Scope]) -> None:
    from orchestration.definitions import defs

    os.environ["DAGSTER_HOME"] = str(ensure_instance(settings))
    definitions = defs()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with dg.DagsterInstance.get() as instance, Progress(*columns, console=console) as progress:
        for scope in scopes:
            name = scope.task.name
            bar = progress.add_task(f"{name} {scope.days[0]} to {scope.days[1]}", total=scope.posts)
            with ThreadPoolExecutor(1) as pool:
                running = pool.submit(_run_job, definitions, instance, scope)
                while not running.done():
                    progress.update(bar, completed=min(_answered(settings, name), scope.posts))
                    time.sleep(_POLL_SECONDS)
                running.result()
            progress.update(bar, completed=scope.posts, description=f"{name}: attributes, features, Feast")


def _run_job(definitions: dg.Definitions, instance: dg.DagsterInstance, scope: Scope) -> None:
    job = definitions.resolve_job_def(scope.task.name)
    config = {
        "ops": {f"attributes__{scope.task.name}": {"config": {"limit": scope.posts}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    tags = {RANGE_START: scope.days[0].isoformat(), RANGE_END: scope.days[1].isoformat()}
    try:
        job.execute_in_process(run_config=config, instance=instance, tags=tags)
    except dg.DagsterError as error:
        if isinstance(error.__cause__, MadangError):
            raise error.__cause__ from None
        raise


def _answered(settings: Settings, task: str) -> int:
    claims = Claims(settings.home / "claims.sqlite")
    try:
        return claims.answered(task)
    finally:
        claims.close()
