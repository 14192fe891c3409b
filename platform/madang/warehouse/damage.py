"""Which data file an error of DuckDB is about: its messages name the file only where the footer is broken."""

import re
from pathlib import Path

import duckdb

from madang.errors import WarehouseError
from madang.warehouse.sql_text import literal

_NAMED = re.compile(r"""["'](?P<file>[^"']+\.parquet)["']""")
# What DuckDB says of a page that it cannot decode, without the file.
_UNNAMED = ("TProtocolException", "decompression failure", "Decompression failure")


def damage_of(error: duckdb.Error, data: Path) -> WarehouseError | None:
    """The error to raise instead, if a data file is damaged or gone.

    Args:
        error: What DuckDB raised.
        data: Folder of the data files; all of them are read where the error names none.
    """
    found = _NAMED.search(str(error))
    file = Path(found["file"]) if found else None
    if file is None and any(words in str(error) for words in _UNNAMED):
        file = next((one for one in sorted(data.rglob("*.parquet")) if not _is_whole(one)), None)
    if file is None or not file.is_relative_to(data):
        return None
    state = "it is damaged" if file.is_file() else "it is gone"
    return WarehouseError(
        file, f"{state}; nothing was written",
        f"Put it back from a backup. Until then {file.parent.parent.name}.{file.parent.name} can be neither read nor "
        "written; all other tables can",
    )  # fmt: skip


def _is_whole(file: Path) -> bool:
    with duckdb.connect() as connection:
        try:
            connection.execute(f"SELECT bit_xor(hash(t)) FROM read_parquet({literal(str(file))}) t")
        except duckdb.Error:
            return False
    return True
