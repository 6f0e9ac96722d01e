"""HTTP requests of the client, with the binary format for bodies and answers."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import httpx

from collab_server.client import clock
from collab_server.core.protocol.offline_sync import (
    MEDIA_TYPE,
    Answer,
    Edit,
    End,
    FrameDecoder,
    Mutation,
    PullRequest,
    encode_pull,
    encode_push,
)
from collab_server.errors import Malformed

REQUEST_SECONDS = 60.0
_HEADERS = {"content-type": MEDIA_TYPE, "accept": MEDIA_TYPE}


class ServerUnavailable(Exception):
    """The server is unreachable or cannot answer now. `after`: the requested delay in seconds. `status`: of HTTP, 0
    without an answer.
    """

    def __init__(self, detail: str, after: float = 0.0, status: int = 0) -> None:
        super().__init__(detail)
        self.after = after
        self.status = status


class RequestRejected(Exception):
    """The server refuses the request. `code`: of the problem document (unauthenticated, forbidden, ...); `status`: of
    HTTP.
    """

    def __init__(self, code: str, detail: str, status: int = 0) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status


class ServerConnection:
    """A connection to the server.

    `requests`: number of requests. `server_time`: the server's time in the last feed page (milliseconds), and the
    device's times before and after it (microseconds); None without one.
    """

    def __init__(self, server: str, token: str, device: str) -> None:
        headers = {"x-device-id": device, "x-client-version": "collab-client"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        self._device = device
        self._http = httpx.AsyncClient(
            base_url=server.rstrip("/") + "/api/v1", headers=headers, timeout=httpx.Timeout(REQUEST_SECONDS, connect=10)
        )
        self.requests = 0
        self.server_time: tuple[int, int, int] | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def feed(self, cursor: str | None, *, wait: float = 0.0) -> dict[str, Any]:
        """Fetch a page of the change feed; without a cursor, fetch the first cursor."""
        params: dict[str, str] = {"limit": "500"}
        if cursor is not None:
            params |= {"cursor": cursor, "wait": str(wait)}
        return await self._get("/sync", params, timed=not wait)

    async def workspaces(self) -> list[dict[str, Any]]:
        return await self._list("/workspaces")

    async def list_documents(self, workspace_id: UUID) -> dict[UUID, int]:
        """Fetch the ids of all documents of a workspace, with the numbers of their open threads. New documents are in
        the feed after the cursor.
        """
        found = await self._list(f"/workspaces/{workspace_id}/documents", sort="created", order="asc")
        return {UUID(one["id"]): one.get("comment_count", 0) for one in found}

    async def comments(self, document_id: UUID) -> list[dict[str, Any]]:
        """Fetch all comments of a document, the oldest first. Raises ServerUnavailable, RequestRejected."""
        return await self._list(f"/documents/{document_id}/comments")

    async def find_comment(self, comment_id: UUID) -> dict[str, Any] | None:
        """Fetch a comment; None: there is none that may be read here. Raises ServerUnavailable, RequestRejected."""
        try:
            return await self._get(f"/comments/{comment_id}", {})
        except RequestRejected as error:
            if error.status != 404:
                raise
            return None

    async def attachments(self, document_id: UUID) -> list[dict[str, Any]]:
        """Fetch the attachments of a document, the oldest first. Raises ServerUnavailable, RequestRejected."""
        return await self._list(f"/documents/{document_id}/attachments")

    async def download(self, attachment_id: UUID) -> AsyncIterator[bytes]:
        """Fetch the bytes of an attachment. Raises ServerUnavailable, also for a truncated answer; RequestRejected."""
        self.requests += 1
        try:
            async with self._http.stream("GET", f"/attachments/{attachment_id}/content") as answer:
                if not answer.is_success:
                    await answer.aread()
                _raise_for_error(answer)
                async for chunk in answer.aiter_bytes():
                    yield chunk
        except httpx.HTTPError as error:
            raise ServerUnavailable(str(error) or type(error).__name__) from error

    async def versions(self, document_id: UUID) -> list[dict[str, Any]]:
        """Fetch the versions of a document, the newest first. Raises ServerUnavailable, RequestRejected."""
        return await self._list(f"/documents/{document_id}/versions")

    async def restore(self, document_id: UUID, number: int) -> dict[str, Any]:
        """Restore a version of a document. Raises ServerUnavailable, RequestRejected."""
        done = await self.change("POST", f"/documents/{document_id}/versions/{number}/restore")
        if done is None:
            raise ServerUnavailable("the answer is empty")
        return done

    async def change(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, version: int | None = None
    ) -> dict[str, Any] | None:
        """Send a request that changes something; returns its answer, None for an empty one. `version`: for If-Match.

        Raises ServerUnavailable, RequestRejected.
        """
        self.requests += 1
        headers = {} if version is None else {"if-match": f'"r{version}"'}
        try:
            answer = await self._http.request(method, path, json=body, headers=headers)
            _raise_for_error(answer)
            done: dict[str, Any] | None = answer.json() if answer.content else None
        except (httpx.HTTPError, ValueError) as error:
            raise ServerUnavailable(str(error) or type(error).__name__) from error
        return done

    async def _list(self, path: str, **params: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._get(path, {"limit": "200", **params, **({"cursor": cursor} if cursor else {})})
            items += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return items

    async def _get(self, path: str, params: dict[str, str], *, timed: bool = False) -> dict[str, Any]:
        self.requests += 1
        sent = clock.now()
        try:
            answer = await self._http.get(path, params=params)
            _raise_for_error(answer)
            if timed:
                told = answer.headers.get("x-server-time", "")
                self.server_time = (int(told), sent, clock.now()) if told.isdigit() else None
            page: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ServerUnavailable(str(error) or type(error).__name__) from error
        return page

    async def push(self, operations: Sequence[Edit | dict[str, Any]]) -> list[Answer]:
        """Send operations; returns a result for each. Raises Away also for a truncated answer; retry all then."""
        encoded = [one if isinstance(one, Edit) else Mutation(json.dumps(one)) for one in operations]
        answers = [answer async for answer in self._stream("/sync/push", encode_push(self._device, encoded))]
        if len(answers) != len(operations):
            raise ServerUnavailable(f"{len(answers)} results for {len(operations)} operations")
        return answers

    def pull(self, wanted: Sequence[PullRequest]) -> AsyncIterator[Answer]:
        """Fetch documents; yields an answer for each. Raises Away for a truncated answer."""
        return self._stream("/sync/pull", encode_pull(wanted))

    async def _stream(self, path: str, body: bytes) -> AsyncIterator[Answer]:
        self.requests += 1
        frames = FrameDecoder()
        try:
            async with self._http.stream("POST", path, content=body, headers=_HEADERS) as answer:
                if not answer.is_success:
                    await answer.aread()
                _raise_for_error(answer)
                async for chunk in answer.aiter_bytes():
                    for frame in frames.feed(chunk):
                        if isinstance(frame, End):
                            if frame.code:
                                raise ServerUnavailable(f"{frame.code}: {frame.detail}")
                            return
                        yield frame
        except (httpx.HTTPError, Malformed) as error:
            raise ServerUnavailable(str(error) or type(error).__name__) from error
        raise ServerUnavailable("the answer is cut off")


def _raise_for_error(answer: httpx.Response) -> None:
    """Raise Away or Rejected for an error response."""
    if answer.is_success:
        return
    try:
        problem = answer.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = f"http_{answer.status_code}", answer.reason_phrase
    if answer.status_code >= 500 or answer.status_code == 429:
        after = answer.headers.get("retry-after", "")
        raise ServerUnavailable(f"{code}: {detail}", float(after) if after.isdigit() else 0.0, answer.status_code)
    raise RequestRejected(code, detail, answer.status_code)
