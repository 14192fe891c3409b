"""Models by the names that tasks use. A model's identity is known without loading it, so that planning is cheap."""

import importlib

from madang.errors import DeclarationError
from madang.models.online_specs import OnlineModel
from madang.models.protocol import Model
from madang.models.specs import Lane, LocalModel, ModelSpec
from madang.settings import Settings


class Catalogue:
    """The models of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._identities: dict[str, str] = {}

    def identity(self, name: str) -> str:
        """What a request hash says of a model.

        Raises:
            DeclarationError: No model has this name.
            ModelFileError: It is a file without a declared hash, and is not there.
        """
        if name not in self._identities:
            spec = self._settings.models.get(name)
            if spec is None:
                known = ", ".join(sorted(self._settings.models))
                raise DeclarationError("models", f"no model is called {name!r} (there are: {known})",
                                       "Correct `use`, or add it under [tool.madang.models]")  # fmt: skip
            if isinstance(spec, LocalModel):
                from madang.models.gguf_file import digest_of

                self._identities[name] = f"local:{spec.expected_sha256 or digest_of(spec.file, self._settings.home)}"
            elif isinstance(spec, OnlineModel):
                self._identities[name] = spec.identity
            else:
                self._identities[name] = f"{spec.lane}:{spec.identity}"
        return self._identities[name]

    def spec(self, name: str) -> ModelSpec:
        """What the settings say of a model."""
        return self._settings.models[name]

    def lane(self, name: str) -> Lane:
        """Lane of a model."""
        return self._settings.models[name].lane

    def check(self, name: str) -> None:
        """Refuses a model whose file is missing or is not the declared one, or whose price is unknown; loads nothing.

        Raises:
            ModelFileError: It says what is wrong with the file.
            DeclarationError: Nobody knows what it costs.
        """
        self.identity(name)
        spec = self._settings.models[name]
        if isinstance(spec, LocalModel):
            from madang.models.gguf_file import find_gguf

            find_gguf(spec.file, self._settings.home, spec.expected_sha256)
        elif isinstance(spec, OnlineModel):
            from madang.models.online_lanes import prices_of

            prices_of(spec)

    def model(self, name: str) -> Model:
        """Makes the lane to a model; nothing is loaded before it is opened."""
        identity = self.identity(name)
        spec = self._settings.models[name]
        if isinstance(spec, LocalModel):
            from madang.models.local import LocalLane

            return LocalLane(spec, self._settings.home, identity)
        if isinstance(spec, OnlineModel):
            from madang.models.online_lanes import online_lane

            return online_lane(spec)
        module, _, attribute = spec.factory.partition(":")
        factory = getattr(importlib.import_module(module), attribute)
        model: Model = factory(identity=identity, concurrency=spec.concurrency, **spec.options)
        return model
