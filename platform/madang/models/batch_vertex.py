"""Vertex AI's batch prediction jobs: found by display name, created, looked at, cancelled.

Plain REST, because a creation has no key that would make it safe to repeat: docs/decisions/0008 has what Google's two
clients do with it.
"""

from dataclasses import dataclass
from typing import Any

from madang.errors import CallFailed, Misconfigured, TransientFailure
from madang.models.batch_http import GoogleApi
from madang.models.online_specs import VertexModel

_ENDED = frozenset({
    "JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED",
    "JOB_STATE_EXPIRED",
})  # fmt: skip
# google.rpc codes of a failed job that another one like it would meet again: wrong input, missing rights.
_NOT_CURED = {3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 7: "PERMISSION_DENIED", 9: "FAILED_PRECONDITION",
              12: "UNIMPLEMENTED", 16: "UNAUTHENTICATED"}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """A job as Vertex AI tells of it.

    Args:
        name: Its name, projects/…/batchPredictionJobs/….
        state: In words: running, succeeded …
        has_ended: Whether nothing more comes of it.
        error_code: google.rpc code of its failure; 0 if it has none.
    """

    name: str
    state: str
    has_ended: bool
    error_code: int = 0

    def failure(self, place: str) -> CallFailed:
        """The failure of a row that this job did not answer.

        Rows of a failed job that are not in its output were not answered, and are not charged; of any other job that
        ended without them nobody knows.
        """
        reason = f" ({_NOT_CURED.get(self.error_code, f'code {self.error_code}')})" if self.error_code else ""
        if self.error_code in _NOT_CURED:
            return Misconfigured(place, f"the batch job {self.state}{reason}: {self.name}",
                                 "Look at the job in the console")  # fmt: skip
        usd = 0.0 if self.state == "failed" else None
        return TransientFailure(place, f"not answered by a batch job that {self.state}{reason}",
                                "Wait; it is asked again", usd=usd)  # fmt: skip


class VertexJobs:
    """The jobs of one project and location.

    Args:
        api: The connection.
        spec: The model's settings.
    """

    def __init__(self, api: GoogleApi, spec: VertexModel) -> None:
        self._api, self._spec = api, spec
        self._url = f"{spec.api_url}/projects/{spec.project}/locations/{spec.location}/batchPredictionJobs"

    async def find(self, display_name: str) -> str | None:
        """Name of the job with this display name; None if there is none.

        Raises:
            CallFailed: It could not be asked.
        """
        query = {"filter": f'displayName="{display_name}"'}
        found = await self._api.patiently(lambda: self._api.json("GET", self._url, query=query))
        jobs = found.get("batchPredictionJobs", [])
        return next((str(job["name"]) for job in jobs if job.get("displayName") == display_name), None)

    async def create(self, display_name: str, configs: dict[str, Any]) -> str:
        """Creates a job, once.

        Args:
            display_name: Its display name.
            configs: Its inputConfig and outputConfig.

        Returns:
            Its name.

        Raises:
            CallFailed: A TransientFailure may have created it all the same, unless the server said that it has too
                much to do.
        """
        body = {"displayName": display_name, "model": f"publishers/google/models/{self._spec.model}", **configs}
        return str((await self._api.json("POST", self._url, body=body))["name"])

    async def get(self, name: str) -> Seen:
        """Looks at a job.

        Raises:
            CallFailed: It could not be asked.
        """
        plain = await self._api.patiently(lambda: self._api.json("GET", f"{self._spec.api_url}/{name}"))
        state = str(plain.get("state", "JOB_STATE_UNSPECIFIED"))
        code = int(plain.get("error", {}).get("code", 0))
        return Seen(name, state.removeprefix("JOB_STATE_").lower(), state in _ENDED, code)

    async def cancel(self, name: str) -> None:
        """Asks for a job's end.

        Raises:
            CallFailed: It could not be asked.
        """
        await self._api.patiently(lambda: self._api.json("POST", f"{self._spec.api_url}/{name}:cancel", body={}))
