import pytest

from collab_server.web.origins import guest_may_come, is_own_page

LOCAL = "127.0.0.1:8000"


@pytest.mark.parametrize(
    ("origin", "host", "comes"),
    [
        (None, LOCAL, True),
        ("http://127.0.0.1:8000", LOCAL, True),
        ("http://localhost:3000", LOCAL, True),
        ("http://[::1]:5173", "localhost:8000", True),
        ("https://evil.example", LOCAL, False),
        ("http://localhost.evil.example", LOCAL, False),
        ("http://127.0.0.1.evil.example", LOCAL, False),
        ("null", LOCAL, False),
        ("", LOCAL, False),
        ("http://[", LOCAL, False),
        ("http://evil.example", "evil.example", False),
        (None, "evil.example", False),
        (None, None, False),
    ],
)
def test_on_loopback_only_this_machine_comes(origin: str | None, host: str | None, comes: bool) -> None:
    assert guest_may_come(origin, host, [], on_loopback=True) is comes


@pytest.mark.parametrize(
    ("origin", "host", "comes"),
    [
        (None, "docs.example", True),
        ("https://docs.example", "docs.example", True),
        ("https://docs.example:444", "docs.example", False),
        ("https://evil.example", "docs.example", False),
    ],
)
def test_in_public_only_own_pages_come(origin: str | None, host: str, comes: bool) -> None:
    assert guest_may_come(origin, host, [], on_loopback=False) is comes


@pytest.mark.parametrize("allowed", [["https://app.example"], ["*"]])
def test_named_origins_come_from_anywhere(allowed: list[str]) -> None:
    assert guest_may_come("https://app.example", "docs.example", allowed, on_loopback=True)
    assert guest_may_come("https://app.example/", LOCAL, allowed, on_loopback=True)


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://127.0.0.1:8000", LOCAL, True),
        ("https://127.0.0.1:8000", LOCAL, True),
        ("https://docs.example", "backend:8000", True),
        ("https://DOCS.example", "backend:8000", True),
        ("http://localhost:8000", LOCAL, False),
        ("http://127.0.0.1:3000", LOCAL, False),
        ("http://docs.example", "backend:8000", False),
        ("https://docs.example.evil.example", "backend:8000", False),
        ("https://docs.example:8443", "backend:8000", False),
        ("https://evil.example", "docs.example", False),
        ("null", LOCAL, False),
        ("null", "null", False),
        ("", "", False),
        ("http://", "", False),
        ("http://[", LOCAL, False),
        ("file://127.0.0.1:8000", LOCAL, False),
        ("http://127.0.0.1:8000", None, False),
    ],
)
def test_the_cookie_is_for_pages_of_this_server_alone(origin: str, host: str | None, own: bool) -> None:
    assert is_own_page(origin, host, "https://docs.example") is own
