"""Applies and materialises from Python: no command line, no working directory, no environment variable.

Feast has no locks: applying and materialising each read, change and write one registry file. Whoever writes holds
our file lock and replaces the file; readers need no lock and no madang.
"""

import io
import json
import logging
import sqlite3
import warnings
from contextlib import closing, redirect_stdout
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb
from filelock import FileLock

from feature_repo.views import Repository
from madang.erasure.vacuum import vacuum
from madang.extraction.plan import Days
from madang.features import features_folder, taken_away
from madang.served_features import served_view
from madang.settings import BigQueryAddress, Settings
from madang.task import Task
from madang.warehouse import open_warehouse
from madang.warehouse.bigquery_datasets import STAGING
from madang.warehouse.sql_text import quote

if TYPE_CHECKING:
    from feast import FeatureStore

_CONFIGURATION = """\
# Written by madang. From anywhere: FeatureStore(repo_path="<MADANG_HOME>/feast"). Paths are relative to this folder.
project: madang
provider: local
registry: {{registry_type: file, path: registry.pb, cache_ttl_seconds: 60, serve_features_while_materializing: true}}
offline_store: {{{offline_store}}}
online_store: {{type: sqlite, path: online.sqlite}}
entity_key_serialization_version: 3
"""
_KEY_VERSION = 3
_BUSY_SECONDS = 60


def open_store(settings: Settings) -> "FeatureStore":
    """The feature store of a home, created on first use."""
    from feast import FeatureStore

    # After the import, which puts a filter of its own in front: Feast's reader calls what DuckDB has renamed.
    warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
    # BigQuery's client does without two packages that it would rather have, and says so at every read and upload.
    warnings.filterwarnings("ignore", message="BigQuery Storage module not found", category=UserWarning)
    warnings.filterwarnings("ignore", message="Loading pandas DataFrame into BigQuery", category=FutureWarning)
    warnings.filterwarnings("ignore", message="Loading DataFrames via", category=PendingDeprecationWarning)
    # It says that serving while materialising has no effect on a file registry; measured, it has.
    logging.getLogger("feast").setLevel(logging.ERROR)
    folder = settings.home / "feast"
    folder.mkdir(parents=True, exist_ok=True)
    configuration, text = folder / "feature_store.yaml", _CONFIGURATION.format(offline_store=_offline_store(settings))
    if not configuration.exists() or configuration.read_text() != text:
        draft = configuration.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(configuration)
    store = FeatureStore(repo_path=str(folder))
    store.config.registry.registry_store_type = "feature_repo.registry.AtomicFileRegistryStore"
    with closing(sqlite3.connect(folder / "online.sqlite")) as online:
        # WAL stays with the file: an open reader must not make the writer fail after 5 s.
        online.execute("PRAGMA journal_mode=WAL")
    return store


def apply_and_materialise(
    settings: Settings, repository: Repository, task: Task, days: Days, *, is_whole: bool = True
) -> tuple[datetime, datetime] | None:
    """Makes the registry equal to the repository, then loads a task's days into the online store.

    Args:
        settings: Where the store is.
        repository: What should be in the registry.
        task: The task whose days were published.
        days: First and last partition, both included.
        is_whole: Whether the repository holds every task, so that what is not in it is deleted. False while a
            declaration is refused: its features must not vanish because another task ran.

    Returns:
        First and last event time that were loaded; None if the days hold no row.
    """
    store = open_store(settings)
    with FileLock(settings.home / "feast" / "write.lock"):
        _apply(store, repository, is_whole=is_whole)
        span = _event_span(settings, task, days)
        if span is not None:
            with redirect_stdout(io.StringIO()):
                store.materialize(*span, feature_views=[task.name])
        _take_away(store, settings, task, days)
    return span


def _offline_store(settings: Settings) -> str:
    """Where Feast reads features; in BigQuery, what it asks for waits among the staging tables, which expire."""
    address = settings.warehouse
    if not isinstance(address, BigQueryAddress):
        return "type: duckdb"
    return (
        f"type: bigquery, project_id: {json.dumps(address.project)}, "
        f"dataset: {json.dumps(f'{address.dataset}_{STAGING}')}, location: {json.dumps(settings.bigquery.location)}"
    )


def forget(settings: Settings, key: str, patience_seconds: float, *, is_dry_run: bool = False) -> tuple[int, bool]:
    """Deletes an entity from every view of the online store, and its bytes from the file.

    Args:
        settings: Where the store is.
        key: `source:post_id`, under whatever name an entity bears it or bore it.
        patience_seconds: How long to wait for readers.
        is_dry_run: Whether to count only.

    Returns:
        Values deleted, and whether nothing of them is left in the file: a reader with an open transaction keeps it.
    """
    from feast.infra.key_encoding_utils import deserialize_entity_key

    file = settings.home / "feast" / "online.sqlite"
    if not file.exists():
        return 0, True
    with FileLock(settings.home / "feast" / "write.lock"):
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as online, online:
            deleted = 0
            for (table,) in online.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if "entity_key" not in (row[1] for row in online.execute(f"PRAGMA table_info({quote(table)})")):
                    continue
                found = online.execute(
                    f"SELECT entity_key, count(*) FROM {quote(table)} WHERE instr(entity_key, ?) GROUP BY entity_key",
                    [key.encode()],
                ).fetchall()
                for stored, values in found:
                    entity = deserialize_entity_key(stored, entity_key_serialization_version=_KEY_VERSION)
                    if [value.string_val for value in entity.entity_values] == [key]:
                        deleted += values
                        if not is_dry_run:
                            online.execute(f"DELETE FROM {quote(table)} WHERE entity_key = ?", [stored])
        return deleted, is_dry_run or vacuum(file, patience_seconds)


