"""What a call costs. The table is genai-prices', as it was installed: it never asks the network.

Its own calculation takes 0.2 ms a call, so the rates are taken out of it once.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import JsonValue

from madang.errors import DeclarationError
from madang.models.protocol import Request

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice

# What Vertex AI charges for a batch job's rows, of the price of a call.
BATCH_SHARE = 0.5
_MILLION = 1_000_000
# Replies after which the tokens that a byte has come to are known well enough.
_KNOWN_REPLIES = 20
_MARGIN = 1.2


@dataclass(frozen=True)
class Rate:
    """Prices of a million tokens, US dollars.

    Args:
        above_tokens: They hold for all tokens of a request whose input is larger than this.
        input: Of input tokens.
        cached: Of input tokens read from a cache.
        output: Of output tokens, thoughts included.
    """

    above_tokens: int
    input: float
    cached: float
    output: float


@dataclass(frozen=True)
class Prices:
    """Prices of one model, by size of the request, the smallest first."""

    rates: tuple[Rate, ...]

    def usd(self, input_tokens: float, output_tokens: float, cached_tokens: float = 0) -> float:
        """Cost of a call, US dollars; of a mean one, the tokens are no whole numbers.

        Args:
            input_tokens: Cached ones included.
            output_tokens: Thoughts included.
            cached_tokens: Read from a cache.
        """
        rate = next((rate for rate in reversed(self.rates) if input_tokens > rate.above_tokens), self.rates[0])
        fresh = max(input_tokens - cached_tokens, 0)
        return (fresh * rate.input + cached_tokens * rate.cached + output_tokens * rate.output) / _MILLION

    def times(self, factor: float) -> "Prices":
        """The same prices at a discount."""
        return Prices(tuple(
            Rate(rate.above_tokens, rate.input * factor, rate.cached * factor, rate.output * factor)
            for rate in self.rates
        ))  # fmt: skip


FREE = Prices((Rate(0, 0.0, 0.0, 0.0),))


def given(input_usd: float, output_usd: float, cached_usd: float | None) -> Prices:
    """Prices of the settings, a million tokens each."""
    return Prices((Rate(0, input_usd, input_usd if cached_usd is None else cached_usd, output_usd),))


def listed(provider: str, model: str) -> Prices | None:
    """Prices of the table; None if it does not hold the model.

    Args:
        provider: As genai-prices names it: google, openai, anthropic.
        model: Name of the model at its provider.
    """
    from genai_prices import Usage, calc_price

    try:
        price = calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_id=provider).model_price
    except LookupError:
        return None
    starts = sorted({0, *_starts(price.input_mtok), *_starts(price.output_mtok)})
    return Prices(tuple(_rate(price, start) for start in starts))


def unpriced(model: str) -> DeclarationError:
    """The error for a model whose price nobody knows: it could not be stopped at a cap."""
    return DeclarationError("models", f"no price is known for {model!r}",
                            "Give input_usd_per_million and output_usd_per_million, 0 if it is free")  # fmt: skip


class Reserve:
    """The most that one call can cost, before it is sent.

    A token is at least a byte long, so bytes bound the input; posts have three to five times fewer tokens than bytes,
    and so much money lying idle for each call in flight stops a run early. Once the model has answered some requests,
    the most tokens a byte has come to bounds the next one, with a fifth on top.
    """

    def __init__(self, prices: Prices, image_tokens: int = 0, thinking_tokens: int = 0) -> None:
        self._prices, self._image_tokens, self._thinking_tokens = prices, image_tokens, thinking_tokens
        self._replies = 0
        self._most_tokens_a_byte = 0.0
        self._schemas: dict[int, tuple[dict[str, JsonValue], int]] = {}

    def usd(self, request: Request) -> float:
        """Most that a request can cost, US dollars."""
        return self._prices.usd(self.input_tokens(request), request.max_tokens + self._thinking_tokens)

    def input_tokens(self, request: Request) -> int:
        """Most tokens that a request can have."""
        share = min(1.0, self._most_tokens_a_byte * _MARGIN) if self._replies >= _KNOWN_REPLIES else 1.0
        images = sum(len(message.images) for message in request.messages)
        return int(self._bytes(request) * share) + 1 + images * self._image_tokens

    def learn(self, request: Request, input_tokens: int) -> None:
        """Takes note of how many tokens a request had."""
        if any(message.images for message in request.messages):
            return
        self._replies += 1
        self._most_tokens_a_byte = max(self._most_tokens_a_byte, input_tokens / self._bytes(request))

    def _bytes(self, request: Request) -> int:
        """Length of all that is sent, turns' marks included. A task's requests share one schema."""
        key = id(request.schema)
        if key not in self._schemas:
            self._schemas[key] = (
                request.schema,
                len(str(request.schema).encode()),
            )  # held, so that its id stays its own
        return self._schemas[key][1] + sum(len(message.content.encode()) + 16 for message in request.messages)


def _rate(price: "ModelPrice", start: int) -> Rate:
    entry = _price_above(price.input_mtok, start)
    cached = entry if price.cache_read_mtok is None else _price_above(price.cache_read_mtok, start)
    return Rate(start, entry, cached, _price_above(price.output_mtok, start))


def _starts(price: object) -> list[int]:
    return [tier.start for tier in getattr(price, "tiers", [])]


def _price_above(price: object, start: int) -> float:
    """One price of the table: a number, or one by size of the request."""
    if price is None:
        return 0.0
    if isinstance(price, Decimal):
        return float(price)
    base: Decimal = price.base  # type: ignore[attr-defined]
    for tier in price.tiers:  # type: ignore[attr-defined]
        if tier.start <= start:
            base = tier.price
    return float(base)
