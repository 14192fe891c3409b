"""A data file that is damaged or gone: it is named, other tables work, nothing is written, and a backup heals it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from scenario import Project, make_project, open_quickly, posts

from madang.errors import WarehouseError
from madang.ops import REPLIES
from madang.warehouse import Change

COUNT = 30
DAMAGES: dict[str, Callable[[Path, bytes], object]] = {
    "its middle": lambda file, whole: file.write_bytes(whole[:100] + bytes(len(whole) - 3100) + whole[-3000:]),
    "its end": lambda file, whole: file.write_bytes(whole[:200]),
    "all of it": lambda file, whole: file.write_bytes(os.urandom(len(whole))),
    "gone": lambda file, whole: file.unlink(),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Thirty posts that were read."""
    project = make_project(tmp_path_factory.mktemp("damaged") / "project")
    project.ingest(*posts(COUNT))
    project.run()
    project.close()
    return project


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_only_its_table_suffers(read: Project, damage: str) -> None:
    [file] = (read.home / "warehouse" / "data" / "ops" / "replies").glob("*.parquet")
    whole = file.read_bytes()
    before = open_quickly(read.home / "warehouse")
    replies = before.read("SELECT * FROM ops.replies ORDER BY request_hash").cast(dict(REPLIES.polars_schema))
    more = replies.with_columns(request_hash=replies["request_hash"] + "-more")
    snapshot = before.snapshot
    before.close()

    DAMAGES[damage](file, whole)
    warehouse = open_quickly(read.home / "warehouse")
    state = "it is gone" if damage == "gone" else "it is damaged"
    told = rf"{file}: {state}; nothing was written\. Put it back from a backup\. Until then ops\.replies can be neither"
    with pytest.raises(WarehouseError, match=told):
        warehouse.read("SELECT * FROM ops.replies")
    with pytest.raises(WarehouseError, match=told):
        warehouse.commit([Change(REPLIES, more)])
    others = warehouse.read("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups__live").rows()
    after = warehouse.snapshot
    file.write_bytes(whole)
    healed = open_quickly(read.home / "warehouse")
    rows = healed.read("SELECT * FROM ops.replies ORDER BY request_hash").cast(dict(REPLIES.polars_schema))
    healed.close()
    warehouse.close()

    assert others == [(COUNT, COUNT)]
    assert after == snapshot
    assert rows.equals(replies)
