"""JSON shapes of one's own account, and of administration."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from collab_server.features.users.feature_flags import Feature
from collab_server.features.users.models import ACCOUNT_EXAMPLE, Account, DisplayName, input_config, output_config
from collab_server.features.users.passwords import GivenPassword
from collab_server.web.fields import Email, Model, storable

UserRole = Literal["user", "premium", "admin"]
Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{2,100}$")]
WebAddress = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s]+$"), AfterValidator(storable)]
Prose = Annotated[str, Field(max_length=5000), AfterValidator(storable)]


class AccountPatch(Model):
    """Missing fields stay unchanged. Null clears a field."""

    model_config = input_config(display_name="Ann", bio="Likes long documents.")

    username: Username | None = None
    display_name: DisplayName | None = None
    avatar_url: WebAddress | None = None
    bio: Prose | None = None


class DeletionConfirmation(Model):
    """`password`, where you have one; else your own e-mail address, as `confirm`."""

    model_config = input_config(confirm="ann@example.com")

    password: GivenPassword | None = None
    confirm: Email | None = None


class UserIn(Model):
    model_config = input_config(email="bob@example.com", display_name="Bob", role="user")

    email: Email
    display_name: DisplayName | None = None
    role: UserRole = "user"


class UserPatch(Model):
    """Missing fields stay unchanged. `features`: flags of this user; null restores the server's default."""

    model_config = input_config(role="admin", features={"api_tokens": False})

    is_active: bool | None = None
    role: UserRole | None = None
    display_name: DisplayName | None = None
    features: dict[Feature, bool | None] | None = None


class OneTimeLink(Model):
    """`link`: signs the user in, once, within a day. Hand it over yourself."""

    model_config = output_config(link="https://docs.example/signin#link=N2xw...")

    link: str


class NewUser(OneTimeLink):
    model_config = output_config(user=ACCOUNT_EXAMPLE, link="https://docs.example/signin#link=N2xw...")

    user: Account


class UserPage(Model):
    items: list[Account]
    next_cursor: str | None
