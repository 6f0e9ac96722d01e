"""Settings of intervals, processes and logs."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class OperationSettings(BaseModel):
    access_recheck_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="Changes of access count at once; where PostgreSQL's notices do not arrive (a pooler in "
            "transaction mode), after this time.",
        ),
    ] = 60.0
    feed_lag_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="/health/ready says degraded, and names the session, where an open transaction has kept "
            "changes from the feed for longer.",
        ),
    ] = 300.0
    presence_seconds: Annotated[
        float,
        Field(
            ge=14,
            le=86400,
            description="Seconds after which lists no longer show the people of a server that vanished. "
            "Who leaves goes at once.",
        ),
    ] = 14.0
    public_page_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=86400,
            description="Seconds for which browsers and proxies may show a public page without asking whether it has "
            "changed, and as long again while they ask. 0: they ask each time.",
        ),
    ] = 30
    commit_interval: Annotated[
        float, Field(ge=0, le=1, description="Least time between the starts of two group commits.")
    ] = 0.012
    commit_shared_interval: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="The same for servers with Redis. Clients of other servers get an edit after its commit.",
        ),
    ] = 0.004
    commit_quiet_interval: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="COMMIT_INTERVAL while fewer than 12 edits wait, none of them for a request or another server.",
        ),
    ] = 0.05
    commit_unwaited_interval: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="COMMIT_INTERVAL while nobody waits for the edits: no request, no other server, and no client "
            "that is told of commits.",
        ),
    ] = 0.1
    room_idle_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="A room without edits lets go of its bytes after this time. If somebody reads its stored text, "
            "it folds its log first.",
        ),
    ] = 3.0
    fold_updates: Annotated[int, Field(ge=2, description="Log rows after which a busy document is folded.")] = 500
    fold_bytes: Annotated[int, Field(ge=1024, description="Log bytes after which a busy document is folded.")] = 262_144
    fold_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="Longest time that the change feed, and the stored text while somebody reads it, stay behind "
            "the edits of a busy document.",
        ),
    ] = 15.0
    fold_unread_seconds: Annotated[
        float,
        Field(gt=0, description="Longest time that a stored text which nobody reads stays behind the edits."),
    ] = 180.0
    version_interval: Annotated[
        float,
        Field(
            ge=0,
            le=86400,
            description="Seconds after new edits until an automatic version of the document is made. 0: none are made.",
        ),
    ] = 600.0
    ping_interval: Annotated[float, Field(gt=0, description="Time between WebSocket pings on a socket.")] = 20.0
    ping_timeout: Annotated[float, Field(gt=0, description="A socket without an answer to a ping is dead.")] = 20.0
    shutdown_grace: Annotated[
        float, Field(gt=0, description="On SIGTERM: time to commit every room and close every socket.")
    ] = 20.0
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=600,
            description="On SIGTERM: time to serve on while /health/ready is red, for a proxy to notice; above the "
            "time between its checks.",
        ),
    ] = 0.0
    worker_processes: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Most processes of each kind (large updates, folds, edits and renderings by requests); they "
            "start when needed. With 1 a person's heavy work can hold up others'.",
        ),
    ] = 2
    search_attachments: Annotated[
        bool,
        Field(description="Whether the search finds words in PDF and Word files that are attached to documents."),
    ] = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe log record to write.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"], Field(description="auto: text on a terminal, JSON lines elsewhere.")
    ] = "auto"
    speedups: Annotated[
        bool,
        Field(
            description="Use the parts that are compiled from C, where they were built. `false`: the same in Python, "
            "which takes more CPU time."
        ),
    ] = True
