"""`madang cost`: what was spent, on what, and what the stored replies saved."""

import json
from typing import TYPE_CHECKING

import click

from madang.commands.columns import aligned
from madang.commands.options import days_of, guarded, with_days

if TYPE_CHECKING:
    from madang.extraction.costs import By, Spending


@click.command()
@click.option("--task", help="Only this task; all by default.")
@with_days
@click.option(
    "--by", type=click.Choice(["task", "recipe", "lane", "model", "day", "run"]), default="task", show_default=True,
    help="What a line is; a day is the partition of the posts.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@guarded
def cost(task: str | None, first: str | None, last: str | None, by: "By", as_json: bool) -> None:
    """Show what was spent, per 1,000 posts, and what stored replies saved."""
    from madang.extraction.costs import spending, total
    from madang.settings import Settings
    from madang.warehouse.opening import is_there, open_warehouse

    settings = Settings.load()
    days = days_of(settings, first, last) if first or last else None
    warehouse = open_warehouse(settings, read_only=is_there(settings))
    groups = spending(warehouse, settings, by, task=task, days=days)
    whole = total(groups)
    if as_json:
        told = {"by": by, "task": task, "from": days and days[0].isoformat(), "to": days and days[1].isoformat()}
        click.echo(json.dumps({**told, "groups": [group.to_json() for group in groups], "total": whole.to_json()},
                              ensure_ascii=False))  # fmt: skip
        return
    if not groups:
        click.echo("nothing was sent")
        return
    shown = [*groups, whole] if len(groups) > 1 else groups
    head = [by, "posts", "calls", "failed", "unknown", "lost", "tokens in", "out", "dollars", "a 1,000 posts", "reused"]
    click.echo("\n".join(aligned([head, *(_row(group) for group in shown)])))
    click.echo(
        f"saved: ${whole.saved_usd:,.4f} by {whole.reused:,} replies reused, ${whole.cached_usd:,.4f} by "
        f"{whole.cached_tokens:,} cached tokens"
    )
    if whole.unknown:
        click.echo(f"{whole.unknown:,} calls have an unknown outcome, and count at what was reserved for them")


def _row(group: "Spending") -> list[str]:
    per_thousand = group.usd_per_1000_posts
    return [
        group.group, f"{group.posts:,}", f"{group.calls:,}", f"{group.failed:,}", f"{group.unknown:,}",
        f"{group.lost:,}", f"{group.input_tokens:,}", f"{group.output_tokens:,}", f"{group.usd:,.4f}",
        "–" if per_thousand is None else f"{per_thousand:,.4f}", f"{group.reused:,}",
    ]  # fmt: skip
