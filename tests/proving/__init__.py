"""The proving server: one local server that speaks Vertex AI, OpenAI and Anthropic, with scripted times and faults."""

from proving.client import Proving, proving
from proving.script import BatchScript, Kill, Latency, RowRule, Rule, Script

__all__ = ["BatchScript", "Kill", "Latency", "Proving", "RowRule", "Rule", "Script", "proving"]
