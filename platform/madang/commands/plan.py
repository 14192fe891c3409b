"""`madang plan`: what a run would do, shown before it does it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from madang.commands.columns import aligned
from madang.commands.options import days_of, guarded, selection_of_file, with_days, with_only

if TYPE_CHECKING:
    from madang.extraction.dry_run import DryRun
    from madang.extraction.estimate import Estimate
    from madang.extraction.forecast import Forecast
    from madang.extraction.plan import Plan
    from madang.extraction.spans import Span
    from madang.recipe_changes import RecipeChange


@click.command()
@click.argument("task")
@with_days
@with_only
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@guarded
def plan(task: str, first: str | None, last: str | None, only: Path | None, as_json: bool) -> None:
    """Show what a run would touch and cost, and why; changes nothing."""
    from madang.extraction.dry_run import dry_run
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import open_warehouse

    settings = Settings.load()
    loaded = load_task(settings.project, task)
    days, chosen = days_of(settings, first, last), selection_of_file(only)
    found = dry_run(open_warehouse(settings), settings, loaded, days, chosen)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        click.echo("\n".join([plan_line(found.plan), *plan_details(found)]))


def plan_details(found: "DryRun") -> list[str]:
    """All that a dry run says below the plan's line, a line each."""
    leased = [f"  {line}" for line in found.leased.lines()]
    migrations = [f"  migration: {migration.line}" for migration in found.migrations]
    return [*migrations, *_posts(found.plan, found.change), *leased, *_calls(found.estimate)]


def plan_line(made: "Plan") -> str:
    """A plan in one line."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(made.counts.items())) or "no posts"
    return (f"{made.task} {made.days[0]} to {made.days[1]}, recipe {made.name or 'new'}: "
            f"{made.posts.height} posts planned ({counts})")  # fmt: skip


def _posts(made: "Plan", change: "RecipeChange | None") -> list[str]:
    told = {
        "new": "+ new", "edited": "~ edited", "recipe": "~ recipe changed", "unchanged": "= unchanged",
        "quarantined": "! quarantined",
    }  # fmt: skip
    why = {
        "unchanged": "skipped: neither text nor recipe changed",
        "quarantined": f"skipped: `madang retry {made.task}` asks them again",
        "recipe": f"they have a row of {change.before}" if change else "they have a row of another recipe",
    }
    rows = [[told[state], f"{made.counts[state]:,}", why.get(state, "")] for state in told if made.counts.get(state)]
    lines = [f"  {line}" for line in _told(rows)]
    if change is not None:
        lines.append(f"  the recipe differs from {change.before}:")
        lines += [f"    {part.part}: {part.detail}" for part in change.parts]
        if not any(part.is_asked_again for part in change.parts):
            lines.append("    which no request holds: stored replies are read anew, free")
    return lines


def _told(rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    return [f"{line}  {row[2]}".rstrip() for line, row in zip(aligned([row[:2] for row in rows]), rows, strict=True)]


def _calls(found: "Estimate") -> list[str]:
    calls = found.calls
    stored = calls.reused - calls.shared
    about = "about " if calls.rendered_share < 1 else ""
    lines = [
        f"  calls: {about}{calls.total:,}; {calls.reused:,} replies reused ({stored:,} stored, {calls.shared:,} shared "
        f"with a post of the same text), {calls.blank:,} need none"
    ]
    if not found.lanes:
        return lines
    head = ["lane", "model", "calls", "input tokens", "output tokens", "dollars", "minutes"]
    rows = [head, *(_row(lane) for lane in found.lanes)]
    if len(found.lanes) > 1:
        rows.append(["all", "", f"{calls.total:,}", "", "", _dollars(found.usd), _minutes(found.minutes)])
    lines += [f"    {line}" for line in aligned(rows, left=2)]
    lines.append(f"  expected (low to high); at most ${found.reserved_usd:,.4f} reserved if each call is sent once")
    for lane in found.lanes:
        lines.append(f"  {lane.name} rests on:")
        lines += [f"    {what.replace('_', ' ')}: {basis}" for what, basis in lane.basis.items()]
    return lines


def _row(lane: "Forecast") -> list[str]:
    return [
        lane.amount.lane, lane.name, f"{lane.amount.calls:,}", _whole(lane.input_tokens), _whole(lane.output_tokens),
        _dollars(lane.usd), _minutes(lane.minutes),
    ]  # fmt: skip


def _whole(span: "Span") -> str:
    return f"{span.expected:,.0f} ({span.low:,.0f} to {span.high:,.0f})"


def _dollars(span: "Span") -> str:
    return "0" if span.high == 0 else f"{span.expected:,.4f} ({span.low:,.4f} to {span.high:,.4f})"


def _minutes(span: "Span") -> str:
    return f"{span.expected:,.1f} ({span.low:,.1f} to {span.high:,.1f})"
