"""Names of devices."""

import pytest

from collab_server.web.user_agents import DeviceType, device_of


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("", (None, None)),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ("desktop", "Firefox on Linux")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1",
            ("mobile", "Safari on iOS"),
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", ("mobile", "Chrome on Android")),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Safari/537.36", ("tablet", "Chrome on Android")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1", ("desktop", "Safari on macOS")),
        ("curl/8.5.0", ("program", "curl")),
        ("python-websockets/15.0", ("program", "python-websockets")),
        ("\x01", ("program", None)),
    ],
)
def test_devices_are_named_as_people_know_them(agent: str, device: tuple[DeviceType | None, str | None]) -> None:
    assert device_of(agent) == device
