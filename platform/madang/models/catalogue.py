"""Models by the names that tasks use. A model's identity is known without loading it, so that planning is cheap."""

import importlib
from typing import TYPE_CHECKING

from madang.errors import DeclarationError
from madang.models.batch_journal import UNKEPT, BatchJournal
from madang.models.batch_spec import BatchModel
from madang.models.online_specs import OnlineModel, PricedModel
from madang.models.protocol import Model
from madang.models.specs import Lane, LocalModel, ModelSpec, StudentModel
from madang.settings import Settings

if TYPE_CHECKING:
    from madang.models.batch import BatchLane


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
            elif isinstance(spec, StudentModel):
                from madang.distillation.registry import Registry

                self._identities[name] = f"student:{Registry(self._settings.home).find(spec.student).identity}"
            elif isinstance(spec, PricedModel):
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
        elif isinstance(spec, StudentModel):
            from madang.distillation.registry import Registry

            Registry(self._settings.home).find(spec.student).check()
        elif isinstance(spec, PricedModel):
            from madang.models.online_lanes import prices_of

            prices_of(spec)

    def model(self, name: str, journal: BatchJournal = UNKEPT) -> Model:
        """Makes the lane to a model; nothing is loaded before it is opened.

        Args:
            name: Its name.
            journal: Where a batch lane writes its jobs down.
        """
        identity = self.identity(name)
        spec = self._settings.models[name]
        if isinstance(spec, LocalModel):
            from madang.models.local import LocalLane

            return LocalLane(spec, self._settings.home, identity)
        if isinstance(spec, StudentModel):
            from madang.models.student import StudentLane

            return StudentLane(spec, self._settings.home, identity)
        if isinstance(spec, OnlineModel):
            from madang.models.online_lanes import online_lane

            return online_lane(spec)
        if isinstance(spec, BatchModel):
            return self.batch(name, journal)
        module, _, attribute = spec.factory.partition(":")
        factory = getattr(importlib.import_module(module), attribute)
        model: Model = factory(identity=identity, concurrency=spec.concurrency, **spec.options)
        return model

    def batch(self, name: str, journal: BatchJournal) -> "BatchLane":
        """Makes a batch lane, which can also go on with a job that another process began.

        Raises:
            DeclarationError: The settings name no such batch model.
        """
        from madang.models.batch import BatchLane
        from madang.models.online_lanes import prices_of

        spec = self._settings.models.get(name)
        if not isinstance(spec, BatchModel):
            raise DeclarationError(
                "models", f"a batch job of the model {name!r} is open, and no batch model is called so",
                "Put it back until its job is collected",
            )  # fmt: skip
        return BatchLane(spec, prices_of(spec), journal)
