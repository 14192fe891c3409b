"""`madang places`: the directory of places that links lead to."""

from pathlib import Path

import click

from madang.commands.options import days_of, guarded, with_days
from madang.errors import InputError, NothingPlanned


@click.group()
def places() -> None:
    """Import a directory of places; say what people call one; link mentions to it."""


@places.command("import")
@click.argument("source", metavar="FILE|PROJECT.DATASET.TABLE")
@click.option("--map", "columns", multiple=True, metavar="OURS=THEIRS", help="How a column is named there.")
@guarded
def import_places(source: str, columns: tuple[str, ...]) -> None:
    """Import places from JSON lines, JSON, CSV, Parquet or a BigQuery table into raw.places."""
    from madang.linking.directory import is_bigquery_table, read_places, read_places_of_bigquery
    from madang.linking.landing import land_places
    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    named = dict(_pair(column) for column in columns)
    is_table = is_bigquery_table(source)
    found = read_places_of_bigquery(source, named) if is_table else read_places(Path(source), named)
    landed = land_places(open_warehouse(Settings.load()), found, source if is_table else Path(source).name)
    told = f"{landed.written:,} rows written" if landed.written else "unchanged"
    click.echo(f"{landed.places:,} places, directory {landed.version}: {told}")


@places.command()
@click.argument("name")
@click.argument("place_id")
@guarded
def alias(name: str, place_id: str) -> None:
    """Remember that NAME means a place."""
    from madang.linking.landing import confirm
    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    confirm(open_warehouse(Settings.load()), name, place_id)
    click.echo(f"{name} means {place_id}")


@places.command()
@click.argument("task")
@with_days
@guarded
def link(task: str, first: str | None, last: str | None) -> None:
    """Link the mentions of TASK that the current directory has not seen; exit 3 if there is no directory."""
    from madang.linking.links import link_days
    from madang.settings import Settings
    from madang.task import load_task
    from madang.warehouse import open_warehouse

    settings = Settings.load()
    loaded = load_task(settings.project, task)
    if loaded.linked_field is None:
        raise InputError(task, "none of its fields is linked", "Write `link: places` at its field of mentions")
    done = link_days(open_warehouse(settings), settings, loaded, days_of(settings, first, last))
    if done.directory is None:
        raise NothingPlanned(task, "no directory of places has been imported", "Run: madang places import FILE")
    click.echo(done.line)


def _pair(text: str) -> tuple[str, str]:
    ours, separator, theirs = text.partition("=")
    if not separator or not theirs:
        raise InputError("--map", f"{text!r} is not OURS=THEIRS", "Write, for example, --map name=title")
    return ours, theirs
