"""COLLAB_STORAGE_URL, right and wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collab_server.adapters.object_store import ObjectStore
from collab_server.errors import ConfigurationError
from tests.s3_server import credentials_of_tests


@pytest.fixture(scope="module", autouse=True)
def credentials() -> Iterator[None]:
    with credentials_of_tests():
        yield


@pytest.mark.parametrize(
    ("url", "name", "region"),
    [
        ("", "file:files", None),
        ("file:///srv/my%20files/", "file:my files", None),
        ("s3://My.Bucket-1", "My.Bucket-1", "us-east-1"),
        ("s3://bucket/a/b/?region=eu-north-1", "bucket", "eu-north-1"),
        ("az://container/p?account=acme&endpoint=https://acme.example.org", "container", None),
    ],
)
def test_an_address_names_its_bucket(url: str, name: str, region: str | None) -> None:
    store = ObjectStore.open(url, Path("/var/files"))
    assert (store.bucket, store.region) == (name, region)


def test_the_region_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-south-2")
    assert ObjectStore.open("s3://bucket", Path("/var/files")).region == "eu-south-2"


@pytest.mark.parametrize(
    "url",
    [
        "s3",
        "s3://",
        "s3:///prefix",
        "s3://bucket:80/prefix",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "s3://bucket/a#hidden",
        "s3://hidden:hidden@bucket",
        "s3://bucket?secret_access_key=hidden",
        "s3://bucket?region=eu-west-1&region=hidden",
        "s3://bucket?region=",
        "s3://bucket?region=hid%0Aden",
        "s3://bucket?endpoint=hidden",
        "s3://bucket?endpoint=ftp://hidden",
        "s3://bucket?endpoint=http://u:hidden@h",
        "s3://bucket?endpoint=http://hidden:99999",
        "s3://bucket?endpoint=http://a%20hidden",
        "s3://bucket?hidden",
        "s3://[hidden",
        "gs://bucket?region=hidden",
        "az://container/prefix",
        "http://bucket/hidden",
        "memory:///hidden",
        "file://host/hidden",
        "file:hidden",
        "file:///",
        "file:///hidden?a=b",
        "file:///hid%00den",
    ],
)
def test_a_wrong_address_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ObjectStore.open(url, Path("/var/files"))
    assert caught.value.detail.startswith("COLLAB_STORAGE_URL")
    assert "hidden" not in caught.value.detail and "\n" not in caught.value.detail


def test_incomplete_credentials_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        ObjectStore.open("s3://bucket", Path("/var/files"))
