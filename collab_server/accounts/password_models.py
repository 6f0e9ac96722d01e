"""The JSON shapes of passwords and of registration."""

from typing import Literal

from pydantic import BaseModel

from collab_server.accounts.models import DisplayName, Token, example_input, example_output
from collab_server.accounts.passwords import GivenPassword, Password
from collab_server.web.fields import Email


class PasswordIn(BaseModel):
    """`current_password`: needed where you have one. `revoke_tokens`: your API tokens end too."""

    model_config = example_input(
        current_password="correct horse battery", new_password="staple correct horse", revoke_tokens=True
    )

    current_password: GivenPassword | None = None
    new_password: Password
    revoke_tokens: bool = False


class ForgottenIn(BaseModel):
    model_config = example_input(email="ann@example.com")

    email: Email


class ResetIn(BaseModel):
    """`token`: from the link in the mail. `revoke_tokens`: your API tokens end too; an account whose address nobody has
    proved before loses them in any case, and its connections to sign-in providers.
    """

    model_config = example_input(token="N2xw...", new_password="staple correct horse", revoke_tokens=True)

    token: Token
    new_password: Password
    revoke_tokens: bool = True


class RegisterIn(BaseModel):
    """`invitation`: the token of an invitation to this address. `password`, `display_name`: needed, and optional, where
    the account is made at once; where a link is mailed they are given behind that (`auth/register/finish`).
    """

    model_config = example_input(email="ann@example.com")

    email: Email
    password: Password | None = None
    display_name: DisplayName | None = None
    invitation: Token | None = None


class FinishIn(BaseModel):
    """`token`: from the link in the mail."""

    model_config = example_input(token="N2xw...", password="correct horse battery", display_name="Ann")

    token: Token
    password: Password
    display_name: DisplayName | None = None


class MailSent(BaseModel):
    """Where the server sends mail, a link to the address finishes an open registration. The answer is the same where
    there is an account already.
    """

    model_config = example_output(status="mail_sent")

    status: Literal["mail_sent"] = "mail_sent"
