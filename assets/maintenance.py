"""`maintenance/*`: upkeep of the embedded warehouse. Belongs here: the assets. Does not: what upkeep is.

BigQuery looks after itself, so that there these have nothing to do, and say so.
"""

from dataclasses import asdict

import dagster as dg

from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.maintenance import compact, delete_orphans, expire
from madang.warehouse.maintenance import statistics as read_statistics
from madang.warehouse.protocol import Warehouse
from resources import WarehouseResource

GROUP = "maintenance"
_PREFIX = "maintenance"


@dg.asset(key_prefix=_PREFIX, group_name=GROUP, kinds={"duckdb"})
def compaction(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """Rows of small commits, of small files and of half-deleted ones go to larger files; readers do not notice."""
    with warehouse.open() as opened:
        if not isinstance(opened, DuckLakeWarehouse):
            return _by_itself(opened)
        return dg.MaterializeResult(metadata=asdict(compact(opened)))


@dg.asset(key_prefix=_PREFIX, group_name=GROUP, kinds={"duckdb"}, deps=[compaction])
def snapshots(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """Snapshots older than `snapshot_days` of the settings go, and the files that only they needed."""
    days = warehouse.settings().snapshot_days
    with warehouse.open() as opened:
        if not isinstance(opened, DuckLakeWarehouse):
            return _by_itself(opened)
        gone = expire(opened, days)
    return dg.MaterializeResult(
        metadata={
            "snapshot_days": days, "expired_snapshots": gone.snapshots, "deleted_files": gone.files,
            "deleted_inlined_rows": gone.inlined_rows,
        }
    )  # fmt: skip


@dg.asset(key_prefix=_PREFIX, group_name=GROUP, kinds={"duckdb"}, deps=[snapshots])
def orphans(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """Data files go that a process killed before its commit has left."""
    with warehouse.open() as opened:
        if not isinstance(opened, DuckLakeWarehouse):
            return _by_itself(opened)
        return dg.MaterializeResult(metadata={"deleted_files": delete_orphans(opened)})


@dg.asset(key_prefix=_PREFIX, group_name=GROUP, kinds={"duckdb"}, deps=[orphans])
def statistics(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """One row of the table below is a table of the warehouse: rows, files, bytes. Writes nothing."""
    with warehouse.open(read_only=True) as opened:
        if not isinstance(opened, DuckLakeWarehouse):
            return _by_itself(opened)
        found = read_statistics(opened)
    schema = dg.TableSchema(
        [dg.TableColumn(name, "string" if name == "name" else "int") for name in found.tables.columns]
    )
    records = [dg.TableRecord(row) for row in found.tables.iter_rows(named=True)]
    return dg.MaterializeResult(metadata={
        "tables": dg.MetadataValue.table(records, schema), "files": int(found.tables["files"].sum()),
        "bytes": int(found.tables["bytes"].sum()), "disk_bytes": found.disk_bytes,
        "catalog_bytes": found.catalog_bytes, "snapshots": found.snapshots,
        "oldest_snapshot_at": dg.MetadataValue.timestamp(found.oldest_at),
    })  # fmt: skip


def _by_itself(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"note": f"{type(warehouse).__name__} needs no upkeep of ours"})
