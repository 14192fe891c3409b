"""Tokens, dollars and minutes of one model's calls, from what it did before; else from the texts and what is usual."""

from dataclasses import dataclass, replace

from pydantic import JsonValue

from madang.extraction.past import Past
from madang.extraction.spans import Span
from madang.extraction.tokens import LEAST, MOST, TURN_TOKENS, schema_tokens, text_tokens
from madang.models.control import Rates
from madang.models.online_lanes import prices_of
from madang.models.online_specs import PricedModel
from madang.models.prices import FREE, Prices
from madang.models.protocol import Model, Request
from madang.models.specs import Lane, LocalModel, ModelSpec, StudentModel

# The shortest answer: `{}`.
_LEAST_REPLY_TOKENS = 2
# Seconds of a call where nobody has measured: small models of providers answer a short question in about 1 to 3 s;
# the packaged local model took 8 to 25 s for a rental (design.md), less for a group; a batch job of Vertex AI is
# promised within a day and mostly ready within the hour.
_USUAL_SECONDS: dict[Lane, Span] = {
    "online": Span(0.5, 2.0, 10.0), "local": Span(2.0, 8.0, 25.0), "batch": Span(300.0, 3600.0, 86400.0),
    "student": Span(0.0005, 0.002, 0.01), "reader": Span(0.0, 0.0, 0.001),
}  # fmt: skip
# A small image at OpenAI in low detail; at Gemini it is 258.
_LEAST_IMAGE_TOKENS = 85
_MINUTE = 60.0


class Asked:
    """The requests of one model, added up; none of them is kept.

    Args:
        model: The lane to it, not opened.
        identity: Its identity.
    """

    def __init__(self, model: Model, identity: str) -> None:
        self._model, self.identity = model, identity
        self.calls = self.chars = self.post_chars = self.turns = self.max_tokens = self.images = 0
        self.prefix_tokens = self.post_tokens = self.schema_tokens = self.reserved_usd = 0.0
        self._schemas: dict[int, float] = {}

    def add(self, request: Request) -> None:
        """Counts a request that would be sent."""
        *prefix, post = request.messages
        self.calls += 1
        self.turns += len(request.messages)
        self.chars += sum(len(message.content) for message in request.messages)
        self.post_chars += len(post.content)
        self.images += sum(len(message.images) for message in request.messages)
        self.max_tokens += request.max_tokens
        self.prefix_tokens += sum(text_tokens(message.content) for message in prefix)
        self.post_tokens += text_tokens(post.content)
        key = id(request.schema)  # a task's requests share one, which its template holds
        if key not in self._schemas:
            self._schemas[key] = schema_tokens(request.schema)
        self.schema_tokens += self._schemas[key]
        self.reserved_usd += self._model.reserved_usd(request)

    @property
    def lane(self) -> Lane:
        """How values of this model come."""
        return self._model.lane

    def times(self, factor: float) -> "Amount":
        """All of it, scaled from a sample to the plan."""
        return Amount(
            self.lane, self.identity, round(self.calls * factor), self.chars * factor, self.post_chars * factor,
            self.turns * factor, self.max_tokens * factor, self.prefix_tokens * factor, self.post_tokens * factor,
            self.schema_tokens * factor, self.reserved_usd * factor, self.images * factor,
        )  # fmt: skip


@dataclass(frozen=True)
class Amount:
    """What a plan sends to one model.

    Args:
        lane: How values of this model come.
        identity: Its identity.
        calls: Requests; at least 1.
        chars: Code points of all their turns.
        post_chars: Those of the posts alone.
        turns: Their turns.
        max_tokens: Room for all replies.
        prefix_tokens: Tokens of prompts and examples by script.
        post_tokens: Tokens of posts by script.
        schema_tokens: Tokens of schemas by script.
        reserved_usd: Most that all can cost.
        images: Images of all posts.
    """

    lane: Lane
    identity: str
    calls: int
    chars: float
    post_chars: float
    turns: float
    max_tokens: float
    prefix_tokens: float
    post_tokens: float
    schema_tokens: float
    reserved_usd: float
    images: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """What the calls to one model come to.

    Args:
        name: The model's name in the settings.
        amount: What is sent to it.
        input_tokens: Tokens of the requests.
        output_tokens: Tokens of the replies.
        usd: US dollars, cached tokens' discount included as far as it was seen.
        minutes: From the first call to the last reply.
        basis: What input_tokens, output_tokens, usd and minutes rest on, in words.
    """

    name: str
    amount: Amount
    input_tokens: Span
    output_tokens: Span
    usd: Span
    minutes: Span
    basis: dict[str, str]

    @property
    def reserved_usd(self) -> float:
        """Most that the calls can cost if each is sent once."""
        return self.amount.reserved_usd

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "lane": self.amount.lane, "model": self.name, "identity": self.amount.identity, "calls": self.amount.calls,
            "input_tokens": {**self.input_tokens.to_json()}, "output_tokens": {**self.output_tokens.to_json()},
            "usd": {**self.usd.to_json(6)}, "reserved_usd": round(self.reserved_usd, 6),
            "minutes": {**self.minutes.to_json(2)}, "basis": {**self.basis},
        }  # fmt: skip


