"""The JSON shapes of passwords and of registration."""

from typing import Literal

from collab_server.features.users.models import DisplayName, Token, input_config, output_config
from collab_server.features.users.passwords import GivenPassword, Password
from collab_server.web.fields import Email, Model


class PasswordIn(Model):
    """`current_password`: needed where you have one. `revoke_tokens`: your API tokens end too."""

    model_config = input_config(
        current_password="correct horse battery", new_password="staple correct horse", revoke_tokens=True
    )

    current_password: GivenPassword | None = None
    new_password: Password
    revoke_tokens: bool = False


class ForgottenIn(Model):
    model_config = input_config(email="ann@example.com")

    email: Email


class ResetIn(Model):
    """`token`: from the link in the mail. `revoke_tokens`: your API tokens end too. If the address was not confirmed
    before, tokens and connections to sign-in providers end in any case.
    """

    model_config = input_config(token="N2xw...", new_password="staple correct horse", revoke_tokens=True)

    token: Token
    new_password: Password
    revoke_tokens: bool = True


class RegisterIn(Model):
    """`invitation`: the token of an invitation to this address. `password` is required and `display_name` optional if
    the account is created at once. With a mailed link they are given later (`auth/register/finish`).
    """

    model_config = input_config(email="ann@example.com")

    email: Email
    password: Password | None = None
    display_name: DisplayName | None = None
    invitation: Token | None = None


class FinishIn(Model):
    """`token`: from the link in the mail."""

    model_config = input_config(token="N2xw...", password="correct horse battery", display_name="Ann")

    token: Token
    password: Password
    display_name: DisplayName | None = None


class MailSent(Model):
    """A mailed link finishes the registration. The answer is the same if the address has an account."""

    model_config = output_config(status="mail_sent")

    status: Literal["mail_sent"] = "mail_sent"
