"""What the demo prints at the end: posts with their evidence, scores, features both ways, figures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from madang.errors import InputError
from madang.evaluation import evaluate
from madang.posts.table import CURRENT, content_hash_sql
from madang.releases import live
from madang.settings import Settings
from madang.task import Task
from madang.warehouse import Warehouse
from orchestration.demo_scope import Scope

_SHOWN_POSTS = 2
_SHOWN_CHARS = 400
_TOLD_FIRST = ("span_f1", "value_f1", "f1", "macro_f1", "accuracy")


@dataclass(frozen=True)
class Figures:
    """Of the whole demo.

    Args:
        tasks: Its tasks.
        seconds: Wall time.
    """

    tasks: Sequence[Task]
    seconds: float


def show_posts(console: Console, warehouse: Warehouse, scope: Scope) -> None:
    """Prints the posts with the most evidence, of those that were asked for, beside their attributes."""
    task = scope.task
    rows = warehouse.read(
        f'SELECT p.title, p.body, a.* FROM attributes."{task.name}__live" a '
        f"JOIN (SELECT * FROM raw.posts SEMI JOIN own USING (source, post_id) {CURRENT}) p USING (source, post_id) "
        "WHERE NOT p.deleted "
        f"AND {content_hash_sql(task.text_columns, 'p.', images=task.most_images)} = a.content_hash "
        "ORDER BY a.day, a.source, a.post_id",
        frames={"own": scope.own},
    ).to_dicts()
    if not rows:
        console.print(
            f"{task.name}: no post of these has a row of the live recipe, {live(warehouse, task.name)}; ops.quarantine "
            f"and `madang plan {task.name}` say why, `madang release {task.name}@N` makes another recipe live",
            soft_wrap=True,
        )  # fmt: skip
    rows.sort(key=lambda row: -len(_evidence(task, row)))
    for row in rows[:_SHOWN_POSTS]:
        text = Text()
        for part in task.text_columns:
            shown = Text(row[part][:_SHOWN_CHARS], style="bold" if part == "title" else "")
            for _, span in _evidence(task, row):
                if span["field"] == part and span["end"] <= _SHOWN_CHARS:
                    shown.stylize("black on yellow", span["start"], span["end"])
            text.append_text(shown).append("\n")
        values = Table.grid(padding=(0, 1))
        for name in task.fields:
            value = row[name]
            if value is None or value == []:
                continue
            confidence = row.get(f"{name}__confidence")
            sure = f"{confidence:.2f}" if confidence is not None else ""
            values.add_row(f"[cyan]{name}", json.dumps(value, ensure_ascii=False, default=str), f"[dim]{sure}")
        grid = Table.grid(expand=True, padding=(0, 2))
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(text, values)
        console.print(
            Panel(grid, title=f"{task.name}  {row['source']}:{row['post_id']}  {row['recipe']}", title_align="left")
        )


def _evidence(task: Task, row: dict) -> list[tuple[str, dict]]:  # type: ignore[type-arg]  # a row as it is stored
    return [(name, span) for name in task.fields for span in row.get(f"{name}__evidence") or []]


def show_scores(console: Console, settings: Settings, warehouse: Warehouse, task: Task) -> None:
    """Prints scores against the task's gold, from the replies just received, beside their baselines."""
    recipe = live(warehouse, task.name)
    if recipe is None:
        return
    samples = task.folder / "samples.jsonl"
    try:
        report = evaluate(task, settings, samples, recipe=recipe, sample=None, warehouse=warehouse)
    except InputError as error:  # the live recipe is another than the one that read the samples
        console.print(f"{task.name}: no scores. {error}", markup=False, soft_wrap=True)
        return
    table = Table(title=f"{task.name}: {report.n} posts against gold.jsonl", title_justify="left", box=SIMPLE_HEAD)
    for column in ("field", "metric", "value", "95% interval", "baseline"):
        table.add_column(column, justify="left" if column in ("field", "metric") else "right")
    for name, metrics in report.fields.items():
        metric = next(metric for metric in _TOLD_FIRST if metric in metrics)
        score = metrics[metric]
        if score.value is None or score.low is None or score.high is None:
            continue
        baseline = "" if score.baseline is None else f"{score.baseline:.2f}"
        table.add_row(name, metric, f"{score.value:.2f}", f"{score.low:.2f} to {score.high:.2f}", baseline)
    console.print(table)


