"""The hot path in C, where it was compiled, and in Python else: the same results, for half of the time.

Callers use the functions as attributes of this module, because `choose` replaces them. The Python forms
of all but `write_to_all` find nothing plain: their callers then go the general way.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

try:
    from collab_server._speedups import compiled as _compiled
except ImportError:
    _compiled = None  # type: ignore[assignment]

Range = tuple[int, int, int]
Plain = tuple[tuple[Range, ...], tuple[Range, ...]]
"""(structs, deletes) as in core.yjs.inspection.UpdateSummary."""
PlainMessage = tuple[int, str | None, bytes, tuple[Range, ...], tuple[Range, ...]]
"""(bytes of the message, address, update, structs, deletes)"""

Form = Literal["compiled", "python"]

_INTERFACE: Final = 1
"""The number in compiled.c: a file that an older version left is not used."""


def _inspect_nothing(update: bytes, /) -> Plain | None:
    return None


def _read_nothing(chunk: bytes, addressed: bool, /) -> PlainMessage | None:  # noqa: FBT001
    return None


def _write_to_all(sockets: list[Any], outgoing: Any, /) -> None:
    for socket in sockets:
        socket.write(outgoing)


def _write_nothing(connections: dict[int, Any], author: int, update: bytes, /) -> int | None:
    return None


form: Form = "python"
"""The form in use."""
inspect_plain: Callable[[bytes], Plain | None] = _inspect_nothing
read_update_frame: Callable[[bytes, bool], PlainMessage | None] = _read_nothing
write_to_all: Callable[[list[Any], Any], None] = _write_to_all
write_update: Callable[[dict[int, Any], int, bytes], int | None] = _write_nothing


def is_compiled() -> bool:
    """Whether the compiled form is there, chosen or not."""
    return _compiled is not None and getattr(_compiled, "INTERFACE", 0) == _INTERFACE


def choose(*, compiled: bool) -> None:
    """Use the compiled form where it is there (`compiled`), or the Python form, in the whole process."""
    global form, inspect_plain, read_update_frame, write_to_all, write_update
    if compiled and is_compiled():
        form = "compiled"
        inspect_plain, read_update_frame = _compiled.inspect_plain, _compiled.read_update_frame
        write_to_all, write_update = _compiled.write_to_all, _compiled.write_update
    else:
        form = "python"
        inspect_plain, read_update_frame = _inspect_nothing, _read_nothing
        write_to_all, write_update = _write_to_all, _write_nothing


choose(compiled=True)
