"""Any other model, through pydantic-ai's direct API: broad rather than cheap (docs/decisions/0007)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from madang.errors import CallFailed, InputError, Misconfigured, PermanentFailure, Refused, TooLong, TransientFailure
from madang.models.calling import send_with
from madang.models.http_errors import LIMIT_REMEDY, failure_of
from madang.models.online import REQUEST_ID_HEADER, refused
from madang.models.online_specs import AnyModel
from madang.models.prices import Prices, Reserve
from madang.models.protocol import Message, Outcome, Reply, Request
from madang.models.specs import Lane

if TYPE_CHECKING:
    from pydantic_ai.exceptions import ModelHTTPError
    from pydantic_ai.messages import ModelMessage, ModelResponse, UserContent
    from pydantic_ai.models import Model as ProviderModel
    from pydantic_ai.models import ModelRequestParameters

_WAIT = "Wait; it is tried again"


class AnyLane:
    """A lane to one model that pydantic-ai names."""

    lane: Lane = "online"

    def __init__(self, spec: AnyModel, prices: Prices) -> None:
        self._spec, self._prices = spec, prices
        self._reserve = Reserve(prices, spec.image_tokens)
        self._model: ProviderModel | None = None
        self._place = spec.model

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Model`.

        Raises:
            InputError: pydantic-ai does not know the provider, or its key or package is missing. Nothing was sent.
        """
        from pydantic_ai.exceptions import UserError
        from pydantic_ai.models import infer_model

        try:
            self._model = infer_model(self._spec.model)
        except (UserError, ValueError, ImportError) as error:
            culprit = f"pydantic-ai cannot reach it ({str(error).splitlines()[0]})"
            remedy = "Set the provider's key in its environment variable, or correct `model`"
            raise InputError(self._place, culprit, remedy) from error
        async with self._model:
            yield

    def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        """See `Model`."""
        return send_with(self._call, requests, self._spec.rates)

    def reserved_usd(self, request: Request) -> float:
        """See `Model`."""
        return self._reserve.usd(request)

    async def _call(self, request: Request) -> Reply:
        from pydantic_ai.direct import model_request
        from pydantic_ai.exceptions import AgentRunError, UserError
        from pydantic_ai.settings import ModelSettings

        assert self._model is not None
        settings = ModelSettings(
            max_tokens=request.max_tokens, temperature=0, timeout=self._spec.timeout_seconds, max_retries=0,
            extra_headers={REQUEST_ID_HEADER: request.hash},
        )  # fmt: skip
        started = time.perf_counter()
        try:
            # A client's own limit is one for each piece of the answer, which a slow drip never passes.
            async with asyncio.timeout(self._spec.timeout_seconds):
                response = await model_request(
                    self._model, _history(request.messages), model_settings=settings,
                    model_request_parameters=_parameters(request, self._model),
                )  # fmt: skip
        except TimeoutError as error:
            culprit = f"no answer within {self._spec.timeout_seconds:g} s"
            raise TransientFailure(self._place, culprit, "Raise timeout_seconds", usd=None) from error
        except AgentRunError as error:
            raise _failure(self._place, error) from error
        except UserError as error:
            raise Misconfigured(self._place, "pydantic-ai refused the request", "Take another model") from error
        reply = _read(self._place, request.hash, response, self._prices, time.perf_counter() - started)
        self._reserve.learn(request, reply.input_tokens)
        return reply


def _read(place: str, request_hash: str, response: "ModelResponse", prices: Prices, seconds: float) -> Reply:
    usage = response.usage
    usd = prices.usd(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    text = response.text or ""
    finish: Literal["stop", "length"] = "length" if response.finish_reason == "length" else "stop"
    if response.finish_reason == "content_filter" or (not text and finish == "stop"):
        raise refused(place, response.finish_reason or "no text", usd)
    sent, received, cached = usage.input_tokens, usage.output_tokens, usage.cache_read_tokens
    return Reply(request_hash, text, finish, sent, received, cached, seconds, usd)


def _failure(place: str, error: Exception) -> CallFailed:
    """Our class for one of pydantic-ai's errors; its message may hold the request and is left behind."""
    from pydantic_ai import exceptions

    if isinstance(error, exceptions.ModelHTTPError):
        return _http_failure(place, error)
    if isinstance(error, exceptions.ContentFilterError):
        return Refused(place, "the provider refused to answer", "Read the post; leave it out by `where`", usd=None)
    if isinstance(error, exceptions.ModelContextWindowExceededError):
        return TooLong(place, "prompt and post do not fit", LIMIT_REMEDY)
    if isinstance(error, exceptions.ModelAPIError | exceptions.UnexpectedModelBehavior):
        # Not an answer of the provider's: the connection broke, or what came was cut short.
        return TransientFailure(place, f"no answer ({type(error).__name__})", _WAIT, usd=None)
    return PermanentFailure(place, f"the call failed ({type(error).__name__})", "Report it", usd=None)


def _http_failure(place: str, error: "ModelHTTPError") -> CallFailed:
    import json

    body = json.dumps(error.body, default=str).encode()
    key = f"Correct the key in the environment variable of {place.partition(':')[0]}"
    return failure_of(place, error.status_code, error.headers or {}, body, key)


def _parameters(request: Request, model: "ProviderModel") -> "ModelRequestParameters":
    """Holds the model to the schema where its provider can; elsewhere the schema stands in the prompt."""
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.output import OutputObjectDefinition

    schema = OutputObjectDefinition(json_schema=dict(request.schema), name="reply")
    is_native = model.profile.get("supports_json_schema_output", False)
    return ModelRequestParameters(output_mode="native" if is_native else "prompted", output_object=schema)


def _history(messages: tuple[Message, ...]) -> "list[ModelMessage]":
    from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart

    history: list[ModelMessage] = []
    for turn in messages:
        if turn.role == "assistant":
            history.append(ModelResponse(parts=[TextPart(turn.content)]))
        elif turn.role == "system":
            history.append(ModelRequest(parts=[SystemPromptPart(turn.content)]))
        else:
            history.append(ModelRequest(parts=[UserPromptPart(_content(turn))]))
    return history


def _content(turn: Message) -> "str | list[UserContent]":
    from pydantic_ai.messages import BinaryContent, ImageUrl

    if not turn.images:
        return turn.content
    images = [
        ImageUrl(url=image.content, media_type=image.media_type) if isinstance(image.content, str)
        else BinaryContent(data=image.content, media_type=image.media_type)
        for image in turn.images
    ]  # fmt: skip
    return [*images, turn.content]
