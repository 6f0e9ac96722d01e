"""Frames that answer a SyncStep1, kept for other clients with the same state."""

from collab_server.adapters.websocket.frame_parser import LargeOutgoing, Outgoing
from collab_server.core.protocol.messages import encode_sync_step1, sync_step2_parts, update_parts
from collab_server.core.room.room import Room
from collab_server.realtime.documents.document_connection import framed

MAX_ANSWERS = 16
"""Framed answers kept per document."""

Frames = Outgoing | LargeOutgoing


class SyncAnswers:
    """The framed answers of one room, valid while the room does not change."""

    __slots__ = ("_kept", "_room")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._kept: dict[tuple[str | None, bytes], tuple[tuple[bytes, ...], Frames]] = {}

    def clear(self) -> None:
        self._kept.clear()

    def get_frames(self, address: str | None, state_vector: bytes, *, with_step1: bool) -> Frames:
        """Frames for a client with this address and state. The room must be loaded. Raises Malformed."""
        parts = self._room.answer(state_vector)
        kept = self._kept.get((address, state_vector))
        # The room returns the same object as long as it has not changed.
        if kept is None or kept[0] is not parts:
            if len(self._kept) >= MAX_ANSWERS:
                self._kept.clear()
            kept = self._kept[(address, state_vector)] = (parts, self.frame(address, parts, with_step1=with_step1))
        return kept[1]

    def frame(self, address: str | None, parts: tuple[bytes, ...], *, with_step1: bool) -> Frames:
        """Frame an answer: all parts but the last as Updates, the last as SyncStep2."""
        messages = [*map(update_parts, parts[:-1]), sync_step2_parts(parts[-1])]
        if with_step1:
            messages.insert(0, (encode_sync_step1(self._room.state_vector()), b""))
        return framed(address, messages)
