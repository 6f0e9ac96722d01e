"""What files a workspace takes: its administrators lower the limits of the server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from collab_server.errors import TooLarge, TypeNotAllowed


@dataclass(frozen=True, slots=True)
class FileLimits:
    """`max_bytes`: of a file. `types`: media types, such as `application/pdf` and `image/*`; None: all."""

    max_bytes: int
    types: tuple[str, ...] | None = None

    @classmethod
    def read(cls, settings: Mapping[str, Any], most: int) -> Self:
        """Read the settings of a workspace. `most`: bytes of a file, for the server."""
        given = settings.get("attachments") or {}
        types = given.get("types")
        return cls(min(most, given.get("max_bytes") or most), tuple(types) if types is not None else None)

    def check_size(self, size: int) -> None:
        """Raises TooLarge."""
        if size > self.max_bytes:
            raise TooLarge(f"a file may have at most {self.max_bytes} bytes")

    def check_type(self, content_type: str) -> None:
        """Raises TypeNotAllowed. `content_type`: as the bytes tell it."""
        if self.types is not None and not {content_type, f"{content_type.partition('/')[0]}/*"} & set(self.types):
            raise TypeNotAllowed(f"the workspace takes no files of the type {content_type}: {', '.join(self.types)}")
