"""A bearer token of the application default credentials, kept fresh. Used by every lane that talks to Google."""

import asyncio
from typing import TYPE_CHECKING

from madang.errors import InputError, TransientFailure

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
REMEDY = (
    "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file; the account "
    "needs the role Vertex AI User in the project"
)


class GoogleToken:
    """Finds the credentials when first asked; two calls never refresh them at once.

    Args:
        is_local: Whether the server is one's own and any token will do.
    """

    def __init__(self, *, is_local: bool) -> None:
        self._is_local = is_local
        self._credentials: Credentials | None = None
        self._refreshing = asyncio.Lock()

    async def get(self) -> str:
        """The token.

        Raises:
            InputError: There are no credentials.
            TransientFailure: Google did not give a token; nothing was sent.
        """
        if self._is_local:
            return "local"
        if self._credentials is None or not self._credentials.valid:
            async with self._refreshing:
                if self._credentials is None or not self._credentials.valid:
                    self._credentials = await asyncio.to_thread(_fresh, self._credentials)
        return str(self._credentials.token)


def _fresh(credentials: "Credentials | None") -> "Credentials":
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
    from google.auth.transport.requests import Request

    try:
        if credentials is None:
            credentials, _ = google.auth.default(scopes=[_SCOPE])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    except DefaultCredentialsError as error:
        raise InputError("Google Cloud", "no application default credentials were found", REMEDY) from error
    except RefreshError as error:
        raise InputError("Google Cloud", "the application default credentials were refused", REMEDY) from error
    except TransportError as error:
        raise TransientFailure("Google Cloud", "no token could be fetched", "Check the network") from error
    return credentials
