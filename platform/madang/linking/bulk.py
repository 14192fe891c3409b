"""Links the mentions of many posts at once, for a table of linked mentions.

A post's mentions help each other: those that are told alone are linked first, and the others are then looked for
near them.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from madang.errors import InputError
from madang.linking.link import Link
from madang.linking.linker import Linker, MentionContext

TEXT, DISTRICT, DONG, CONTEXT = "text", "district", "dong", "context"
_POST = ("source", "post_id", "content_hash")
_LINKED = pl.Schema(
    {
        "place_id": pl.String(), "place_name": pl.String(), "place_score": pl.Float64(),
        "place_probability": pl.Float64(), "place_outcome": pl.String(), "place_reason": pl.String(),
        "runner_up_id": pl.String(), "directory": pl.String(),
    }
)  # fmt: skip


def link_mentions(mentions: pl.DataFrame, linker: Linker) -> pl.DataFrame:
    """Links mentions.

    Args:
        mentions: One row a mention: `text`, and where known `district`, `dong` and `context` (the text around it).
            Rows that agree in those of source, post_id and content_hash that are there are one post's.
        linker: Of the directory.

    Returns:
        The same rows in the same order, with place_id, place_name (both null where it abstains), place_score,
        place_probability, place_outcome, place_reason, runner_up_id and the directory's version.

    Raises:
        InputError: There is no column `text`.
    """
    if TEXT not in mentions.columns:
        raise InputError("mentions", f"there is no column {TEXT!r}", "Name the mentions' column so")
    identity = [name for name in _POST if name in mentions.columns]
    numbered = mentions.with_row_index("_row")
    found: dict[int, Link] = {}
    for _, post in numbered.group_by(identity, maintain_order=True) if identity else [((), numbered)]:
        rows = post.to_dicts()
        links = link_together(linker, [(str(row[TEXT] or ""), _context(row)) for row in rows])
        found.update(zip((row["_row"] for row in rows), links, strict=True))
    linked = [_row(found[number]) for number in range(mentions.height)]
    return mentions.hstack(pl.DataFrame(linked, schema=_LINKED))


def link_together(linker: Linker, mentions: Sequence[tuple[str, MentionContext]]) -> list[Link]:
    """Links the mentions of one post, in their order."""
    links = [linker.link(text, context) for text, context in mentions]
    beside = tuple(link.linked.place for link in links if link.linked)
    if not beside:
        return links
    return [
        link if link.linked or not link.candidates else linker.link(text, context.near(beside))
        for link, (text, context) in zip(links, mentions, strict=True)
    ]


def _context(row: dict[str, Any]) -> MentionContext:
    district, dong, text = (str(row.get(name) or "") for name in (DISTRICT, DONG, CONTEXT))
    return MentionContext(district, dong, text)


def _row(link: Link) -> dict[str, object]:
    linked, best, second = link.linked, link.best, link.runner_up
    return {
        "place_id": linked.place.place_id if linked else None,
        "place_name": linked.place.name if linked else None,
        "place_score": best.score if best else None,
        "place_probability": best.probability if best else None,
        "place_outcome": link.outcome.value,
        "place_reason": link.reason,
        "runner_up_id": second.place.place_id if second else None,
        "directory": link.directory,
    }