def show_features(console: Console, settings: Settings, warehouse: Warehouse, scopes: Sequence[Scope]) -> None:
    """Reads features of the posts that were asked for back both ways, and prints them beside each other."""
    import pandas as pd

    from feature_repo.store import open_store

    store = open_store(settings)
    for scope in scopes:
        task = scope.task
        key = f"{task.declaration.entity}_id"
        rows = warehouse.read(
            f'SELECT "{key}", max(event_at) AS event_at FROM features."{task.name}" '
            f"""WHERE "{key}" IN (SELECT source || ':' || post_id FROM own) GROUP BY ALL ORDER BY event_at, "{key}" """
            "LIMIT 3",
            frames={"own": scope.own},
        )
        if not rows.height:
            continue
        names = [name for name, field in task.fields.items()][:5]
        entities = pd.DataFrame({
            key: rows[key].to_list(),
            "event_timestamp": [moment + timedelta(days=1) for moment in rows["event_at"].to_list()],
        })  # fmt: skip
        references = [f"{task.name}:{name}" for name in names]
        historical = store.get_historical_features(entity_df=entities, features=references).to_df().set_index(key)
        online = store.get_online_features(
            features=references, entity_rows=[{key: value} for value in rows[key]]
        ).to_dict()
        table = Table(
            title=f"Feast {task.name}_service: get_online_features = get_historical_features", title_justify="left"
        )
        for column in (key, *names, "same both ways"):
            table.add_column(column)
        for index, value in enumerate(online[key]):
            now = [online[name][index] for name in names]
            then = [historical.loc[value, name] for name in names]
            same = all(_plain(one) == _plain(other) for one, other in zip(now, then, strict=True))
            table.add_row(value, *(_plain(item) for item in now), "yes" if same else "[red]no")
        console.print(table)


def _plain(value: object) -> str:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or value != value:  # noqa: PLR0124 - NaN is how pandas says null
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)


def show_figures(console: Console, settings: Settings, warehouse: Warehouse, figures: Figures) -> None:
    """Prints what it cost, where everything is, and what to type next."""
    table = Table(title="what it took", title_justify="left")
    for column in ("task", "rows", "quarantined", "calls", "tokens in + out", "model seconds", "US dollars"):
        table.add_column(column, justify="left" if column == "task" else "right")
    for task in figures.tasks:
        found = warehouse.read(
            f'SELECT (SELECT count(*) FROM attributes."{task.name}") AS rows, '
            "(SELECT count(*) FROM ops.quarantine WHERE task = $1) AS quarantined, count(*) AS calls, "
            "coalesce(sum(input_tokens), 0)::BIGINT AS sent, coalesce(sum(output_tokens), 0)::BIGINT AS received, "
            "coalesce(sum(latency_seconds), 0) AS seconds, coalesce(sum(usd), 0) AS usd "
            "FROM ops.ledger WHERE task = $1", [task.name],
        ).row(0, named=True)  # fmt: skip
        table.add_row(
            task.name, str(found["rows"]), str(found["quarantined"]), str(found["calls"]),
            f"{found['sent']} + {found['received']}", f"{found['seconds']:.1f}", f"{found['usd']:.2f}",
        )  # fmt: skip
    console.print(table)
    home = settings.home
    first = figures.tasks[0].name
    console.print(
        f"""
[bold]{figures.seconds:.0f} s in all.[/bold]  Everything is in {home}
  first        source .venv/bin/activate
  SQL          madang sql "SELECT * FROM attributes.{first}__live"
  Feast        FeatureStore(repo_path="{home}/feast").get_feature_service("{first}_service")
  Dagster UI   [bold]make dev[/bold]  then http://127.0.0.1:3000/locations/madang/asset-groups/{first}/lineage
  all posts    the same command with [bold]--all[/bold]
  your own     madang demo --posts FILE.jsonl --task {first} --map body=THEIRS
""",
        soft_wrap=True,
    )
