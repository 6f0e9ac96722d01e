"""Variables of clouds. obstore reads credentials and endpoints itself; it neither tells nor always heeds these."""

import os
from dataclasses import dataclass
from typing import Self

_PREFIXES = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}


@dataclass(frozen=True, slots=True)
class CloudVariables:
    """`region`: of S3."""

    region: str
    allow_http: bool
    proxy_url: str

    @classmethod
    def read(cls, scheme: str) -> Self:
        """Read the variables of the cloud with this URL scheme."""
        prefix = _PREFIXES[scheme]
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        allow_http = os.environ.get(f"{prefix}ALLOW_HTTP", "").lower() in ("1", "true", "yes", "on")
        return cls(region, allow_http, os.environ.get(f"{prefix}PROXY_URL", ""))
