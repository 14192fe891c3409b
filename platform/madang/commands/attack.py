"""`madang attack`: whether a task obeys hostile posts."""

import json

import click

from madang.commands.options import guarded


@click.command()
@click.argument("task")
@click.option(
    "--victims", type=click.IntRange(min=1), default=1, show_default=True, help="Samples that are made hostile."
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@guarded
def attack(task: str, victims: int, as_json: bool) -> None:
    """Let hostile posts through a task; exit 1 if one is obeyed, breaks something or changes another post."""
    from datetime import UTC, datetime

    from madang.evaluation.hostile import attack as attack_task
    from madang.ops import EVALUATIONS, OPS_TABLES
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import Change, open_warehouse

    settings = Settings.load()
    warehouse = open_warehouse(settings)
    warehouse.ensure(OPS_TABLES)
    report = attack_task(
        load_task(settings.project, task), settings, victims=victims, warehouse=warehouse,
        on_reply=lambda answered, wanted: click.echo(f"\r{answered} of {wanted} calls", nl=False, err=True),
    )  # fmt: skip
    warehouse.commit([Change(EVALUATIONS, report.to_rows(datetime.now(UTC)))])
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        click.echo(f"\n{report.task} ({report.recipe}, lane {report.lane}): {report.summary}")
    if not report.passed:
        raise SystemExit(1)
