"""Mapping of identities at a provider to users, and creation of users.

An identity is (issuer, subject). An e-mail address links it to an existing user only under two conditions. The provider
must have verified the address. The user's own address must be verified too, or the user has neither a password nor
another identity. Otherwise somebody could register a foreign address in advance and share the later account.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from collab_server.adapters.postgres import Conn
from collab_server.features.account import changes
from collab_server.features.oidc import queries as oidc_queries
from collab_server.features.oidc.oidc import SignInRefused
from collab_server.features.users import queries
from collab_server.settings import Settings
from collab_server.web.fields import Email, a_line, at_most

_KEPT = ("email", "email_verified", "name", "preferred_username", "locale")
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_LINE: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(max_length=255), AfterValidator(a_line), at_most(255)])


@dataclass(frozen=True, slots=True)
class Person:
    """`email`: None if the provider has no valid one. `claims`: the stored claims as JSON."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    claims: str


def read_person(issuer: str, claims: Mapping[str, Any]) -> Person:
    """Read the person from the claims of a verified ID token. The texts in them are untrusted."""
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


async def find_or_create_user(conn: Conn, person: Person, settings: Settings) -> UUID:
    """Return the user of a person. `conn`: under app_service, in the transaction of the new session.

    Raises SignInRefused: `deactivated`, `email_missing`, `email_taken`, `email_unverified`, `not_provisioned`;
    UniqueViolation if the address was taken concurrently (the transaction is void; retry).
    """
    await oidc_queries.lock_identity(conn, person.issuer, person.subject)
    identity = await oidc_queries.find_identity(conn, person.issuer, person.subject)
    if identity is not None and not identity.is_active:
        raise SignInRefused("deactivated")
    user_id = identity.user_id if identity else await _link_or_create(conn, person, settings)
    await oidc_queries.upsert_identity(conn, person.issuer, person.subject, user_id, person.claims)
    return user_id


async def _link_or_create(conn: Conn, person: Person, settings: Settings) -> UUID:
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
            await changes.confirm_address(conn, user)
        return holder.user_id
    if not settings.oidc_provision:
        raise SignInRefused("not_provisioned")
    if not verified:
        # Otherwise the owner of the address could later get an account with a foreign identity.
        raise SignInRefused("email_unverified")
    user_id = await queries.insert_user(conn, person.email, person.name, email_verified=True)
    await queries.insert_personal_workspace(conn, user_id, person.name or person.email, person.email.partition("@")[0])
    return user_id
