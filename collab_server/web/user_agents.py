"""Names of devices, from User-Agent headers."""

from functools import lru_cache
from typing import Literal

DeviceType = Literal["desktop", "mobile", "tablet", "program"]

_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@lru_cache(maxsize=1024)
def device_of(agent: str) -> tuple[DeviceType | None, str | None]:
    """(type, name such as "Firefox on Linux") of a User-Agent header; (None, None) without one."""
    if not agent:
        return None, None
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    if browser is None:
        product = agent.split("/", 1)[0].split()
        return "program", product[0][:50] if product and product[0].isprintable() else None
    name = f"{browser} on {system}" if system else browser
    if "iPad" in agent or ("Android" in agent and "Mobile" not in agent):
        return "tablet", name
    return "mobile" if "Mobile" in agent else "desktop", name
