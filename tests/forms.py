"""Runs a test with the compiled form of `_speedups` and with the Python form."""

from collections.abc import Iterator

import pytest

from collab_server import _speedups
from tests.require import needs

FORMS = ("python", "compiled")


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The form in use; also of servers that are started in the test."""
    if request.param == "compiled":
        needs("compiler")
    before = _speedups.form
    monkeypatch.setenv("COLLAB_SPEEDUPS", str(request.param == "compiled").lower())
    _speedups.choose(compiled=request.param == "compiled")
    assert _speedups.form == request.param, "nothing is compiled: python -m collab_server._speedups.build"
    yield _speedups.form
    _speedups.choose(compiled=before == "compiled")
