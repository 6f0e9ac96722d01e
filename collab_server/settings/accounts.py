"""Settings of guests, accounts, single sign-on and mail."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

GuestRole = Literal["none", "viewer", "commenter", "editor"]


class AccountSettings(BaseModel):
    guest_role: Annotated[
        GuestRole | Literal[""],
        Field(
            description="What people who are not signed in may do in the playground workspace: none, viewer, commenter "
            "or editor. Empty: editor while HOST is loopback and DATABASE_URL is empty, none otherwise."
        ),
    ] = ""
    default_workspace: Annotated[
        str, Field(min_length=1, description="Slug of the workspace in which a bare document name is looked up.")
    ] = "playground"
    registration: Annotated[
        Literal["closed", "invited", "open"],
        Field(description="Who may make an account: nobody, people with an invitation, everybody."),
    ] = "invited"
    session_days: Annotated[float, Field(gt=0, le=400, description="Days after which people sign in anew.")] = 30.0
    admin_email: Annotated[
        str, Field(min_length=3, max_length=320, description="The first administrator, made at the first start.")
    ] = "admin@localhost"
    oidc_issuer: Annotated[
        str, Field(description="Issuer URL of an OpenID Connect provider, exactly as it calls itself. Empty: none.")
    ] = ""
    oidc_client_id: Annotated[
        str, Field(description="What the provider calls this server. Empty: no sign-in in the browser.")
    ] = ""
    oidc_client_secret: Annotated[
        SecretStr, Field(description="The provider's secret for this client. Empty: a public client (PKCE only).")
    ] = SecretStr("")
    oidc_audience: Annotated[
        str,
        Field(description="Programs may use the provider's access tokens (JWT) that name this audience. Empty: none."),
    ] = ""
    oidc_name: Annotated[str, Field(description="What the sign-in button calls the provider.")] = "single sign-on"
    oidc_scopes: Annotated[str, Field(description="Scopes to ask the provider for.")] = "openid email profile"
    oidc_provision: Annotated[
        bool, Field(description="Whether people whom the provider knows and this server does not get a user.")
    ] = True
    oidc_trust_email: Annotated[
        bool,
        Field(
            description="Take the provider's e-mail addresses as verified where it does not say. Only where it belongs "
            "to your organisation and lets nobody choose an address."
        ),
    ] = False
    smtp_url: Annotated[
        SecretStr,
        Field(
            description="Mail server: smtp://user:password@host:587 (STARTTLS, unless on this machine or with "
            "?starttls=no) or smtps://user:password@host:465. Empty: no mail; links are shown instead."
        ),
    ] = SecretStr("")
    notification_delay: Annotated[
        float,
        Field(
            ge=0,
            le=86400,
            description="Seconds that notifications are collected for one mail; for people who chose no daily one.",
        ),
    ] = 60.0
    notification_digest_hour: Annotated[
        int, Field(ge=0, le=23, description="Hour of the day (UTC) at which daily mails of notifications are sent.")
    ] = 6
    mail_from: Annotated[
        str, Field(max_length=500, description="Sender of mails, such as Collab <collab@example.org>; with SMTP_URL.")
    ] = ""
