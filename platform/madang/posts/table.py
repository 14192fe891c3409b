"""`raw.posts`, and the SQL that every reader of it shares."""

from collections.abc import Sequence

from madang.schema.types import BOOLEAN, DATE, INSTANT, INTEGER, JSON, TEXT, TEXTS, Column, Table

TEXT_COLUMNS = ("title", "body")

RAW_POSTS = Table(
    "raw.posts",
    (
        Column("source", TEXT, "Where the post comes from"),
        Column("post_id", TEXT, "The source's own id"),
        Column("revision", INTEGER, "State of the post: the source's own number, else 1, 2, 3 …"),
        Column("board", TEXT, "Board or category on which it was posted"),
        Column("title", TEXT, "As written; empty if there is none"),
        Column("body", TEXT, "As written; empty if there is none"),
        Column("images", TEXTS, "Addresses of its images"),
        Column("extra", JSON, "Everything else that the source gives, by name"),
        Column("title_hash", TEXT, "SHA-256 of the title in NFC, before masking"),
        Column("body_hash", TEXT, "SHA-256 of the body in NFC, before masking"),
        Column("text_hash", TEXT, "SHA-256 of the two hashes in a row; null where it landed before there was one"),
        Column("title_chars", INTEGER, "Code points of the title, so that planning reads no text"),
        Column("body_chars", INTEGER, "Code points of the body"),
        Column("event_at", INSTANT, "When it was posted, UTC; null if the source does not say"),
        Column("ingested_at", INSTANT, "When this revision landed, UTC"),
        Column("day", DATE, "Partition, fixed when the post first lands"),
        Column("deleted", BOOLEAN, "Whether the source took it away with this revision"),
        Column("landed_from", TEXT, "File it landed from: name and first 12 digits of its SHA-256"),
        Column("landed_position", INTEGER, "Its line or row there, from 1"),
    ),
    ("source", "post_id", "revision"),
    "A revision of a post: its text as written, hashes, when it happened and landed",
)

CURRENT = "QUALIFY row_number() OVER (PARTITION BY source, post_id ORDER BY revision DESC) = 1"


def content_hash_sql(text: Sequence[str], prefix: str = "", *, images: int = 0, is_stored: bool = False) -> str:
    """SQL for a task's content hash: the hash of its text columns' hashes, in declared order, and of what it sees else.

    Args:
        text: The text columns.
        prefix: Written before each column.
        images: How many images it shows; their addresses count.
        is_stored: Whether `raw.posts` has `text_hash`, which spares hashing; no row needs to have a value there.
    """
    parts = [f'{prefix}"{column}_hash"' for column in text]
    if images:
        parts.append(f"sha256(coalesce(array_to_string({prefix}\"images\"[1:{images}], chr(10)), ''))")
    hashed = f"sha256({' || '.join(parts)})"
    is_of_text = tuple(text) == TEXT_COLUMNS and not images
    return f'coalesce({prefix}"text_hash", {hashed})' if is_stored and is_of_text else hashed


def chars_sql(text: Sequence[str], prefix: str = "") -> str:
    """SQL for the code points that a task reads of a post."""
    return "(" + " + ".join(f'{prefix}"{column}_chars"' for column in text) + ")"
