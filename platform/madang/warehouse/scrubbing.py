"""Makes unreadable what was deleted from the embedded warehouse, without taking a row from whoever reads meanwhile.

An ordinary commit moves the rows that stay out of what holds deleted ones. Only when no transaction from before it is
open does history go: such a reader would be given fewer rows or none, mostly without an error.
"""

from madang.erasure.vacuum import have_readers_ended, vacuum
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.ducklake_files import parts, turns

_ALL = "cleanup_all => true"


def scrub(warehouse: DuckLakeWarehouse, patience_seconds: float) -> bool:
    """Leaves no byte of deleted rows, of any table: in data files, in the catalog, in its log.

    Older snapshots go too, so time travel begins anew.

    Args:
        warehouse: Where.
        patience_seconds: How long to wait for transactions of readers.

    Returns:
        Whether it was done. A reader with an open transaction keeps the older snapshots and the catalog's log.
    """
    with warehouse.exclusive():
        touched = [part for part in parts(warehouse) if part.rows and (part.deleted or part.is_inlined)]
        for table, turn in turns(touched):
            warehouse.rewrite(table, [part.name for part in turn])
        _rewrite_all_deleted(warehouse)
        if not have_readers_ended(warehouse.catalog, patience_seconds):
            return False
        # What is left in the catalog is deleted: from files it goes the way of all files, with the smallest and largest
        # values that the catalog keeps. Who has begun to read since the commit sees none of it, wherever it lies.
        warehouse.maintain("ducklake_flush_inlined_data")
        _rewrite_all_deleted(warehouse)
        warehouse.maintain("ducklake_expire_snapshots", "older_than => now()")
        warehouse.maintain("ducklake_cleanup_old_files", _ALL)
        # An orphan is what a process killed before its commit has written.
        warehouse.maintain("ducklake_delete_orphaned_files", _ALL)
        return vacuum(warehouse.catalog, patience_seconds)


def _rewrite_all_deleted(warehouse: DuckLakeWarehouse) -> None:
    warehouse.maintain("ducklake_rewrite_data_files", "delete_threshold => 0.0")
