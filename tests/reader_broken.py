"""A reader's module that does not import."""

import no_such_module  # type: ignore[import-not-found]  # noqa: F401
