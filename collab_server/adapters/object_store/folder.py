"""A file store in a folder.

obstore's LocalStore is not used. Its `object_store` 0.14 can fsync, but only if `with_fsync` is set, which obstore 0.12
does not offer: a power cut could lose an acknowledged file. It also follows symbolic links out of its folder, and
leaves the modes of files to the umask.

A file is written in `.unfinished`, flushed to disk, renamed to its key, and the folder of the key is flushed.
"""

import asyncio
import errno
import os
import shutil
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from io import FileIO
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import uuid4

from collab_server.adapters.object_store.objects import BLOCK, SEGMENT, TIMEOUT, SignedAddress, StoredObject
from collab_server.errors import NotFound, StoreUnavailable

UNFINISHED = ".unfinished"
WRITE_SIZE = 1024 * 1024
"""Bytes that one write gathers, as each costs a change of threads."""
THREADS = 8
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR}
"""A symbolic link counts as missing: it may lead out of the folder."""
_NO_LINKS = {errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
P = ParamSpec("P")
T = TypeVar("T")


class Folder:
    """`root` is made by the first put. It may be a symbolic link."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # The default executor has other work, which must go on while a network file system hangs.
        self._threads = ThreadPoolExecutor(THREADS, "files")

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        upload = _Upload(self._root)
        gathered = bytearray()
        try:
            async for chunk in chunks:
                gathered += chunk
                if len(gathered) >= WRITE_SIZE:
                    await self._run(upload.write, bytes(gathered))
                    gathered.clear()
            await self._run(upload.write, bytes(gathered), last=True)
            await self._run(upload.publish, key)
        except BaseException:
            # Shielded: a second cancellation must not leave the file.
            with suppress(StoreUnavailable):
                await asyncio.shield(self._run(upload.discard))
            raise

    async def read(self, key: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        file = await self._run(_open_file, self._root, key)
        if file is None:
            raise NotFound("the file store has no such file")
        return self._read_blocks(file, start, end)

    async def _read_blocks(self, file: FileIO, start: int, end: int | None) -> AsyncIterator[bytes]:
        with file:
            while end is None or start < end:
                wanted = BLOCK if end is None else min(BLOCK, end - start)
                block = await self._run(os.pread, file.fileno(), wanted, start)
                if not block:
                    return
                start += len(block)
                yield block

    async def size(self, key: str) -> int | None:
        return await self._run(_find_size, self._root, key)

    async def copy(self, source: str, target: str) -> None:
        if not await self._run(_copy, self._root, source, target):
            raise NotFound("the file store has no such file")

    async def delete(self, key: str) -> None:
        await self._run(_delete, self._root, key)

    async def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Yield without order. One folder at a time is in memory."""
        folders = [prefix.split("/") if prefix else []]
        while folders:
            objects, inner = await self._run(_list_folder, self._root, folders.pop())
            folders += inner
            for found in objects:
                yield found

    async def presign(self, method: str, key: str, seconds: int) -> SignedAddress | None:
        return None

    async def remove_leftovers(self, older_than: timedelta) -> int:
        return await self._run(_remove_unfinished, self._root, time.time() - older_than.total_seconds())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(TIMEOUT):
                call = partial(function, *args, **kwargs)
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except TimeoutError:
            raise StoreUnavailable(f"the folder of files did not answer within {TIMEOUT:.0f} s") from None
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            what = "has no space left" if error.errno in _FULL else "cannot be used"
            raise StoreUnavailable(f"the folder of files {what} ({reason})") from error


class _Upload:
    """A file in progress. The lock orders the steps: a cancelled step goes on in its thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._name = uuid4().hex
        self._file: FileIO | None = None
        self._discarded = False
        self._lock = threading.Lock()

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Write, and flush to disk what is the last."""
        with self._lock:
            if not self._discarded:
                self._write(data)
                if last and self._file is not None:
                    os.fsync(self._file.fileno())

    def _write(self, data: bytes) -> None:
        if self._file is None:
            with _opened(self._root, [UNFINISHED], make=True) as folder:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                self._file = FileIO(os.open(self._name, flags, 0o600, dir_fd=folder), "wb")
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def publish(self, key: str) -> None:
        with self._lock:
            if self._discarded or self._file is None:
                return
            self._file.close()
            _move(self._root, self._name, key)

    def discard(self) -> None:
        with self._lock:
            self._discarded = True
            if self._file is not None:
                self._file.close()
                _remove_name(self._root, self._name)


def _split(key: str) -> tuple[Sequence[str], str]:
    *folders, name = key.split("/")
    return folders, name


@contextmanager
def _opened(root: Path, folders: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Yield the descriptor of a folder. No symbolic link below the root is followed. Raises OSError."""
    if make and not root.is_dir():
        root.mkdir(0o700, parents=True, exist_ok=True)
        with _opened(root.parent, []) as parent:
            os.fsync(parent)
    folder = os.open(root, _FOLDER)
    try:
        for name in folders:
            if make:
                _make_folder(name, folder)
            inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _make_folder(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    os.fsync(parent)


def _move(root: Path, name: str, key: str) -> None:
    """Rename an unfinished file to its key."""
    folders, target = _split(key)
    with _opened(root, [UNFINISHED]) as unfinished, _opened(root, folders, make=True) as folder:
        os.replace(name, target, src_dir_fd=unfinished, dst_dir_fd=folder)
        os.fsync(folder)


def _remove_name(root: Path, name: str) -> None:
    with suppress(FileNotFoundError), _opened(root, [UNFINISHED]) as unfinished:
        os.unlink(name, dir_fd=unfinished)


@contextmanager
def _missing_passes() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _MISSING:
            raise


def _open_file(root: Path, key: str) -> FileIO | None:
    folders, name = _split(key)
    with _missing_passes(), _opened(root, folders) as folder:
        # Not blocking: somebody may have put a named pipe here.
        file = FileIO(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder), "rb")
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
    return None


def _find_size(root: Path, key: str) -> int | None:
    folders, name = _split(key)
    with _missing_passes(), _opened(root, folders) as folder:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            return status.st_size
    return None


def _copy(root: Path, source: str, target: str) -> bool:
    """Return whether there was a source."""
    file = _open_file(root, source)
    if file is None:
        return False
    copied = uuid4().hex
    folders, name = _split(source)
    try:
        with file, _opened(root, folders) as folder, _opened(root, [UNFINISHED], make=True) as unfinished:
            try:
                os.link(name, copied, src_dir_fd=folder, dst_dir_fd=unfinished, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                descriptor = os.open(copied, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=unfinished)
                with FileIO(descriptor, "wb") as written:
                    shutil.copyfileobj(file, written, BLOCK)
                    os.fsync(descriptor)
            # A new key must look new to whoever looks for old files without an owner.
            os.utime(copied, dir_fd=unfinished)
        _move(root, copied, target)
    finally:
        # A rename to another name of the same file does nothing, and leaves the old name.
        _remove_name(root, copied)
    return True


def _delete(root: Path, key: str) -> None:
    folders, name = _split(key)
    with _missing_passes(), _opened(root, folders) as folder:
        os.unlink(name, dir_fd=folder)
        os.fsync(folder)


def _list_folder(root: Path, folders: Sequence[str]) -> tuple[list[StoredObject], list[list[str]]]:
    objects, inner = [], []
    with _missing_passes(), _opened(root, folders) as folder, os.scandir(folder) as entries:
        for entry in entries:
            if not SEGMENT.fullmatch(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                inner.append([*folders, entry.name])
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
                    objects.append(StoredObject("/".join([*folders, entry.name]), status.st_size, modified_at))
    return objects, inner


def _remove_unfinished(root: Path, before: float) -> int:
    removed = 0
    with _missing_passes(), _opened(root, [UNFINISHED]) as folder:
        for name in os.listdir(folder):
            with suppress(FileNotFoundError):
                if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime <= before:
                    os.unlink(name, dir_fd=folder)
                    removed += 1
    return removed
