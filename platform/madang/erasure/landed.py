"""Files that have landed and were put aside in `inbox/landed/`: they are ours, so the post's lines go.

Only JSON lines: of a table in CSV or Parquet the receipt says that it holds the post. Files still in the inbox are
somebody else's, who may be writing them.
"""

import json
import os
import re
from pathlib import Path

from madang.erasure.receipt import Post

_DIGITS = re.compile(r"-[0-9a-f]{8}$")


def remove_landed(folder: Path, post: Post, *, is_dry_run: bool) -> int:
    """Rewrites landed files without the post's lines; gives how many there were.

    Args:
        folder: The folder `landed`.
        post: The post.
        is_dry_run: Whether to count only.
    """
    removed = 0
    for draft in [] if is_dry_run else folder.glob("*.draft"):  # of an erasure that was killed
        draft.unlink()
    for file in sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jsonl", ".ndjson")):
        lines = file.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not _is_of(line, post, _DIGITS.sub("", file.stem))]
        removed += len(lines) - len(kept)
        if len(kept) < len(lines) and not is_dry_run:
            draft = file.with_name(f"{file.name}.{os.getpid()}.draft")
            draft.write_bytes(b"".join(kept))
            draft.replace(file)
    return removed


def _is_of(line: bytes, post: Post, stem: str) -> bool:
    """Whether a line is of the post; a line without a source is of the one that the file is called by."""
    try:
        row = json.loads(line)
    except ValueError:  # it landed, so it is blank
        return False
    return isinstance(row, dict) and (row.get("source") or stem, str(row.get("post_id"))) == (post.source, post.post_id)
