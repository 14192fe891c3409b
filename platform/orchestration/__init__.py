"""Dagster wiring: definitions, the task component, jobs, schedules, sensors."""

from orchestration.extraction_task import ExtractionTask

__all__ = ["ExtractionTask"]