def _take_away(store: "FeatureStore", settings: Settings, task: Task, days: Days) -> None:
    """Deletes from the online store what the source took away: no published day holds it, so nothing replaces it."""
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.infra.online_stores.helpers import compute_table_id
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    with closing(open_warehouse(settings, read_only=True)) as warehouse:
        gone = taken_away(warehouse, days)
    if not gone:
        return
    view = store.get_feature_view(task.name)
    table = compute_table_id(store.project, view, store.config.registry.enable_online_feature_view_versioning)
    keys = [
        EntityKey(join_keys=[f"{task.declaration.entity}_id"], entity_values=[Value(string_val=key)]) for key in gone
    ]
    stored = [(serialize_entity_key(key, entity_key_serialization_version=_KEY_VERSION),) for key in keys]
    online_file = settings.home / "feast" / "online.sqlite"
    with closing(sqlite3.connect(online_file, timeout=_BUSY_SECONDS)) as online, online:
        online.executemany(f"DELETE FROM {quote(table)} WHERE entity_key = ?", stored)


def _apply(store: "FeatureStore", repository: Repository, *, is_whole: bool) -> None:
    from feast.diff.property_diff import TransitionType
    from feast.feature_view import DUMMY_ENTITY
    from feast.project import Project
    from feast.repo_contents import RepoContents

    views = repository.views
    sources = [view.batch_source for view in views if view.batch_source is not None]
    wanted = RepoContents(
        projects=[Project(name="madang")], data_sources=sources,
        feature_views=list(views), on_demand_feature_views=[], stream_feature_views=[], label_views=[],
        entities=[*repository.entities, DUMMY_ENTITY], feature_services=list(repository.services), permissions=[],
    )  # fmt: skip
    difference, _, _ = store.plan(wanted)
    if all(change.transition_type == TransitionType.UNCHANGED or _only_timestamps(change)
           for change in difference.feast_object_diffs):  # fmt: skip
        return
    kept = {(type(item).__name__, item.name) for item in repository.everything}
    kept_sources = {source.name for source in sources}
    there: list[Any] = [*store.list_feature_services(), *store.list_feature_views(), *store.list_entities()]
    gone = [item for item in there if (type(item).__name__, item.name) not in kept]
    gone += [source for source in store.list_data_sources() if source.name not in kept_sources]
    store.apply(list(repository.everything), objects_to_delete=gone if is_whole else [], partial=False)


def _only_timestamps(change: Any) -> bool:
    """After the first materialisation Feast reports every view as changed: its stored source carries creation times."""

    def bare(source: Any) -> Any:
        copy = type(source)()
        copy.CopyFrom(source)
        copy.ClearField("meta")
        return copy

    properties = change.feast_object_property_diffs
    return bool(properties) and all(
        item.property_name == "batch_source" and bare(item.val_existing) == bare(item.val_declared)
        for item in properties
    )


def _event_span(settings: Settings, task: Task, days: Days) -> tuple[datetime, datetime] | None:
    """Event times to materialise after publishing days.

    From the rows, not from midnight to midnight: a post's day is fixed when it lands, and its event may lie outside.
    Feast writes the newest row inside the range without looking at what the online store holds, so the end moves to
    the view's newest event where an entity of the range has a later row.
    """
    key = f"{task.declaration.entity}_id"
    if isinstance(settings.warehouse, BigQueryAddress):
        return _event_span_in_bigquery(settings, task, key, days)
    folder = features_folder(settings, task)
    first, last = (f"day={day}" for day in days)
    touched = [str(path) for path in sorted(folder.glob("day=*/part.parquet")) if first <= path.parent.name <= last]
    if not touched:
        return None
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        span = connection.execute("SELECT min(event_at), max(event_at) FROM read_parquet(?)", [touched]).fetchone()
        if span is None or span[0] is None:
            return None
        every = [str(folder / "*" / "*.parquet")]
        found = connection.execute(_later_sql("read_parquet($3)", key), [*span, *every]).fetchone()
    assert found is not None
    newest, later = found
    return span[0], newest if later else span[1]


def _event_span_in_bigquery(settings: Settings, task: Task, key: str, days: Days) -> tuple[datetime, datetime] | None:
    view = served_view(task)
    with closing(open_warehouse(settings, read_only=True)) as warehouse:
        if not warehouse.has(view):
            return None
        sql = f"SELECT min(event_at) AS first, max(event_at) AS last FROM {view} WHERE day BETWEEN ? AND ?"
        first, last = warehouse.read(sql, list(days)).row(0)
        if first is None:
            return None
        newest, later = warehouse.read(_later_sql(view, key), [first, last]).row(0)
    return first, newest if later else last


def _later_sql(rows: str, key: str) -> str:
    """The newest event of all rows, and how many entities with an event from $1 to $2 have a later one."""
    return f"""
        SELECT (SELECT max(event_at) FROM {rows}) AS newest,
            (SELECT count(*) FROM {rows} WHERE event_at > $2 AND "{key}" IN (
                SELECT "{key}" FROM {rows} WHERE event_at BETWEEN $1 AND $2)) AS later
        """
