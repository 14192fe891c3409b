"""Both warehouses, for the claims that hold of each."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from scenario import open_quickly

from madang.settings import BigQuerySettings
from madang.warehouse import Warehouse
from madang.warehouse.bigquery import BigQueryWarehouse
from madang.warehouse.ducklake import DuckLakeWarehouse

PROJECT = "madang-test"
Open = Callable[..., Warehouse]


@pytest.fixture(scope="module")
def module_patch() -> Iterator[pytest.MonkeyPatch]:
    """Undone after a module."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", params=["ducklake", pytest.param("bigquery", marks=pytest.mark.service)])
def open_again(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, module_patch: pytest.MonkeyPatch
) -> Open:
    """Opens one warehouse, as another process would; takes `read_only`."""
    if request.param == "ducklake":
        folder = tmp_path_factory.mktemp("contract") / "warehouse"
        open_quickly(folder).close()
        return lambda **options: DuckLakeWarehouse(folder, **options)
    module_patch.setenv("BIGQUERY_EMULATOR_HOST", request.getfixturevalue("emulator"))
    dataset = f"m{uuid.uuid4().hex[:8]}"
    return lambda **options: BigQueryWarehouse(PROJECT, dataset, BigQuerySettings(), **options)


@pytest.fixture(scope="module")
def either(open_again: Open) -> Iterator[Warehouse]:
    """One of the warehouses, without tables, shared by a module's tests: each makes tables of its own."""
    opened = open_again()
    yield opened
    opened.close()