def forecast(name: str, spec: ModelSpec, amount: Amount, past: Past) -> Forecast:
    """Forecasts the calls to one model.

    Args:
        name: Its name in the settings.
        spec: What the settings say of it.
        amount: What is sent to it.
        past: What it did before.

    Raises:
        DeclarationError: Nobody knows what it costs.
    """
    basis: dict[str, str] = {}
    asked, said = _input_tokens(spec, amount, past, basis), _output_tokens(amount, past, basis)
    usd = _usd(spec, amount, past, asked, said, basis)
    # What was paid in vain before will be again: replies that were cut, or had to be asked for once more. Or not.
    again = 1 + past.again_share
    asked, said, usd, minutes = (
        Span(one.low, one.expected * again, one.high * again)
        for one in (asked, said, usd, _minutes(spec, amount, past, basis))
    )
    return Forecast(name, amount, asked, said, usd, minutes, basis)


def _input_tokens(spec: ModelSpec, amount: Amount, past: Past, basis: dict[str, str]) -> Span:
    fit = past.input_tokens
    if fit is not None:
        basis["input_tokens"] = f"{fit.prefix:.0f} a call and {fit.a_char:.3f} a character, in {fit.calls} past calls"
        by_script = (amount.prefix_tokens + amount.schema_tokens) / amount.calls
        return fit.sum_of(amount.calls, amount.post_chars, by_script)
    basis["input_tokens"] = "by script, too few past calls"
    # Whether a schema is tokens is the provider's secret; a local model has it as a grammar, which is none.
    schema = 0.0 if amount.lane == "local" else amount.schema_tokens
    texts = amount.prefix_tokens + amount.post_tokens
    expected = texts + schema + amount.turns * TURN_TOKENS
    if not amount.images:
        return Span(texts * LEAST, expected, expected * MOST)
    basis["input_tokens"] += f"; {amount.images:.0f} images at what the settings reserve for one"
    each = spec.image_tokens if isinstance(spec, PricedModel) else 0
    low = texts * LEAST + amount.images * min(each, _LEAST_IMAGE_TOKENS)
    return Span(low, expected + amount.images * each, expected * MOST + amount.images * each)


def _output_tokens(amount: Amount, past: Past, basis: dict[str, str]) -> Span:
    if past.output_tokens is not None:
        basis["output_tokens"] = f"{past.output_tokens.value:.0f} a reply, in {past.output_tokens.calls} past replies"
        return past.output_tokens.sum_of(amount.calls)
    basis["output_tokens"] = "half of max_tokens, too few past replies"
    return Span(_LEAST_REPLY_TOKENS * float(amount.calls), amount.max_tokens / 2, amount.max_tokens)


def _usd(spec: ModelSpec, amount: Amount, past: Past, asked: Span, said: Span, basis: dict[str, str]) -> Span:
    """By the model's prices; of a model without a price, what its calls cost before, else what they reserve."""
    prices = FREE if isinstance(spec, LocalModel) else prices_of(spec) if isinstance(spec, PricedModel) else None
    if prices is not None:
        basis["usd"] = "prices of the model"
        cached = past.cached_share
        return Span(
            _cost(prices, amount, asked.low, said.low, cached),
            _cost(prices, amount, asked.expected, said.expected, cached),
            _cost(prices, amount, asked.high, said.high, 0.0),
        )
    if past.usd is not None:
        basis["usd"] = f"${past.usd.value:.6f} a call, in {past.usd.calls} past calls"
        span = past.usd.sum_of(amount.calls)
        return replace(span, high=min(span.high, max(amount.reserved_usd, span.expected)))
    basis["usd"] = "what the calls reserve, too few past calls"
    return Span(0.0, amount.reserved_usd, amount.reserved_usd)


def _cost(prices: Prices, amount: Amount, input_tokens: float, output_tokens: float, cached_share: float) -> float:
    """Of calls of one size each: prices may depend on it."""
    asked, said = input_tokens / amount.calls, output_tokens / amount.calls
    return prices.usd(asked, said, asked * cached_share) * amount.calls


def _minutes(spec: ModelSpec, amount: Amount, past: Past, basis: dict[str, str]) -> Span:
    """Calls side by side, as many as may be; not faster than the provider's limits a minute."""
    rates = _rates(spec)
    if past.latency_seconds is not None:
        basis["minutes"] = f"{past.latency_seconds.value:.2f} s a call, in {past.latency_seconds.calls} past calls"
        seconds = past.latency_seconds.sum_of(amount.calls)
    else:
        basis["minutes"] = "usual latency, too few past calls"
        usual, calls = _USUAL_SECONDS[amount.lane], amount.calls
        seconds = Span(usual.low * calls, usual.expected * calls, usual.high * calls)
    return Span(*(_bound(rates, amount, end) for end in (seconds.low, seconds.expected, seconds.high)))


def _bound(rates: Rates, amount: Amount, seconds: float) -> float:
    at_once = min(rates.concurrency, amount.calls)
    # As the lane counts them against its limit: half of the characters, and all room for the reply.
    tokens = amount.chars / 2 + amount.max_tokens
    return max(
        seconds / at_once / _MINUTE,
        amount.calls / rates.requests_per_minute if rates.requests_per_minute else 0.0,
        tokens / rates.tokens_per_minute if rates.tokens_per_minute else 0.0,
    )


def _rates(spec: ModelSpec) -> Rates:
    if isinstance(spec, PricedModel):
        return spec.rates
    if isinstance(spec, StudentModel):
        return Rates(spec.batch_posts)
    return Rates(spec.slots if isinstance(spec, LocalModel) else spec.concurrency)
