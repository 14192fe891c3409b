"""What a task says of posts that need not have landed; nothing is written but replies, in `eval/` of the home."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from madang.evaluation.asking import Asking, Predictions
from madang.evaluation.replies import ReplyStore
from madang.extraction.budget import today
from madang.extraction.cap import Cap
from madang.extraction.claims import Claims
from madang.models.catalogue import Catalogue
from madang.settings import Settings
from madang.task import Task
from madang.warehouse.protocol import Warehouse


def predict(
    task: Task,
    settings: Settings,
    rows: Sequence[Mapping[str, object]],
    *,
    warehouse: Warehouse | None = None,
    cap_usd: float | None = None,
    on_reply: Callable[[int, int], None] = lambda _answered, _wanted: None,
    beside: Path | None = None,
) -> Predictions:
    """Brings posts to extractions as a run would.

    Args:
        task: The task.
        settings: The project's settings.
        rows: Posts with the columns of a plan and the text.
        warehouse: Its replies are used first; only read. None if there is none.
        cap_usd: Most money that calls may cost; never more than what is left of the daily cap.
        on_reply: Called after every call, with the calls answered and the calls wanted so far.
        beside: Folder of the posts' file, where their images may lie; None if there is none.

    Raises:
        CapReached: The cap stopped it; replies received are kept.
        ModelFileError: A model cannot be loaded.
    """
    store, claims = ReplyStore(settings.home / "eval"), Claims(settings.home / "claims.sqlite")

    def cap_of(spent_usd: float) -> Cap:
        left = None if cap_usd is None else cap_usd - spent_usd
        return Cap(left, settings.daily_cap_usd, claims, lambda: today(settings), f"eval {task.name}")

    try:
        asking = Asking(
            task, Catalogue(settings), store, warehouse=warehouse, claims=claims, cap_of=cap_of, on_reply=on_reply,
            beside=beside,
        )  # fmt: skip
        return asking.ask(rows)
    finally:
        store.close()
        claims.close()
