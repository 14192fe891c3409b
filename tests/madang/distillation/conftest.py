"""A market with posts whose answers are known, and a student of it."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from sales import MARKET, write_sales
from scenario import write_task

from madang.distillation.dataset import Dataset, LabelFile, make_dataset, read_labels
from madang.distillation.distil import Distilled, distil
from madang.models.specs import CustomModel, StudentModel
from madang.settings import Settings
from madang.task import Task


@dataclass(frozen=True)
class Market:
    """A project in a folder of its own: a task, its settings, files of labels."""

    folder: Path

    @property
    def task(self) -> Task:
        return Task.load(self.folder / "assets" / "market")

    def settings(self, **student: object) -> Settings:
        """Its settings; the options are those of the student `small`."""
        options = {"log": str(self.folder / "requests.log")}
        local = CustomModel(lane="online", factory="fakes:ScriptedModel", identity="scripted-1", options=options)
        small = StudentModel.model_validate({"lane": "student", "student": "market", **student})
        return Settings(project=self.folder, home=self.folder / "home", models={"local": local, "small": small})

    def labels(self, count: int, first: int = 0, origin: str = "teacher") -> LabelFile:
        """A file of labels for so many posts."""
        posts, answers = write_sales(self.folder, count, first)
        return LabelFile(answers, posts, origin)  # type: ignore[arg-type]

    def dataset(self, *files: LabelFile) -> Dataset:
        """The data set of files of labels."""
        learned, withheld = read_labels(self.task, self.settings(), files)
        return make_dataset(self.task, learned, withheld=withheld)

    def distil(self, *files: LabelFile, **options: object) -> Distilled:
        """A student of files of labels."""
        return distil(self.task, self.settings(), files, **options)  # type: ignore[arg-type]


def make_market(folder: Path) -> Market:
    write_task(folder / "assets" / "market", MARKET)
    return Market(folder)


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """A market of a test's own."""
    return make_market(tmp_path)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Market, Distilled]:
    """A market with a released student, shared by a module's tests."""
    shared = make_market(tmp_path_factory.mktemp("taught"))
    return shared, shared.distil(shared.labels(400))
