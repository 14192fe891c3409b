"""`madang link`: posts to places of a directory, one JSON object a post, or scores against map cards."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from madang.commands.options import guarded

if TYPE_CHECKING:
    from madang.linking.linker import Linker
    from madang.settings import Settings


@click.command()
@click.option("--posts", required=True, type=click.Path(path_type=Path), help="File of posts.")
@click.option(
    "--directory", type=click.Path(path_type=Path), help="File of places; by default the directory last imported."
)
@click.option("--gold-from", type=click.Choice(["places"]), help="Score against the map cards under this key.")
@click.option(
    "--sample", type=click.IntRange(min=1), default=200, show_default=True, help="Most posts scored, by hash of id."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another sample.")
@click.option(
    "--part", type=click.Choice(["tune", "score", "all"]), default="all", show_default=True, help="Of shared gold."
)
@click.option("--json", "as_json", is_flag=True, help="JSON: the scoring contract's, or one object a post.")
@guarded
def link(
    posts: Path, directory: Path | None, gold_from: str | None, sample: int, seed: int,
    part: Literal["tune", "score", "all"], as_json: bool,
) -> None:  # fmt: skip
    """Link the place that each post is about, and those that it mentions; say why where there is none."""
    from rich.console import Console

    from madang.evaluation.table import report_table
    from madang.linking.scoring import score_links
    from madang.settings import Settings

    linker = _linker(Settings.load(), directory)
    if gold_from is None:
        _print_links(linker, posts, as_json=as_json)
        return
    report = score_links(linker.index, posts, str(directory or "raw.places"), sample=sample, seed=seed, part=part)
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        Console().print(report_table(report))


def _linker(settings: "Settings", directory: Path | None) -> "Linker":
    import time

    from madang.linking.landing import aliases_of
    from madang.linking.linker import Linker
    from madang.linking.opening import index_of_file, index_of_warehouse
    from madang.warehouse import open_warehouse

    started = time.perf_counter()
    aliases: dict[str, tuple[str, ...]] = {}
    if directory is None:
        warehouse = open_warehouse(settings, read_only=True)
        index, aliases = index_of_warehouse(settings, warehouse), aliases_of(warehouse)
    else:
        index = index_of_file(settings, directory)
    click.echo(f"{len(index):,} places, directory {index.version}, ready in {time.perf_counter() - started:.1f} s",
               err=True)  # fmt: skip
    return Linker(index, aliases)


def _print_links(linker: "Linker", posts: Path, *, as_json: bool) -> None:
    import time

    import numpy as np

    from madang.linking.main_place import link_main_place, words_of
    from madang.linking.post_mentions import link_post_mentions
    from madang.posts.reading import read_posts

    seconds = []
    linked = mentions = linked_mentions = 0
    for row in read_posts(posts).iter_rows(named=True):
        if row["deleted"]:
            continue
        started = time.perf_counter()
        found = link_main_place(linker.index, words_of(row))
        beside = link_post_mentions(linker, row)
        seconds.append(time.perf_counter() - started)
        linked += found.linked is not None
        mentions += len(beside)
        linked_mentions += sum(link.linked is not None for link in beside)
        if as_json:
            told = {"source": row["source"], "post_id": row["post_id"], **found.to_json(),
                    "mentions": [link.to_json() for link in beside]}  # fmt: skip
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            name = found.linked.place.name if found.linked else "–"
            click.echo(f"{row['post_id']}  {name}  {found.reason}")
    if seconds:
        half, most = np.percentile(seconds, [50, 99]) * 1_000
        click.echo(f"the place of {linked} of {len(seconds)} posts linked, {linked_mentions} of {mentions} mentions; "
                   f"p50 {half:.1f} ms, p99 {most:.1f} ms a post", err=True)  # fmt: skip
