"""`madang docs`: what the tables and columns of the warehouse mean, as a Markdown page."""

import click

from madang.commands.options import guarded


@click.command()
@guarded
def docs() -> None:
    """Describe every table, view and column, as Markdown."""
    from madang.documentation import tables_page
    from madang.settings import Settings
    from madang.task import load_tasks

    tasks, errors = load_tasks(Settings.load().project)
    for error in errors:
        click.echo(f"left out: {error}", err=True)
    click.echo(tables_page(tasks), nl=False)
