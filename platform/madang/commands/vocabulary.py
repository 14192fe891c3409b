"""`madang vocabulary`: names that posts use and the approved vocabulary of goods lacks."""

import json

import click

from madang.commands.columns import aligned
from madang.commands.options import guarded


@click.command()
@click.option("--least", default=3, show_default=True, metavar="POSTS", help="Leave out names of fewer posts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a name.")
@guarded
def vocabulary(least: int, as_json: bool) -> None:
    """Propose brands and products of goods; approve one by writing it to goods_brands.yaml."""
    from madang.proposals import proposed_names
    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    proposed = proposed_names(open_warehouse(Settings.load(), read_only=True), least)
    if as_json:
        for row in proposed.iter_rows(named=True):
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    if proposed.is_empty():
        click.echo(f"no name of at least {least} posts is missing")
        return
    rows = [(row["kind"], row["name"], row["category"], " ".join(row["examples"]), str(row["posts"]))
            for row in proposed.iter_rows(named=True)]  # fmt: skip
    click.echo("\n".join(aligned([("kind", "name", "category", "examples", "posts"), *rows], left=4)))
