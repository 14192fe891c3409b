"""Which lane an online model gets, and what its calls cost."""

from madang.models.batch_spec import BatchModel
from madang.models.online_specs import AnyModel, GeminiModel, OpenAIModel, PricedModel, VertexModel
from madang.models.prices import BATCH_SHARE, FREE, Prices, given, listed, unpriced
from madang.models.protocol import Model


def online_lane(spec: GeminiModel | OpenAIModel | AnyModel) -> Model:
    """Makes the lane to an online model; nothing is connected before it is opened.

    Raises:
        DeclarationError: Nobody knows what it costs.
    """
    prices = prices_of(spec)
    if isinstance(spec, AnyModel):
        from madang.models.any_provider import AnyLane

        return AnyLane(spec, prices)
    from madang.models.online import HttpLane

    if isinstance(spec, GeminiModel):
        from madang.models.gemini import GeminiDialect

        return HttpLane(spec, GeminiDialect(spec), prices)
    from madang.models.openai_compatible import OpenAIDialect

    return HttpLane(spec, OpenAIDialect(spec), prices)


def prices_of(spec: PricedModel) -> Prices:
    """Prices of a model: the settings', else the table's; a server of one's own is free if the table does not hold it.

    A batch job is charged half of what the table says.

    Raises:
        DeclarationError: Nobody knows them.
    """
    if spec.input_usd_per_million is not None and spec.output_usd_per_million is not None:
        return given(spec.input_usd_per_million, spec.output_usd_per_million, spec.cached_usd_per_million)
    found = listed(*_name_in_table(spec))
    if found is not None:
        return found.times(BATCH_SHARE) if isinstance(spec, BatchModel) else found
    if isinstance(spec, OpenAIModel) and spec.base_url is not None:
        return FREE
    raise unpriced(spec.model)


def _name_in_table(spec: PricedModel) -> tuple[str, str]:
    if isinstance(spec, AnyModel):
        provider, _, model = spec.model.partition(":")
        return provider.removesuffix("-vertex").removesuffix("-cloud").removesuffix("-gla"), model
    return ("google" if isinstance(spec, VertexModel) else "openai"), spec.model
