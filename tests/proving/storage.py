"""A stand-in for Cloud Storage: the JSON API that google-cloud-storage speaks, in memory."""

import base64
import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import google_crc32c

from proving.answering import Models
from proving.asked import id_of
from proving.connection import Answer, Incoming

_UNTYPED = "application/octet-stream"


@dataclass
class Stored:
    """One object."""

    data: bytes
    generation: int
    content_type: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class Upload:
    """A resumable upload under way."""

    bucket: str
    name: str
    content_type: str
    metadata: dict[str, str]
    data: bytes = b""


class Storage:
    """Buckets that are there as soon as somebody names them."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self.objects: dict[tuple[str, str], Stored] = {}
        self._uploads: dict[str, Upload] = {}
        self._generation = int(time.time() * 1000)
        self._host = ""

    async def handle(self, incoming: Incoming) -> Answer | None:
        """Answers a request to storage; None if it is none."""
        self._host = incoming.headers.get("host", "")
        if (rest := incoming.under("/upload/storage/v1/b/")) is not None:
            return self._upload(incoming, rest.removesuffix("/o"))
        raw = incoming.path.removeprefix("/download").removeprefix("/storage/v1/b/")
        if raw == incoming.path:
            return None
        bucket, _, rest = raw.partition("/")
        self._note("storage.read", incoming)
        if rest == "":
            return _json({"kind": "storage#bucket", "name": bucket, "id": bucket, "location": "ASIA-NORTHEAST3"})
        if rest == "o":
            return self._list(bucket, incoming.query)
        name = Incoming("", rest, {}, b"").under("o/") or ""
        stored = self.objects.get((bucket, name))
        if stored is None:
            return _json({"error": {"code": 404, "message": f"No such object: {bucket}/{name}"}}, 404)
        if incoming.method == "DELETE":
            del self.objects[bucket, name]
            return Answer(b"", 204)
        if incoming.query.get("alt") == "media" or incoming.path.startswith("/download"):
            return _media(stored, incoming.headers.get("range", ""))
        return _json(self._resource(bucket, name, stored))

    def put(self, bucket: str, name: str, data: bytes, content_type: str = "application/jsonl") -> Stored:
        """Stores an object."""
        self._generation += 1
        self.objects[bucket, name] = Stored(data, self._generation, content_type)
        return self.objects[bucket, name]

    def under(self, uri: str) -> list[tuple[str, bytes]]:
        """Objects that a gs:// address names: itself, or with a `*` at its end all that begin so."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        found = [(own, stored.data) for (of, own), stored in sorted(self.objects.items()) if of == bucket]
        prefix = name.removesuffix("*")
        return [(own, data) for own, data in found if (own.startswith(prefix) if name.endswith("*") else own == name)]

    def _note(self, kind: str, incoming: Incoming) -> None:
        self._models.journal.enter(kind, id_of(incoming), "")
        self._models.kill(kind)

    def _upload(self, incoming: Incoming, bucket: str) -> Answer:
        query = incoming.query
        if upload_id := query.get("upload_id"):
            return self._resume(incoming, upload_id)
        self._note("storage.upload", incoming)
        if query.get("uploadType") == "resumable":
            plain = json.loads(incoming.body or b"{}")
            name = plain.get("name") or query["name"]
            if self._is_there(bucket, name, query):
                return _json({"error": {"code": 412, "message": "conditionNotMet"}}, 412)
            upload_id = hashlib.sha256(f"{bucket}/{name}/{time.time_ns()}".encode()).hexdigest()[:16]
            kind = incoming.headers.get("x-upload-content-type") or plain.get("contentType", _UNTYPED)
            self._uploads[upload_id] = Upload(bucket, name, kind, plain.get("metadata", {}))
            path = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
            return Answer(b"", headers={"location": f"http://{self._host}{path}"})
        if query.get("uploadType") == "multipart":
            plain, data = parts_of(incoming)
            kind, name, metadata = plain.get("contentType", _UNTYPED), plain["name"], plain.get("metadata", {})
        else:
            data, name, metadata = incoming.body, query["name"], {}
            kind = incoming.headers.get("content-type", "")
        if self._is_there(bucket, name, query):
            return _json({"error": {"code": 412, "message": "conditionNotMet"}}, 412)
        stored = self.put(bucket, name, data, kind)
        stored.metadata = metadata
        return _json(self._resource(bucket, name, stored))

    def _resume(self, incoming: Incoming, upload_id: str) -> Answer:
        upload = self._uploads[upload_id]
        upload.data += incoming.body
        total = incoming.headers.get("content-range", "").rpartition("/")[2]
        if total not in ("", "*") and len(upload.data) < int(total):
            return Answer(b"", 308, {"range": f"bytes=0-{len(upload.data) - 1}"})
        del self._uploads[upload_id]
        stored = self.put(upload.bucket, upload.name, upload.data, upload.content_type)
        stored.metadata = upload.metadata
        return _json(self._resource(upload.bucket, upload.name, stored))

    def _is_there(self, bucket: str, name: str, query: dict[str, str]) -> bool:
        return query.get("ifGenerationMatch") == "0" and (bucket, name) in self.objects

    def _list(self, bucket: str, query: dict[str, str]) -> Answer:
        prefix = query.get("prefix", "")
        items = [
            self._resource(bucket, name, stored)
            for (of, name), stored in sorted(self.objects.items())
            if of == bucket and name.startswith(prefix)
        ]
        return _json({"kind": "storage#objects", "items": items})

    def _resource(self, bucket: str, name: str, stored: Stored) -> dict[str, object]:
        return {
            "kind": "storage#object", "id": f"{bucket}/{name}/{stored.generation}", "name": name, "bucket": bucket,
            "generation": str(stored.generation), "metageneration": "1", "contentType": stored.content_type,
            "size": str(len(stored.data)), "storageClass": "STANDARD", "metadata": stored.metadata,
            "md5Hash": _md5(stored.data), "crc32c": _crc(stored.data),
            "mediaLink": f"http://{self._host}/download/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media",
            "timeCreated": "2024-11-27T00:00:00Z", "updated": "2024-11-27T00:00:00Z",
        }  # fmt: skip


def parts_of(incoming: Incoming) -> tuple[dict[str, Any], bytes]:
    """What a multipart upload says of its content, and the content to the byte: no parser may change its line ends."""
    found = re.search(r'boundary="?([^";]+)', incoming.headers["content-type"])
    assert found is not None
    _, described, content, _ = incoming.body.split(b"--" + found[1].encode())
    said = json.loads(described.partition(b"\r\n\r\n")[2])
    return said, content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def _media(stored: Stored, wanted: str) -> Answer:
    headers = {
        "content-type": stored.content_type, "x-goog-hash": f"crc32c={_crc(stored.data)},md5={_md5(stored.data)}",
        "x-goog-generation": str(stored.generation), "x-goog-stored-content-length": str(len(stored.data)),
    }  # fmt: skip
    if not (found := re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)):
        return Answer(stored.data, headers=headers)
    first, last = int(found[1]), min(int(found[2] or len(stored.data)), len(stored.data) - 1)
    if first > last:
        return Answer(b"", 416, {"content-range": f"bytes */{len(stored.data)}"})
    part = {"content-range": f"bytes {first}-{last}/{len(stored.data)}"}
    return Answer(stored.data[first : last + 1], 206, headers | part)


def _json(plain: object, status: int = 200) -> Answer:
    return Answer(json.dumps(plain).encode(), status)


def _crc(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4)).decode()


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()
