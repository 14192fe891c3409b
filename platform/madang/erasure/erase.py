"""Erases one post, store by store.

In this order, because it may be killed anywhere and is then run again: what can be found only through the post's rows
goes before them; what needs no more than its name goes after. The receipt is begun before anything is deleted, so that
a second erasure finds a post that has no row any more. Last comes what makes deleted rows unreadable.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from madang.erasure.landed import remove_landed
from madang.erasure.older_states import READ_FROM, older_states
from madang.erasure.outside import outside_lines
from madang.erasure.receipt import Line, Post, Receipt, begun
from madang.erasure.requests import AboutPost, Requests
from madang.erasure.search import files_with, lines_with, of_no_other, pieces_of
from madang.erasure.tables import doomed_rows
from madang.erasure.vacuum import vacuum
from madang.errors import InputError
from madang.evaluation.replies import ReplyStore
from madang.extraction.adoption import adopt_orphans
from madang.extraction.claims import Claims
from madang.extraction.spool import is_alive, log_names
from madang.features import remove_published
from madang.models.catalogue import Catalogue
from madang.ops import ERASURES, LEDGER, OPS_TABLES
from madang.posts.table import RAW_POSTS
from madang.settings import Settings
from madang.task import Task, load_tasks
from madang.warehouse.bigquery import BigQueryWarehouse
from madang.warehouse.bigquery_jobs import RowsAreArriving
from madang.warehouse.protocol import Change, Warehouse

# Deletes a key from the online store: how many values, and whether its bytes are gone.
Forget = Callable[[Settings, str, float, bool], tuple[int, bool]]


class Erasure:
    """The erasure of one post.

    Args:
        settings: Where everything is.
        warehouse: The warehouse, open for writing.
        post: The post.
        forget: Deletes it from the online store.
        patience_seconds: How long to wait for the readers of a file.
        is_dry_run: Whether to look only.
    """

    def __init__(
        self, settings: Settings, warehouse: Warehouse, post: Post, forget: Forget, *,
        patience_seconds: float, is_dry_run: bool = False,
    ) -> None:  # fmt: skip
        self._settings, self._warehouse, self._post, self._forget = settings, warehouse, post, forget
        self._patience_seconds, self._is_dry_run = patience_seconds, is_dry_run
        self._tasks: list[Task] = load_tasks(settings.project)[0]

    def run(self) -> Receipt:
        """Erases, and writes the receipt.

        Raises:
            InputError: No post bears this name, and none that did was erased. Nothing was written.
        """
        self._require_known()
        erased_at = datetime.now(UTC)
        if not self._is_dry_run:
            self._warehouse.ensure(OPS_TABLES)
            self._warehouse.commit([Change(ERASURES, begun(self._post, erased_at))])
        receipt = Receipt(self._post, erased_at, tuple(self._lines()), self._is_dry_run)
        if not self._is_dry_run:
            self._warehouse.commit([Change(ERASURES, receipt.to_rows(), "upsert")])
        return receipt

    def _lines(self) -> Iterator[Line]:
        yield from self._spool()
        evaluations = self._settings.home / "eval"
        store = ReplyStore(evaluations) if (evaluations / "replies.sqlite").exists() else None
        texts = self._texts()
        with self._warehouse.exclusive():
            requests = Requests(self._warehouse, self._tasks, Catalogue(self._settings), store)
            about = requests.about(self._post)
            outside = list(outside_lines(self._settings, self._warehouse, self._post, about))
            if store is not None:
                yield self._evaluations(store, about.own | requests.quoting(self._post))
            yield from self._claims(about)
            yield from self._rows(about)
        yield from self._features()
        landed = self._settings.home / "inbox" / "landed"
        if landed.is_dir():
            removed = remove_landed(landed, self._post, is_dry_run=self._is_dry_run)
            yield Line("inbox/landed", removed=removed, unit="lines")
        yield from older_states(self._warehouse, datetime.now(UTC), self._patience_seconds, is_dry_run=self._is_dry_run)
        yield from outside
        yield from self._remnants(texts)

    def _require_known(self) -> None:
        named = [self._post.source, self._post.post_id]
        for table in (RAW_POSTS, ERASURES):
            if self._warehouse.has(table.name) and self._warehouse.read(
                f"SELECT 1 FROM {table.name} WHERE source = ? AND post_id = ? LIMIT 1", named
            ).height:  # fmt: skip
                return
        raise InputError(
            "--post-id", f"no post {self._post.post_id!r} of source {self._post.source!r} has landed, nor was erased",
            "Look for it: madang sql \"SELECT DISTINCT source FROM raw.posts\"",
        )  # fmt: skip

    def _texts(self) -> list[str]:
        if not self._warehouse.has(RAW_POSTS.name):
            return []
        found = self._warehouse.read(
            "SELECT title, body FROM raw.posts WHERE source = ? AND post_id = ?",
            [self._post.source, self._post.post_id],
        )
        return [text for row in found.iter_rows() for text in row if text]

    def _spool(self) -> Iterator[Line]:
        """What dead processes left goes to the warehouse first, where it is found; living ones are left alone."""
        folder, claims_file = self._settings.home / "spool", self._settings.home / "claims.sqlite"
        names = log_names(folder)
        living = [name for name in names if is_alive(folder, name)]
        if claims_file.exists() and not self._is_dry_run:
            claims = Claims(claims_file)
            try:
                adopt_orphans(self._warehouse, claims, folder)
            finally:
                claims.close()
        yield Line("spool", removed=len(names) - len(living), unit="logs of dead processes")
        for name in living:
            yield Line(f"spool/{name}", "busy", unit="logs", note="a run is at work, and may have read the post: erase "
                       "again when it has ended")  # fmt: skip

    def _evaluations(self, store: ReplyStore, request_hashes: frozenset[str]) -> Line:
        there = store.read(request_hashes)
        try:
            if not self._is_dry_run:
                store.remove(there)
        finally:
            store.close()
        is_done = self._is_dry_run or vacuum(store.file, self._patience_seconds)
        return Line("eval/replies.sqlite", "removed" if is_done else "busy", len(there), "replies",
                    "" if is_done else READ_FROM)  # fmt: skip

    def _claims(self, about: AboutPost) -> Iterator[Line]:
        """Claims hold hashes only. One that waits for a batch job goes, so that its answer finds nobody."""
        file = self._settings.home / "claims.sqlite"
        if not file.exists():
            return
        claims, spool = Claims(file), self._settings.home / "spool"
        try:
            held = {one: claims.held(one) for one in about.own}
            free = [one for one, by in held.items() if by is not None and not is_alive(spool, by.owner)]
            if not self._is_dry_run:
                claims.release(free)
        finally:
            claims.close()
        is_done = self._is_dry_run or vacuum(file, self._patience_seconds)
        yield Line("claims.sqlite", "removed" if is_done else "busy", len(free), "claims",
                   "" if is_done else READ_FROM)  # fmt: skip

    def _rows(self, about: AboutPost) -> Iterator[Line]:
        """All tables in one transaction."""
        doomed = doomed_rows(self._warehouse, self._post, about.own)
        try:
            if not self._is_dry_run:
                self._warehouse.commit([one.change for one in doomed])
            removed = Counter[str]()  # a table of features may have two columns of keys, and has one line
            for one in doomed:
                removed[one.table] += one.rows
            yield from (Line(table, removed=rows) for table, rows in removed.items())
        except RowsAreArriving:
            yield Line("warehouse", "busy", note="somebody streamed rows of the post in, which BigQuery does not let "
                       "go for up to 90 minutes: no table was touched, erase again then")  # fmt: skip
        if about.shared:
            yield Line("ops.replies, shared", "kept", unit="replies", note=f"{len(about.shared)} are those of other "
                       "posts of the same text too: they go with the last of these")  # fmt: skip
        if self._warehouse.has(LEDGER.name):
            yield Line(LEDGER.name, "kept", note="money must add up: hashes, tokens and costs, no text")

    def _features(self) -> Iterator[Line]:
        for folder in sorted((self._settings.home / "features").glob("*/")):
            removed = remove_published(folder, self._post.key, is_dry_run=self._is_dry_run)
            yield Line(f"features/{folder.name}", removed=removed, unit="published rows")
        if (self._settings.home / "feast" / "online.sqlite").exists():
            values, is_done = self._forget(self._settings, self._post.key, self._patience_seconds, self._is_dry_run)
            yield Line("feast/online.sqlite", "removed" if is_done else "busy", values, "values",
                       "" if is_done else READ_FROM)  # fmt: skip

    def _remnants(self, texts: list[str]) -> Iterator[Line]:
        """Where the post still stands, in the home and beside the tasks."""
        pieces = self._pieces(texts)
        for task in self._tasks:
            for file in sorted(task.folder.glob("*.jsonl")):
                if lines := lines_with(file, self._post.source, self._post.post_id, pieces):
                    yield Line(str(file.relative_to(self._settings.project)), "outside", unit="lines",
                               note=f"{lines} lines are of it: remove them there")  # fmt: skip
        if self._is_dry_run:
            return
        found, looked_at = files_with(self._settings.home, pieces)
        for path in found:
            yield Line(self._named(path), "outside", unit="files", note=self._what_to_do(path))
        note = "its text is gone, too short, or in other posts too: nothing to look for"
        if pieces:
            note = f"{len(pieces)} pieces of its text looked for in {looked_at} files: found in {len(found)}"
        yield Line("search of the home", unit="files", note=note)

    def _named(self, path: Path) -> str:
        return str(path.relative_to(self._settings.home))

    def _pieces(self, texts: list[str]) -> list[str]:
        """What to look for. Whether other posts hold it too, BigQuery is not asked.

        It would have to read every post there is, and be sent the text that has just been deleted.
        """
        if self._is_dry_run or not texts:
            return []
        pieces = pieces_of(texts)
        return pieces if isinstance(self._warehouse, BigQueryWarehouse) else of_no_other(self._warehouse, pieces)

    def _what_to_do(self, path: Path) -> str:
        if isinstance(self._warehouse, BigQueryWarehouse):
            return "a line of its text stands there, if not another post's of the same words: remove it"
        if "inbox" in path.parts:
            return "its text stands there: remove it"
        return "its text stands there, and no store of madang's is so called: remove it"
