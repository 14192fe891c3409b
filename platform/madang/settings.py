"""Where the project and its state are, and which models there are: `[tool.madang]`, then the environment.

`MADANG_PROJECT` names the folder that holds `assets/`, `MADANG_HOME` the folder of the state, `MADANG_CONFIG`
another TOML file, `MADANG_WAREHOUSE` another warehouse, `MADANG_LOCAL_MODEL` the file of the local model,
`MADANG_ALERT_URL` where alerts are sent (`madang.alerts`).
"""

import os
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from madang.errors import InputError
from madang.extraction.policy import Policy
from madang.models.specs import LocalModel, ModelSpec

_REPOSITORY = Path(__file__).resolve().parents[2]


_BIGQUERY = re.compile(r"bigquery:(?P<project>[a-z][a-z0-9:.-]{4,}[a-z0-9])\.(?P<dataset>[A-Za-z0-9_]{1,900})")


class BigQueryAddress(BaseModel):
    """Where a warehouse in BigQuery is; written as `bigquery:project.dataset`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(description="Id of the project that holds the datasets and is billed")
    dataset: str = Field(description="What the datasets' names begin with: madang for madang_raw, madang_ops …")

    @classmethod
    def parse(cls, text: str) -> "BigQueryAddress":
        """Reads `bigquery:project.dataset`.

        Raises:
            ValueError: It is not of that form.
        """
        found = _BIGQUERY.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not bigquery:project.dataset")
        return cls(**found.groupdict())

    def located(self, table: str) -> str:
        """`project.dataset_schema.name` of a table `schema.name`."""
        return f"{self.project}.{self.dataset}_{table}"


class BigQuerySettings(BaseModel):
    """What holds for a warehouse in BigQuery."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location: str = Field(default="US", description="Where datasets are made and jobs run; it cannot be changed later")
    most_bytes_billed: int = Field(
        default=100_000_000_000,
        ge=10_000_000,
        description="Most that one query may read, bytes; BigQuery refuses a larger one and bills nothing. The default "
        "costs about 0.6 US dollars on demand",
    )


class Settings(BaseModel):
    """The project's own settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Path = Field(description="Folder that holds assets/")
    home: Path = Field(description="Folder of the state: warehouse, spool, models, dagster, feast")
    warehouse: Path | BigQueryAddress | None = Field(
        default=None,
        description="Folder of the warehouse; `warehouse` in the home by default. Another one may be shared by several "
        "homes, all under one path, but not over a network file system: its catalog is SQLite in WAL mode. "
        "`bigquery:project.dataset` is one in BigQuery",
    )
    bigquery: BigQuerySettings = Field(default=BigQuerySettings(), description="Of a warehouse in BigQuery")
    raw_text: Literal["stored", "masked"] | None = Field(
        default=None,
        description="Whether raw.posts keeps the text as it came or with addresses and numbers of persons masked; "
        "by default masked in BigQuery, and stored in a folder of one's own",
    )
    snapshot_days: int = Field(
        default=30,
        ge=1,
        description="How far back the embedded warehouse can be read as it was, days; maintenance drops older "
        "snapshots and the files that only they need",
    )
    lease_seconds: int = Field(
        default=300,
        ge=1,
        description="How long a shared warehouse keeps a task's days for a home that has stopped renewing its leases, "
        "seconds; a third of it is what the homes' clocks may differ by",
    )
    timezone: str = Field(default="Asia/Seoul", description="Time zone of the day partitions")
    first_day: date = Field(default=date(2016, 1, 1), description="First partition; earlier posts take this day")
    daily_cap_usd: float = Field(
        default=10.0, ge=0, description="Most money that all runs of a day may reserve, US dollars"
    )
    policy: Policy = Field(
        default=Policy(), description="What is done about failed calls; see madang.extraction.policy"
    )
    models: dict[str, ModelSpec] = Field(
        default={"local": LocalModel(lane="local")}, description="Models that tasks may name"
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except ZoneInfoNotFoundError as error:  # a KeyError, which pydantic lets through
            raise ValueError(f"no time zone is called {name!r}") from error
        return name

    @property
    def warehouse_folder(self) -> Path:
        """Folder of the embedded warehouse."""
        return self.warehouse if isinstance(self.warehouse, Path) else self.home / "warehouse"

    @property
    def is_raw_text_masked(self) -> bool:
        """Whether posts land with what identifies a person masked."""
        return (self.raw_text or ("masked" if isinstance(self.warehouse, BigQueryAddress) else "stored")) == "masked"

    @property
    def is_warehouse_shared(self) -> bool:
        """Whether homes with claims of their own may write to the warehouse: inside a home, its claims go with it."""
        return isinstance(self.warehouse, BigQueryAddress) or not self.warehouse_folder.is_relative_to(self.home)

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the day partitions."""
        return ZoneInfo(self.timezone)

    @classmethod
    def load(cls) -> "Settings":
        """Reads the settings that hold for this process.

        Raises:
            InputError: The TOML file is broken or holds an unknown or wrong setting.
        """
        project = Path(os.environ.get("MADANG_PROJECT") or _nearest_project(Path.cwd()) or _REPOSITORY).resolve()
        file = Path(os.environ.get("MADANG_CONFIG") or project / "pyproject.toml")
        table = _tool_table(file)
        home = Path(os.environ.get("MADANG_HOME") or table.pop("home", ".madang"))
        warehouse = os.environ.get("MADANG_WAREHOUSE") or table.get("warehouse")
        try:
            if isinstance(warehouse, str):
                is_bigquery = warehouse.split(":")[0] == "bigquery"
                table["warehouse"] = (
                    BigQueryAddress.parse(warehouse) if is_bigquery else (project / warehouse).resolve()
                )
            settings = cls.model_validate({**table, "project": project, "home": (project / home).resolve()})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            message = first["msg"].removeprefix("Value error, ")
            raise InputError(f"{file} [tool.madang]", f"{where}: {message}", "Correct it there") from error
        except ValueError as error:
            raise InputError(f"{file} [tool.madang]", f"warehouse: {error}", "Correct it there") from error
        if override := os.environ.get("MADANG_LOCAL_MODEL"):
            declared = settings.models.get("local")
            base = declared if isinstance(declared, LocalModel) else LocalModel(lane="local")
            sha256 = os.environ.get("MADANG_LOCAL_MODEL_SHA256")
            local = base.model_copy(update={"file": override, "sha256": sha256})
            settings = settings.model_copy(update={"models": {**settings.models, "local": local}})
        return settings


def _nearest_project(folder: Path) -> Path | None:
    for candidate in (folder, *folder.parents):
        if (candidate / "assets").is_dir() and "madang" in _tools(candidate / "pyproject.toml"):
            return candidate
    return None


def _tool_table(file: Path) -> dict[str, Any]:
    table = _tools(file).get("madang", {})
    if not isinstance(table, dict):
        raise InputError(file, "[tool.madang] is not a table", "Write it as a TOML table")
    return dict(table)


def _tools(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        tools = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise InputError(file, f"not valid TOML ({error})", "Correct the file") from error
    return tools if isinstance(tools, dict) else {}
