"""Sizes from which on messages are handled by a worker process, or refused."""

LARGE_UPDATE = 16_384
"""Bytes of an update that a worker validates, so that no other client waits for it."""
LARGE_STATE_VECTOR = 16_384
"""Bytes of a state vector that a worker compares with the document."""
MAX_STATE_VECTOR_BYTES = 1_048_576
"""Some 150,000 Yjs clients."""
MAX_PRESENCE_BYTES = 262_144
MAX_PRESENCE_ENTRIES = 4_096
"""Entries of one awareness message. A client that lost its connection removes all others in one message."""
