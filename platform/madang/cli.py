"""`madang …`. Commands import what they need when they run, so that --help is quick.

Commands that need Dagster or Feast live in the packages that may import those and join through the entry-point
group `madang.commands`.
"""

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from madang.commands.attack import attack
from madang.commands.autofill import autofill
from madang.commands.choose import choose
from madang.commands.cost import cost
from madang.commands.cover import cover
from madang.commands.distil import distil
from madang.commands.docs import docs
from madang.commands.erase import erase
from madang.commands.link import link
from madang.commands.options import days_of, guarded, selection_of_file, with_days, with_only
from madang.commands.places import places
from madang.commands.plan import plan, plan_line
from madang.commands.sql import sql
from madang.commands.vocabulary import vocabulary
from madang.errors import DeclarationError, InputError, MadangError

if TYPE_CHECKING:
    from madang.extraction.leases import Leased
    from madang.extraction.plan import Plan


class _Commands(click.Group):
    """Our commands and those that other packages bring."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(entry.name for entry in _joined())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for entry in _joined():
            if entry.name == cmd_name:
                command: click.Command = entry.load()
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists commands without loading those of other packages: that takes seconds."""
        rows = [(name, command.get_short_help_str(80)) for name, command in sorted(self.commands.items())]
        rows += [(entry.name, _JOINED_HELP.get(entry.name, "")) for entry in _joined()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


_JOINED_HELP = {
    "demo": "Real posts to Feast features, once, on the embedded default.",
    "dev": "Start the Dagster UI and daemon; Ctrl-C ends them.",
}


def _joined() -> list[Any]:
    return list(entry_points(group="madang.commands"))


@click.group(cls=_Commands)
@click.version_option(package_name="madang")
def main() -> None:
    """Posts of a neighbourhood community in, typed and evidenced attributes out."""


main.add_command(autofill)
main.add_command(plan)
main.add_command(attack)
main.add_command(choose)
main.add_command(cost)
main.add_command(cover)
main.add_command(distil)
main.add_command(docs)
main.add_command(erase)
main.add_command(link)
main.add_command(places)
main.add_command(sql)
main.add_command(vocabulary)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--map", "columns", multiple=True, metavar="OURS=THEIRS", help="How a column is named in the file.")
@click.option("--map-file", type=click.Path(path_type=Path), help="YAML with columns:, source:, timezone:.")
@click.option("--source", help="Value of `source` where the file has none; its stem by default.")
@click.option("--timezone", help="Zone of instants that state none.")
@guarded
def ingest(
    paths: tuple[Path, ...], columns: tuple[str, ...], map_file: Path | None, source: str | None, timezone: str | None
) -> None:
    """Land posts of JSON lines, CSV or Parquet files in raw.posts."""
    from dataclasses import replace

    from madang.posts.landing import land
    from madang.posts.reading import ColumnMap, read_posts
    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    settings = Settings.load()
    mapping = ColumnMap.from_yaml(map_file) if map_file else ColumnMap(timezone=settings.timezone)
    named = dict(_pair(column) for column in columns)
    mapping = replace(mapping, columns={**mapping.columns, **named}, source=source or mapping.source,
                      timezone=timezone or mapping.timezone)  # fmt: skip
    frames = [read_posts(path, mapping) for path in paths]
    landed = land(open_warehouse(settings), settings, frames)
    days = f", days {landed.days[0]} to {landed.days[-1]}" if landed.days else ""
    refused = f", {landed.refused} erased before and refused" if landed.refused else ""
    click.echo(f"{landed.landed} of {landed.read} posts landed, {landed.unchanged} unchanged{refused}{days}")


@main.command()
@click.argument("task")
@with_days
@with_only
@click.option("--limit", type=click.IntRange(min=1), help="Most posts to take, the oldest first.")
@click.option("--max-usd", type=click.FloatRange(min=0), help="Most money to spend.")
@guarded
def run(
    task: str, first: str | None, last: str | None, only: Path | None, limit: int | None, max_usd: float | None
) -> None:
    """Extract what is pending; exit 3 if nothing is."""
    from madang.extraction.run import run_task
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import open_warehouse

    settings, chosen = Settings.load(), selection_of_file(only)
    loaded = load_task(settings.project, task)

    def announce(made: "Plan", leased: "Leased") -> None:
        click.echo("\n".join([plan_line(made), *(f"  {line}" for line in leased.lines())]))
        if limit is not None and limit < made.posts.height:
            click.echo(f"  limited to {limit} of {made.posts.height} pending posts")

    report = run_task(
        loaded, settings, open_warehouse(settings), days_of(settings, first, last), only=chosen, limit=limit,
        cap_usd=max_usd, on_plan=announce, on_progress=lambda done: click.echo(f"  {done.line}"),
    )  # fmt: skip
    report.require_posts()
    done = report.progress
    click.echo(
        f"{report.recipe}: {done.extracted} extracted, {done.quarantined} quarantined, {report.pending} pending; "
        f"{done.sent} requests sent, {done.reused} reused; {done.input_tokens} + {done.output_tokens} tokens, "
        f"${done.usd:.4f}, {report.seconds:.1f} s (run {report.run})"
    )
    if report.adopted.lost:
        click.echo(f"warning: {report.adopted.lost} replies were received by an earlier run and are gone; "
                   "the completeness check shows them", err=True)  # fmt: skip
    if done.failed:
        raise MadangError(
            f"{task} {report.run}", f"{done.failed} calls failed transiently and stay pending", "Run again"
        )


@main.command()
@click.argument("task")
@click.option("--failure", help="Only this class, such as too_long; all by default.")
@guarded
def retry(task: str, failure: str | None) -> None:
    """Take posts out of quarantine, so that the next run asks them again."""
    from madang.extraction.plan import retry_quarantined
    from madang.models.catalogue import Catalogue
    from madang.recipe import recipe_of
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import open_warehouse

    settings = Settings.load()
    recipe = recipe_of(load_task(settings.project, task), Catalogue(settings).identity)
    taken = retry_quarantined(open_warehouse(settings), recipe, failure)
    click.echo(f"{taken} posts of {task} are pending again")


@main.command()
@click.argument("recipe")
@guarded
def release(recipe: str) -> None:
    """Make a recipe live, such as groups@2."""
    from madang.releases import release as release_recipe
    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    release_recipe(open_warehouse(Settings.load()), recipe)
    click.echo(f"{recipe} is live")


@main.command()
@click.argument("task")
@guarded
def rollback(task: str) -> None:
    """Make the recipe live again that was live before."""
    from madang.releases import rollback as roll_back
    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    click.echo(f"{roll_back(open_warehouse(Settings.load()), task)} is live")


@main.command()
@click.option("--acknowledge-lost", metavar="TASK", help="Say that you know of a task's lost replies.")
@guarded
def check(acknowledge_lost: str | None) -> None:
    """Check declarations and rows; exit 1 if one fails. `low` is a quality that is low, not a row that is wrong."""
    from madang.extraction.checks import acknowledge_lost as acknowledge
    from madang.extraction.checks import run_checks
    from madang.extraction.images import refuse_blind_models
    from madang.settings import Settings
    from madang.task import load_task, load_tasks
    from madang.warehouse.opening import is_there, open_warehouse

    settings = Settings.load()
    if acknowledge_lost:
        known = acknowledge(open_warehouse(settings), load_task(settings.project, acknowledge_lost))
        click.echo(f"{known} lost replies of {acknowledge_lost} acknowledged")
    loaded, errors = load_tasks(settings.project)
    tasks = []
    for task in loaded:
        try:
            refuse_blind_models(task, settings.models.get)
            tasks.append(task)
        except DeclarationError as refusal:
            errors.append(refusal)
    for error in errors:
        click.echo(f"FAILED  {error}")
    has_rows = is_there(settings)
    failed = len(errors)
    for task in tasks:
        click.echo(f"ok      {task.name}: declaration")
        if not has_rows:
            continue
        for result in run_checks(open_warehouse(settings, read_only=True), task):
            word = "ok" if result.passed else "FAILED" if result.severity == "error" else "low"
            click.echo(f"{word:7} {task.name}: {result.name}: {result.summary}")
            failed += word == "FAILED"
    if failed:
        sys.exit(1)


@main.command("eval")
@click.argument("task")
@click.option("--posts", required=True, type=click.Path(path_type=Path), help="File of posts.")
@click.option("--gold", type=click.Path(path_type=Path), help="File of answers; the task's own by default.")
@click.option(
    "--gold-from", type=click.Choice(["form", "categories", "mentions"]), help="Key of the posts that holds answers."
)
@click.option(
    "--lane", type=click.Choice(["online", "batch", "local", "student", "reader"]), help="Only models of this lane."
)
@click.option("--recipe", help="Score the stored rows of this recipe, such as groups@2, and ask nothing.")
@click.option(
    "--sample", type=click.IntRange(min=1), default=200, show_default=True, help="Most posts, by hash of their id."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another sample.")
@click.option(
    "--part", type=click.Choice(["tune", "score", "all"]), default="all", show_default=True, help="Of shared gold."
)
@click.option("--json", "as_json", is_flag=True, help="The scoring contract's JSON.")
@click.option(
    "--html", type=click.Path(path_type=Path), help="Write a page with slices, reliability and worst answers."
)
@guarded
def evaluate(task: str, posts: Path, gold: Path | None, as_json: bool, html: Path | None, **options: Any) -> None:
    """Score a task against gold; reads no posts of the warehouse."""
    from datetime import UTC, datetime

    from rich.console import Console

    from madang.evaluation import evaluate as evaluate_task
    from madang.evaluation.table import report_table
    from madang.ops import EVALUATIONS, OPS_TABLES
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import Change, open_warehouse

    settings = Settings.load()
    loaded = load_task(settings.project, task)
    warehouse = open_warehouse(settings)
    warehouse.ensure(OPS_TABLES)
    report = evaluate_task(
        loaded, settings, posts, gold=gold, warehouse=warehouse, **options,
        on_reply=lambda answered, wanted: click.echo(f"\r{answered} of {wanted} calls", nl=False, err=True),
    )  # fmt: skip
    click.echo(err=True)
    warehouse.commit([Change(EVALUATIONS, report.to_rows(datetime.now(UTC)))])
    if html is not None:
        from madang.evaluation.html import report_html

        html.write_text(report_html(report), encoding="utf-8")
        click.echo(f"written: {html}", err=True)
    if as_json:
        if report.unmapped:
            click.echo(f"not scored: {', '.join(report.unmapped)}", err=True)
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        Console().print(report_table(report))


def _pair(text: str) -> tuple[str, str]:
    ours, separator, theirs = text.partition("=")
    if not separator or not theirs:
        raise InputError("--map", f"{text!r} is not OURS=THEIRS", "Write, for example, --map body=content")
    return ours, theirs


if __name__ == "__main__":
    main()
