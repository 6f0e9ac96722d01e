"""The router of all API modules. It analyses a route when it is first needed, and runs it again when its transaction
lost a race.
"""

import asyncio
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.routing import BaseRoute, compile_path

from collab_server.background import Backoff
from collab_server.errors import LostRace
from collab_server.web.fields import Model

ATTEMPTS = 4
REST = 1.0
RETRY = (0.04, 0.16)
"""Seconds between two attempts: the first delay and the longest."""


_DESCRIBE = "describe"


def described_later(describe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """An `openapi_extra` that is made when the route is analysed: schemas of models take time."""
    return {_DESCRIBE: describe}


class LateRoute(APIRoute):
    """Analyses its endpoint (parameters, dependencies, bodies, answers) when something first needs the result.

    FastAPI takes some milliseconds for one route, and a second for all of them. The attributes that finding the route
    of a request needs are set at once. Any other attribute is missing until the first access, which sets them all.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._options = options
        self.path = path
        self.endpoint = endpoint
        self.methods = {method.upper() for method in options.get("methods") or ("GET",)}
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)

    def __getattr__(self, name: str) -> Any:
        if "_options" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        self.analyse()
        return getattr(self, name)

    def analyse(self) -> None:
        """Do what FastAPI does with a new route. A second call does nothing."""
        options = self.__dict__.pop("_options", None)
        if options is not None:
            extra = options.get("openapi_extra") or {}
            if _DESCRIBE in extra:
                options["openapi_extra"] = extra[_DESCRIBE]()
            super().__init__(self.path, self.endpoint, **options)
            with warnings.catch_warnings():
                # About the names of FastAPI's own fields. FastAPI ignores it where it makes validators at once.
                warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
                for field in (self.body_field, self.response_field, *self.response_fields.values()):
                    if field is not None:
                        field.validate(None)  # makes the validator; the answer does not matter


class RetryingRoute(LateRoute):
    """Runs the endpoint again after a deadlock or a serialization failure (LostRace), which left nothing behind.

    Therefore an endpoint writes in one transaction, and has other effects only after the commit.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def retrying(request: Request) -> Response:
            backoff = Backoff(*RETRY)
            for _ in range(1, ATTEMPTS):
                try:
                    return await handler(request)
                except LostRace:
                    await asyncio.sleep(backoff.next_delay())
            return await handler(request)

        return retrying


def late_steps(routes: Sequence[BaseRoute]) -> list[Callable[[], object]]:
    """All that would wait for the first request of its kind, some milliseconds each: validators, and these routes."""
    steps: list[Callable[[], object]] = [model.model_rebuild for model in _models_below(Model)]
    return steps + [route.analyse for route in routes if isinstance(route, LateRoute)]


async def take(steps: Sequence[Callable[[], object]]) -> None:
    """Take the steps. After each one others have the processor for REST times as long."""
    for step in steps:
        started = time.perf_counter()
        step()
        await asyncio.sleep(REST * (time.perf_counter() - started))


def _models_below(model: type[Model]) -> Iterator[type[Model]]:
    for one in model.__subclasses__():
        yield one
        yield from _models_below(one)


def router() -> APIRouter:
    return APIRouter(route_class=RetryingRoute)
