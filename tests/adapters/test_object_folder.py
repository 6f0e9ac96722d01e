"""A file store in a folder: modes, links, faults."""

import os
import resource
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collab_server.adapters.object_store import ObjectStore
from collab_server.errors import NotFound, StoreUnavailable
from tests.object_stores import CONTENT, MIB, chunks, folder_place, listed, read, refused


async def test_a_folder_signs_nothing(tmp_path: Path) -> None:
    store = ObjectStore.open("", tmp_path)
    assert await store.presign_get("key", 60) is None
    assert await store.presign_put("key", 60) is None


async def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    said = await refused(ObjectStore.open("", tmp_path / "file" / "files"))
    assert said == ["the folder of files cannot be used (Not a directory)"] * 2


async def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    place = folder_place(tmp_path / "files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, hard))
    try:
        with pytest.raises(StoreUnavailable, match="no space left"):
            await place.store.put("key", chunks(*[bytes(MIB)] * 4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await place.store.size("key") is None
    assert await place.unfinished() == []
    await place.store.put("key", chunks(*[bytes(MIB)] * 4))
    assert await place.store.size("key") == 4 * MIB


async def test_only_the_server_reads_its_folder(tmp_path: Path) -> None:
    store = ObjectStore.open("", tmp_path / "made" / "files")
    assert not (tmp_path / "made").exists()
    await store.put("a/b/key", chunks(CONTENT))
    await store.copy("a/b/key", "a/c/key")
    root = tmp_path / "made" / "files"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()} == {0o600}


async def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    root = tmp_path / "files"
    root.mkdir()
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    store = ObjectStore.open("", root)
    for key in ("folder/secret", "file"):
        with pytest.raises(NotFound):
            await store.read(key)
        with pytest.raises(NotFound):
            await store.copy(key, "copied")
        assert await store.size(key) is None
    assert await listed(store) == {}
    assert await listed(store, "folder") == {}
    with pytest.raises(StoreUnavailable):
        await store.put("folder/secret", chunks(b"x"))
    await store.delete("folder/secret")
    await store.put("file", chunks(b"replaces the link"))
    assert (outside / "secret").read_text() == "secret"
    assert await read(store, "file") == b"replaces the link"


async def test_a_copy_in_a_folder_looks_new(tmp_path: Path) -> None:
    """Otherwise it would be swept as an old file without an owner before its owner is written."""
    store = ObjectStore.open("", tmp_path)
    await store.put("first", chunks(CONTENT))
    os.utime(tmp_path / "first", (0, 0))
    assert (await listed(store))["first"].modified_at.year == 1970
    await store.copy("first", "second")
    assert (await listed(store))["second"].modified_at > datetime.now(UTC) - timedelta(hours=1)


async def test_a_copy_without_hard_links_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    store = ObjectStore.open("", tmp_path)
    content = os.urandom(3 * MIB)
    await store.put("first", chunks(content))
    await store.copy("first", "second")
    assert await read(store, "second") == content
    assert stat.S_IMODE((tmp_path / "second").stat().st_mode) == 0o600
