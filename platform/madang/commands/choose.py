"""`madang choose`: the next posts worth paying the teacher for, and what they cost."""

import json
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from madang.commands.columns import aligned
from madang.commands.options import days_of, guarded, with_days
from madang.commands.plan import plan_details, plan_line

if TYPE_CHECKING:
    from madang.distillation.choice import Choice

_SHOWN = 20


@click.command()
@click.argument("task")
@with_days
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="Posts to choose.")
@click.option("--write", "file", type=click.Path(path_type=Path), help="File for `madang run TASK --only FILE`.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@guarded
def choose(task: str, first: str | None, last: str | None, limit: int, file: Path | None, as_json: bool) -> None:
    """Choose pending posts that a student would learn most from; sends nothing and pays nothing."""
    from madang.distillation.choice import choose_posts
    from madang.extraction.selection import write_selection
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import open_warehouse

    settings = Settings.load()
    loaded = load_task(settings.project, task)
    found = choose_posts(loaded, settings, open_warehouse(settings), days_of(settings, first, last), limit)
    if file is not None:
        write_selection(file, (post.to_json() for post in found.posts))
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
        return
    click.echo("\n".join([*_told(found), plan_line(found.paying.plan), *plan_details(found.paying)]))
    if file is None:
        click.echo("nothing was sent; --write FILE keeps the posts, and `madang run --only FILE` pays for them")
    else:
        most_usd = ceil(round(found.paying.estimate.reserved_usd * 100, 6)) / 100
        cap = f" --max-usd {most_usd:.2f}" if most_usd else ""
        click.echo(f"nothing was sent; to pay for them: madang run {task} --only {file}{cap}")


def _told(found: "Choice") -> list[str]:
    looked_at = f"{found.looked_at:,} of {found.pending:,} pending posts looked at"
    if not found.student:
        by = "there is no student yet, so that only unlikeness decides"
    else:
        standing = "released" if found.is_released else "not released, the newest"
        by = f"by what {found.student} ({standing}) doubts, and unlikeness"
    kept = f"; {found.kept:,} that it answers itself are left out" if found.kept else ""
    lines = [f"{len(found.posts):,} chosen, {by}; {looked_at}{kept}"]
    if not found.posts:
        return lines
    head = ["post", "least sure of", "sure", "stands for"]
    rows = [
        [f"{post.source}:{post.post_id}", post.field or "–",
         "–" if post.confidence is None else f"{post.confidence:.2f}", f"{post.stands_for:,}"]
        for post in found.posts[:_SHOWN]
    ]  # fmt: skip
    lines += [f"  {line}" for line in aligned([head, *rows], left=2)]
    if len(found.posts) > _SHOWN:
        lines.append(f"  and {len(found.posts) - _SHOWN:,} more")
    return lines
