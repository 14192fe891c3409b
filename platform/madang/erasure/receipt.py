"""The receipt of an erasure: one line a store, kept in `ops.erasures`.

It names the post by source and id, never by its text. A hash of the id would only look more private: ids are short
and can be tried out, and who is asked whether a post is gone must be able to answer.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import polars as pl
from pydantic import JsonValue

from madang.ops import ERASURES

State = Literal["begun", "removed", "kept", "outside", "busy"]
# The line about the erasure itself: `begun` until every store has been gone through.
WHOLE = "erasure"
_UNIT = "rows, values and lines"


@dataclass(frozen=True)
class Post:
    """Names a post.

    Args:
        source: Its source.
        post_id: The source's own id.
    """

    source: str
    post_id: str

    @property
    def key(self) -> str:
        """Its key in features and in Feast."""
        return f"{self.source}:{self.post_id}"

    def frame(self) -> pl.DataFrame:
        """One row with `source` and `post_id`."""
        return pl.DataFrame({"source": [self.source], "post_id": [self.post_id]})


@dataclass(frozen=True)
class Line:
    """What became of the post in one store.

    Args:
        store: Table, file or folder.
        state: `begun`, until it has ended; `removed`; `kept`, with the reason; `outside` of what madang can reach; or
            `busy`: erasing again reaches it.
        removed: How many rows, files or keys went; 0 where nothing was there.
        unit: What is counted.
        note: Why it is kept, or what to do about it; holds no post text.
    """

    store: str
    state: State = "removed"
    removed: int = 0
    unit: str = "rows"
    note: str = ""


@dataclass(frozen=True)
class Receipt:
    """What an erasure did.

    Args:
        post: The post.
        erased_at: When it began, UTC.
        lines: Every store.
        is_dry_run: Whether it only looked.
    """

    post: Post
    erased_at: datetime
    lines: tuple[Line, ...]
    is_dry_run: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all that madang can reach was reached."""
        return not any(line.state == "busy" for line in self.lines)

    def to_rows(self) -> pl.DataFrame:
        """Rows of ops.erasures, with the line about the whole."""
        busy = sum(line.state == "busy" for line in self.lines)
        whole = Line(WHOLE, "busy" if busy else "removed", sum(line.removed for line in self.lines), _UNIT,
                     f"{busy} stores are in use: erase again" if busy else "")  # fmt: skip
        return _rows(self.post, self.erased_at, [whole, *self.lines])

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "source": self.post.source, "post_id": self.post.post_id, "erased_at": self.erased_at.isoformat(),
            "dry_run": self.is_dry_run, "complete": self.is_complete,
            "stores": [asdict(line) for line in self.lines],
        }  # fmt: skip


def begun(post: Post, erased_at: datetime) -> pl.DataFrame:
    """The row that is written first, so that an erasure that was killed can be seen, and taken up again."""
    return _rows(post, erased_at, [Line(WHOLE, "begun", unit=_UNIT, note="not ended: erase again")])


def _rows(post: Post, erased_at: datetime, lines: Sequence[Line]) -> pl.DataFrame:
    named = {"erased_at": erased_at, "source": post.source, "post_id": post.post_id}
    return pl.DataFrame([named | asdict(line) for line in lines], schema=ERASURES.polars_schema)
