"""Settings of sizes, counts and rates."""

from typing import Annotated

from pydantic import BaseModel, Field


class LimitSettings(BaseModel):
    max_message_bytes: Annotated[
        int,
        Field(
            ge=1024,
            le=16_000_000,
            description="Largest WebSocket message that needs no turn; see docs/reference/limits.md.",
        ),
    ] = 10_000_000
    max_document_bytes: Annotated[
        int, Field(ge=65536, le=67_108_864, description="Largest encoded document; above it growth is refused.")
    ] = 64_000_000
    max_import_bytes: Annotated[
        int, Field(ge=65536, le=2_000_000_000, description="Largest file that is imported; kept on disk meanwhile.")
    ] = 200_000_000
    max_attachment_bytes: Annotated[
        int, Field(ge=65536, le=1 << 40, description="Largest file that is attached to a document.")
    ] = 2_147_483_648
    max_documents_per_workspace: Annotated[
        int, Field(ge=1, description="Documents one workspace may have, with those in its trash.")
    ] = 100_000
    max_playground_documents: Annotated[
        int, Field(ge=1, description="The same for the workspace in which guests write.")
    ] = 10_000
    creations_per_minute: Annotated[
        float, Field(gt=0, description="Documents that one person may make in a minute for long, in one process.")
    ] = 600.0
    creation_burst: Annotated[int, Field(ge=1, description="Documents that one person may make at once.")] = 5_000
    guest_creations_per_minute: Annotated[
        float, Field(gt=0, description="CREATIONS_PER_MINUTE for the guests of one IP address together.")
    ] = 60.0
    guest_creation_burst: Annotated[
        int, Field(ge=1, description="CREATION_BURST for the guests of one IP address together.")
    ] = 500
    max_spool_bytes: Annotated[
        int,
        Field(
            ge=1_000_000,
            description="Disk for all files that are imported or exported at a time, in the directory for temporary "
            "files; a quarter of it, or MAX_IMPORT_BYTES, for one person.",
        ),
    ] = 4_000_000_000
    max_connections: Annotated[int, Field(ge=1, description="Open WebSockets this process accepts.")] = 10_000
    max_connections_per_address: Annotated[
        int,
        Field(
            ge=1,
            description="Of these, from one address (IPv6: one /64 network). Addresses of this machine have no limit.",
        ),
    ] = 1_000
    signed_in_share: Annotated[
        float, Field(ge=0, le=1, description="Part of MAX_CONNECTIONS that is kept for people who are signed in.")
    ] = 0.2
    max_document_connections: Annotated[
        int, Field(ge=1, description="Open connections to one document; further ones are told to come back.")
    ] = 2_000
    rate_updates: Annotated[
        float,
        Field(
            gt=0,
            description="Messages a second one socket may send for long; beyond it closes 4529. Each 8 KB count as one "
            "more. All sockets of an address together may send 16 times as much.",
        ),
    ] = 1000.0
    rate_burst: Annotated[int, Field(ge=10, description="Messages one socket may send at once.")] = 10_000
    rate_requests: Annotated[
        int,
        Field(
            ge=0,
            description="API requests a minute of one user and of one token or session for long; ten times as many of "
            "one address. Beyond it 429. 0: no limit.",
        ),
    ] = 3000
    rate_requests_burst: Annotated[int, Field(ge=1, description="API requests of one user or token at once.")] = 1000
    rate_guest_requests: Annotated[
        int,
        Field(ge=1, description="API requests a minute of one address without credential; the burst in proportion."),
    ] = 1200
    max_unsaved_bytes: Annotated[
        int, Field(ge=65536, description="Edits held in memory while PostgreSQL is away; beyond it sockets close 1013.")
    ] = 64_000_000
    max_unsaved_seconds: Annotated[
        float, Field(gt=0, description="How long rooms go on while PostgreSQL is away; then sockets close 1013.")
    ] = 60.0
