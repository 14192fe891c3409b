"""Models that are asked over the network, as the settings name them.

The identity says provider and model, and what else changes an answer; not the address and not the lane: a batch job
and a single call get the same answer, and share it.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from madang.models.control import Rates

Effort = Literal["none", "minimal", "low", "medium", "high"]


class PricedModel(BaseModel):
    """What all of them have, whichever their lane."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(min_length=1, description="Name of the model at its provider")
    identity_name: str | None = Field(
        default=None, alias="identity",
        description="What stands in request hashes instead of provider and model; change it when answers change",
    )  # fmt: skip
    input_usd_per_million: float | None = Field(
        default=None, ge=0, description="Price of a million input tokens, US dollars; genai-prices' by default"
    )
    cached_usd_per_million: float | None = Field(
        default=None, ge=0, description="Price of a million input tokens read from a cache; as input by default"
    )
    output_usd_per_million: float | None = Field(
        default=None, ge=0, description="Price of a million output tokens, US dollars; genai-prices' by default"
    )
    image_tokens: int = Field(default=3000, ge=0, description="Input tokens reserved for each image of a request")

    @property
    def identity(self) -> str:
        """What request hashes say of it."""
        raise NotImplementedError

    @property
    def rates(self) -> Rates:
        """What the provider allows."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _both_prices(self) -> "PricedModel":
        if (self.input_usd_per_million is None) != (self.output_usd_per_million is None):
            raise ValueError("give input_usd_per_million and output_usd_per_million, or neither")
        return self


class OnlineModel(PricedModel):
    """A model that is asked a call at a time."""

    lane: Literal["online"]
    concurrency: int = Field(
        default=64, ge=1, le=2000, description="Most calls in flight; fewer while the provider asks for fewer"
    )
    requests_per_minute: int | None = Field(default=None, ge=1, description="Most calls a minute; no limit by default")
    tokens_per_minute: int | None = Field(default=None, ge=1, description="Most tokens a minute; no limit by default")
    timeout_seconds: float = Field(default=120.0, gt=0, description="From sending to the last byte of the answer")

    @property
    def rates(self) -> Rates:
        """See `PricedModel`."""
        return Rates(self.concurrency, self.requests_per_minute, self.tokens_per_minute)


class VertexModel(PricedModel):
    """Gemini on Vertex AI, in either lane."""

    provider: Literal["gemini"]
    project: str = Field(min_length=1, description="Google Cloud project that pays")
    location: str = Field(default="global", description="Region that answers; `global` has the most room")
    base_url: str | None = Field(default=None, description="Address instead of Google's, without /v1")
    credentials: Literal["google", "local"] = Field(
        default="google",
        description="`google`: application default credentials; `local`: none, for a server of one's own",
    )
    logprobs: int = Field(
        default=5,
        ge=0,
        le=20,
        description="Alternatives a token, for confidence; 0 asks for none, where a model gives none",
    )
    thinking_tokens: int | None = Field(
        default=None, ge=0,
        description="Budget of thought a call; by default the least that 2.5 models allow: Flash 0, Pro 128",
    )  # fmt: skip

    @property
    def identity(self) -> str:
        """See `PricedModel`."""
        thought = "" if self.thinking_tokens is None else f"+think{self.thinking_tokens}"
        return self.identity_name or f"gemini:{self.model}{thought}"

    @property
    def api_url(self) -> str:
        """Address of the service, with its version."""
        region = "" if self.location == "global" else f"{self.location}-"
        return f"{(self.base_url or f'https://{region}aiplatform.googleapis.com').rstrip('/')}/v1"


class GeminiModel(VertexModel, OnlineModel):
    """Gemini on Vertex AI, a call at a time."""


class OpenAIModel(OnlineModel):
    """OpenAI, or any server that speaks its chat completions: vLLM, Ollama, llama-server."""

    provider: Literal["openai"]
    base_url: str | None = Field(
        default=None, description="Address up to and with /v1, such as http://localhost:8000/v1; OpenAI's by default"
    )
    key_variable: str | None = Field(
        default=None,
        description="Environment variable that holds the key; OPENAI_API_KEY, and none where base_url is given: "
        "OpenAI's key must not go to other servers unasked",
    )
    logprobs: int = Field(default=5, ge=0, le=20, description="Alternatives a token, for confidence; 0 asks for none")
    effort: Effort | None = Field(
        default=None, description="Reasoning effort; such models take no temperature and give no probabilities"
    )
    thinking_tokens: int = Field(default=0, ge=0, description="Tokens allowed for reasoning besides the reply's own")
    is_strict: bool | None = Field(
        default=None,
        description="Whether every key is asked for, null if not stated, as OpenAI's strict mode wants; by default "
        "only there: other servers hold to the schema as it is, and unstated keys cost tokens",
    )

    @property
    def identity(self) -> str:
        """See `PricedModel`."""
        return self.identity_name or f"openai:{self.model}{f'+{self.effort}' if self.effort else ''}"

    @property
    def has_strict_schema(self) -> bool:
        """Whether every key is asked for."""
        return self.base_url is None if self.is_strict is None else self.is_strict


class AnyModel(OnlineModel):
    """Any other model that pydantic-ai names; keys and addresses come from the provider's own environment variables."""

    provider: Literal["pydantic-ai"]
    model: str = Field(pattern=r"^[\w-]+:.+$", description="Its name at pydantic-ai: anthropic:claude-haiku-4-5")

    @property
    def identity(self) -> str:
        """See `PricedModel`."""
        return self.identity_name or self.model
