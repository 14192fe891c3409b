"""`madang erase`: a post leaves every store; the receipt goes to ops.erasures and to the terminal."""

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from madang.commands.options import guarded

if TYPE_CHECKING:
    from rich.table import Table

    from madang.erasure.receipt import Receipt
    from madang.settings import Settings

_PATIENCE_SECONDS = 30.0


@click.command()
@click.option("--source", required=True, help="Source of the post.")
@click.option("--post-id", required=True, help="The source's own id.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@guarded
def erase(source: str, post_id: str, dry_run: bool, as_json: bool) -> None:
    """Erase a post everywhere; exit 1 if a store was in use, and it must be run again."""
    from rich.console import Console

    from madang.erasure.erase import Erasure
    from madang.erasure.receipt import Post
    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    settings = Settings.load()
    warehouse = open_warehouse(settings, read_only=dry_run)
    receipt = Erasure(settings, warehouse, Post(source, post_id), _forget, patience_seconds=_PATIENCE_SECONDS,
                      is_dry_run=dry_run).run()  # fmt: skip
    if as_json:
        click.echo(json.dumps(receipt.to_json(), ensure_ascii=False))
    else:
        Console().print(_table(receipt))
    if not receipt.is_complete:
        sys.exit(1)


def _forget(settings: "Settings", key: str, patience_seconds: float, is_dry_run: bool) -> tuple[int, bool]:
    # By name: this package imports neither Feast nor what does.
    forgotten: tuple[int, bool] = import_module("feature_repo.store").forget(
        settings, key, patience_seconds, is_dry_run=is_dry_run
    )
    return forgotten


def _table(receipt: "Receipt") -> "Table":
    from rich.table import Table

    verb = "would be erased" if receipt.is_dry_run else "erased" if receipt.is_complete else "erased in part"
    table = Table(title=f"{receipt.post.key}: {verb} {receipt.erased_at:%Y-%m-%d %H:%M:%S} UTC")
    for name in ("store", "state", "removed", "note"):
        table.add_column(name, justify="right" if name == "removed" else "left", overflow="fold")
    for line in receipt.lines:
        removed = f"{line.removed} {line.unit}" if line.state in ("removed", "busy") else ""
        table.add_row(line.store, line.state, removed, line.note)
    return table
