"""The files that commands write."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from collab_server.errors import ConfigurationError


@contextmanager
def writing(output: Path | None) -> Iterator[BinaryIO]:
    """Open a file for a long output, which has its name once it is complete; stdout for None and `-`.

    Raises ConfigurationError.
    """
    if output is None or str(output) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = output.with_name(f"{output.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(output)
    except OSError as error:
        raise _unwritable(output, error) from None
    finally:
        with suppress(OSError):
            partial.unlink()


def put_out(octets: bytes, output: Path | None) -> None:
    """Write a short output. Raises ConfigurationError."""
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(octets)
    except OSError as error:
        raise _unwritable(output, error) from None


def _unwritable(output: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{output} cannot be written: {error.strerror}")
