"""A small task with one field of each kind, its settings, and the scripted model's log."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from madang.models.specs import CustomModel
from madang.settings import Settings
from madang.task import Task

DEFS = """
type: orchestration.ExtractionTask
attributes:
  name: flats
  entity: flat
  source: {kind: table, table: raw.posts, where: "board = 'flats'", text: [title, body]}
  fields:
    deal: {kind: label, of: [monthly, sale]}
    options: {kind: labels, of: [bed, desk, tv]}
    is_open: {kind: flag}
    rent: {kind: money}
    rooms: {kind: number, integer: true}
    note: {kind: text}
  turn: "{{ body }}\\n{{ title }}"  # the scripted model quotes the first word
  models:
    - {use: scripted, max_tokens: 256}
"""


@dataclass(frozen=True)
class Place:
    """A project in a folder of its own, with one scripted model."""

    folder: Path

    @property
    def task(self) -> Task:
        return Task.load(self.folder / "assets" / "flats")

    def settings(self, **options: str | float) -> Settings:
        """Its settings; the options are the model's."""
        options = {"log": str(self.log), **options}
        model = CustomModel(lane="online", factory="fakes:ScriptedModel", identity="scripted-1", options=options)
        return Settings(project=self.folder, home=self.folder / "home", models={"scripted": model})

    def lines(self, name: str, rows: list[dict[str, object]]) -> Path:
        """Writes a file of JSON lines."""
        file = self.folder / name
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return file

    def beside_task(self, name: str, text: str) -> Path:
        """Writes a file into the task's folder."""
        file = self.folder / "assets" / "flats" / name
        file.write_text(text, encoding="utf-8")
        return file

    @property
    def log(self) -> Path:
        return self.folder / "requests.log"

    @property
    def sent(self) -> int:
        """Requests that the model has received."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def make_place(folder: Path) -> Place:
    place = Place(folder)
    (folder / "assets" / "flats").mkdir(parents=True)
    place.beside_task("defs.yaml", DEFS)
    place.beside_task("prompt.md", "Read the post.")
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """For what takes seconds to set up and is only read."""
    return make_place(tmp_path_factory.mktemp("shared"))
