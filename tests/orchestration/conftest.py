"""One running Dagster for all tests that need one."""

from collections.abc import Iterator

import pytest
from dagster_serving import Serving, serving_at


@pytest.fixture(scope="package")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving_at(tmp_path_factory.mktemp("serving")) as running:
        yield running
