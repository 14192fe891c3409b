"""`madang demo`: real posts to Feast features, once, by the parts that production uses. No stored replies."""

import os
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import click
import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from madang.commands.options import guarded
from madang.errors import MadangError
from madang.extraction.claims import Claims
from madang.extraction.plan import Days, make_plan
from madang.models.catalogue import Catalogue
from madang.posts.landing import land
from madang.posts.reading import ColumnMap, read_posts
from madang.recipe import recipe_of
from madang.settings import Settings
from madang.task import Task, find_tasks, load_task
from madang.warehouse import Warehouse, open_warehouse
from orchestration.day_ranges import RANGE_END, RANGE_START
from orchestration.demo_report import Figures, show_features, show_figures, show_posts, show_scores
from orchestration.instance import ensure_instance

_SAMPLE = 12
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Scope:
    """What the demo does of one task.

    Args:
        task: The task.
        days: First and last partition of the posts it takes.
        posts: How many posts it takes.
    """

    task: Task
    days: Days
    posts: int


@click.command()
@click.option("--posts", type=click.Path(path_type=Path), help="A file of your own, instead of the samples.")
@click.option("--task", "names", multiple=True, help="Only this task; may be given again.")
@click.option("--limit", type=click.IntRange(min=1), default=_SAMPLE, show_default=True, help="Posts of each task.")
@click.option("--all", "everything", is_flag=True, help="All posts, not only --limit of each task.")
@guarded
def demo(posts: Path | None, names: tuple[str, ...], limit: int, everything: bool) -> None:
    """Real posts to Feast features, once, on the embedded default."""
    began = time.monotonic()
    # Warnings of libraries are for developers. A filter would not do: importing Feast puts its own in front.
    warnings.showwarning = lambda *_, **__: None
    console = Console()
    settings = Settings.load()
    tasks = _tasks(settings, names, needs_samples=posts is None)
    warehouse = open_warehouse(settings)
    console.rule("[bold]1  posts → raw.posts")
    _ingest(console, settings, warehouse, [posts] if posts else [task.folder / "samples.jsonl" for task in tasks])

    console.rule("[bold]2  raw.posts → attributes → features → Feast, by Dagster")
    scopes = [scope for task in tasks if (scope := _scope(settings, warehouse, task, None if everything else limit))]
    _materialise(console, settings, scopes)

    console.rule("[bold]3  what came out")
    for task in tasks:
        show_posts(console, warehouse, task)
    for task in tasks:
        if posts is None and task.declaration.evaluation.gold:
            show_scores(console, settings, warehouse, task)
    show_features(console, settings, warehouse, tasks)
    show_figures(console, settings, warehouse, Figures(tasks, time.monotonic() - began))


def _tasks(settings: Settings, names: Sequence[str], *, needs_samples: bool) -> list[Task]:
    chosen = names or [
        folder.name
        for folder in find_tasks(settings.project)
        if not needs_samples or (folder / "samples.jsonl").exists()
    ]
    return [load_task(settings.project, name) for name in chosen]


def _ingest(console: Console, settings: Settings, warehouse: Warehouse, paths: Sequence[Path]) -> None:
    for path in paths:
        landed = land(warehouse, settings, [read_posts(path, ColumnMap(timezone=settings.timezone))])
        console.print(f"{_shown(path)}: {landed.landed} of {landed.read} posts landed, {landed.unchanged} unchanged")


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _scope(settings: Settings, warehouse: Warehouse, task: Task, limit: int | None) -> Scope | None:
    """The oldest pending posts; what was extracted before if none is pending; None if the task has no post."""
    always = (settings.first_day, datetime.now(settings.zone).date())
    plan = make_plan(warehouse, task, recipe_of(task, Catalogue(settings).identity), always)
    if plan.total == 0:
        return None
    pending = plan.posts if limit is None else plan.posts.head(limit)
    if pending.height == 0:
        found = warehouse.read(f'SELECT min(day) AS first, max(day) AS last FROM attributes."{task.name}"')
        return Scope(task, (found["first"][0], found["last"][0]), 0)
    first, last = pending["day"].min(), pending["day"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return Scope(task, (first, last), pending.height)


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
        "ops": {f"attributes__{scope.task.name}": {"config": {"limit": max(scope.posts, 1)}}},
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
