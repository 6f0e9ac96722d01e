"""Uploads for tests of attachments."""

import io
import random
from typing import Any

import httpx
from PIL import Image

from tests.features.api_harness import ApiHarness
from tests.people import Person
from tests.waiting import until


async def upload(
    who: Person, document_id: str, octets: bytes, name: str = "notes.bin", **headers: str
) -> httpx.Response:
    """Send a file as the body of a request."""
    kind = {"content-type": "application/octet-stream", **{key.replace("_", "-"): headers[key] for key in headers}}
    return await who.post(
        f"/documents/{document_id}/attachments", params={"file_name": name}, content=octets, headers=kind
    )


async def attach(who: Person, document_id: str, octets: bytes, name: str = "notes.bin", **headers: str) -> Any:
    """Like `upload`, and return the attachment."""
    answer = await upload(who, document_id, octets, name, **headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def picture(width: int = 700, height: int = 500, kind: str = "PNG", **options: object) -> bytes:
    """A picture whose halves have two colours."""
    made = Image.new("RGB", (width, height), (200, 30, 30))
    made.paste((30, 30, 200), (width // 2, 0, width, height))
    file = io.BytesIO()
    made.save(file, kind, **options)
    return file.getvalue()


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


async def processed(who: Person, attachment: Any) -> Any:
    """Wait until the picture of an attachment is complete or has failed."""
    found: Any = attachment

    async def is_done() -> bool:
        nonlocal found
        found = (await who.get(f"/attachments/{attachment['id']}")).json()
        return found["processing_status"] in ("complete", "failed")

    await until(is_done, "the picture to be processed", 60)
    return found


async def used(api: ApiHarness, workspace: str | None = None) -> tuple[int, int]:
    """(bytes of the workspace, of these the attachments)."""
    usage = (await api.owner.get(f"/workspaces/{workspace or api.team}/usage")).json()
    return usage["storage_used_bytes"], usage["attachment_bytes"]
