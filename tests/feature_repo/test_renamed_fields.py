"""Feast after a field was renamed, and after one was dropped: old posts are served under the present names."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scenario import ALL_DAYS, Project, make_project, post

from feature_repo.store import apply_and_materialise, open_store
from feature_repo.views import build
from madang.features import publish

KEY = "meetup_id"
SERVICE = "meetups_service"


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project whose one post is served; this process's environment is its own."""
    made = make_project(tmp_path / "project", ("meetups",))
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, made.environment[name])
    made.ingest(post("p1", "running 모집 4명 female"))
    made.run()
    serve(made)
    yield made
    made.close()


def serve(yard: Project) -> None:
    """Publishes and loads, as the assets do."""
    publish(yard.warehouse, yard.settings, yard.task(), ALL_DAYS)
    apply_and_materialise(yard.settings, build([yard.task()], yard.settings), yard.task(), ALL_DAYS)


def served(yard: Project) -> list[dict[str, Any]]:
    """Values and recipes of the post: as the online store has them, and as a training set gets them."""
    store = open_store(yard.settings)
    features = store.get_feature_service(SERVICE)
    online = store.get_online_features(features=features, entity_rows=[{KEY: "town:p1"}]).to_dict()
    at = pd.to_datetime([datetime(2024, 12, 1, tzinfo=UTC)], utc=True)
    entities = pd.DataFrame({KEY: ["town:p1"], "event_timestamp": at})
    (row,) = store.get_historical_features(entity_df=entities, features=features).to_arrow().to_pylist()
    return [
        {name: value for name, value in found.items() if name in ("gender", "audience", "seats", "audience__recipe")}
        for found in ({name: values[0] for name, values in online.items()}, row)
    ]


def test_a_renamed_feature_is_served_under_its_new_name_and_a_dropped_one_no_more(yard: Project) -> None:
    def change(attributes: dict[str, Any]) -> None:
        fields = attributes["fields"]
        fields["audience"] = fields.pop("gender") | {"renamed_from": "gender"}
        fields["is_open_to_all"]["derive"] = "audience in ['mixed', 'unspecified']"

    before = served(yard)
    yard.edit("meetups", change)
    serve(yard)
    renamed = served(yard)
    yard.edit("meetups", lambda attributes: attributes["fields"].pop("seats"))
    serve(yard)

    assert before == [{"gender": "female", "seats": 4.0}] * 2
    assert renamed == [{"audience": "female", "audience__recipe": "meetups@1", "seats": 4.0}] * 2
    assert served(yard) == [{"audience": "female", "audience__recipe": "meetups@1"}] * 2
