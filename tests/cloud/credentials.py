"""Who may log in to the test cloud, and how clients are told."""

import dataclasses

from tests.cloud.configs import PASSWORD, REGION

READER, ADMIN, BILLING = "caso-reader", "caso-admin", "billing"


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A user's name and password; add the scope you want.

    >>> Credentials("http://localhost/v3", "me", "secret").auth(project_id="p")["project_id"]
    'p'
    """

    auth_url: str
    username: str
    password: str = PASSWORD
    user_domain_name: str = "Default"

    def auth(self, *, project_id: str | None = None, system: bool = False) -> dict[str, str]:
        """Arguments of keystoneauth's password plug-in; no scope at all by default."""
        scope = {"project_id": project_id} if project_id else {}
        if system:
            scope["system_scope"] = "all"
        return {**dataclasses.asdict(self), **scope}

    def environ(self, *, project_id: str | None = None, system: bool = False) -> dict[str, str]:
        """The same as OS_* variables, with the region and the API version."""
        options = {
            "auth_type": "password",
            "identity_api_version": "3",
            "region_name": REGION,
            **self.auth(project_id=project_id, system=system),
        }
        return {f"OS_{name.upper()}": value for name, value in options.items()}
