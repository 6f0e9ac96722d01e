"""Which user somebody is whom the provider vouches for, and when a stranger becomes one.

A person is (issuer, subject). An e-mail address links them to a user who is here already only if the provider says
that it is verified, and if nobody else can be behind that user: its own address is verified too, or it has neither a
password nor another identity. Otherwise whoever registered somebody's address in advance would share the account.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from collab_server.accounts import changes, oidc_queries, queries
from collab_server.accounts.oidc import SignInRefused
from collab_server.backends.db import Conn
from collab_server.settings import Settings
from collab_server.web.fields import Email, a_line, at_most

_KEPT = ("email", "email_verified", "name", "preferred_username", "locale")
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_LINE: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(max_length=255), AfterValidator(a_line), at_most(255)])


@dataclass(frozen=True, slots=True)
class Person:
    """`email`: None where the provider names none that can be one. `claims`: JSON, what is kept of them."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    claims: str


def read_person(issuer: str, claims: Mapping[str, Any]) -> Person:
    """`claims`: of a verified ID token, whose texts are still whatever people wrote at the provider."""
    # Some providers write booleans as text.
    verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
    name = next((line for key in ("name", "preferred_username") if (line := _read(_LINE, claims.get(key)))), None)
    kept = {key: value for key in _KEPT if isinstance(value := claims.get(key), bool) or (value := _read(_LINE, value))}
    return Person(issuer, claims["sub"], _read(_EMAIL, claims.get("email")), verified, name, json.dumps(kept))


def _read(kind: TypeAdapter[str], value: object) -> str | None:
    try:
        return kind.validate_python(value, strict=True)
    except ValidationError:
        return None


async def find_or_make_user(conn: Conn, person: Person, settings: Settings) -> UUID:
    """The person's user. `conn`: under app_service, in a transaction that lasts until the session is open.

    Raises SignInRefused: `deactivated`, `email_missing`, `email_taken`, `email_unverified`, `not_provisioned`;
    UniqueViolation where another took the address at the same time (the transaction is void; once more tells).
    """
    await oidc_queries.lock_identity(conn, person.issuer, person.subject)
    known = await oidc_queries.find_identity(conn, person.issuer, person.subject)
    if known is not None and not known.is_active:
        raise SignInRefused("deactivated")
    user_id = known.user_id if known else await _link_or_make(conn, person, settings)
    await oidc_queries.upsert_identity(conn, person.issuer, person.subject, user_id, person.claims)
    return user_id


async def _link_or_make(conn: Conn, person: Person, settings: Settings) -> UUID:
    if person.email is None:
        raise SignInRefused("email_missing")
    verified = person.email_verified or settings.oidc_trust_email
    holder = await oidc_queries.lock_holder(conn, person.email)
    if holder is not None:
        if not verified or (holder.is_claimed and not holder.email_verified):
            raise SignInRefused("email_taken")
        if not holder.is_active:
            raise SignInRefused("deactivated")
        user = await queries.find_user_by_id(conn, holder.user_id)
        if user is not None:
            await changes.prove_address(conn, user)
        return holder.user_id
    if not settings.oidc_provision:
        raise SignInRefused("not_provisioned")
    if not verified:
        # Its owner could come later and find somebody else's identity attached to the account.
        raise SignInRefused("email_unverified")
    user_id = await queries.insert_user(conn, person.email, person.name, email_verified=True)
    await queries.insert_personal_workspace(conn, user_id, person.name or person.email, person.email.partition("@")[0])
    return user_id
