"""The registry file, replaced instead of rewritten.

Feast truncates registry.pb and writes it again: beside a writer, readers saw an empty or torn registry in 2% to 15%
of opens. Only writers need this class; what it writes is an ordinary Feast registry.
"""

import os
import uuid
from datetime import UTC, datetime

from feast.infra.registry.file import FileRegistryStore
from feast.protos.feast.core.Registry_pb2 import Registry


class AtomicFileRegistryStore(FileRegistryStore):
    """A file registry whose readers see the old content or the new."""

    def _write_registry(self, registry_proto: Registry) -> None:
        registry_proto.version_id = str(uuid.uuid4())
        registry_proto.last_updated.FromDatetime(datetime.now(UTC))
        draft = self._filepath.with_name(f".{self._filepath.name}.{os.getpid()}")
        with draft.open("wb") as file:
            file.write(registry_proto.SerializeToString())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._filepath)
