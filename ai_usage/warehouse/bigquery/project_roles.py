"""The roles of a project: read and written as one policy, by Google's Resource Manager."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import google.auth
from google.api_core.exceptions import from_http_response
from google.auth.transport.requests import AuthorizedSession

from ai_usage.warehouse.bigquery import rights
from ai_usage.warehouse.bigquery.jobs import Jobs

RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com/v3/projects"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
WITH_CONDITIONS = 3  # the version of a policy that has conditions: an older one would lose them
SECONDS = 60.0


class Session(Protocol):
    """Sends requests with credentials."""

    def post(self, url: str, *, json: Any, timeout: float) -> Any:
        """The response to a POST."""


def session() -> Session:
    """One with the credentials of this machine."""
    credentials, _ = google.auth.default(scopes=[SCOPE])
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]


@dataclass
class ProjectRoles:
    """Who has which role on a project. `open_session` is called once a request."""

    jobs: Jobs
    open_session: Callable[[], Session] = session

    def lacking(self, wanted: set[tuple[str, str]]) -> list[tuple[str, str]]:
        """Of these pairs of role and member the ones that the project does not give without a condition."""
        given = {(one["role"], member) for one in self._bindings(self._policy()) for member in one.get("members", ())}
        return sorted(wanted - given)

    def give(self, role: str, member: str) -> None:
        """Give one role. The policy is refused, and nothing changed, if somebody else changed it meanwhile."""
        policy = self._policy()
        of_role = next((one for one in self._bindings(policy) if one["role"] == role), None)
        if of_role is None:
            policy.setdefault("bindings", []).append({"role": role, "members": [member]})
        elif member not in of_role["members"]:
            of_role["members"].append(member)
        policy["version"] = WITH_CONDITIONS
        self._post("setIamPolicy", {"policy": policy}, rights.give_roles(self._project))

    @property
    def _project(self) -> str:
        return str(self.jobs.client.project)

    def _policy(self) -> dict[str, Any]:
        asked = {"options": {"requestedPolicyVersion": WITH_CONDITIONS}}
        return self._post("getIamPolicy", asked, rights.read_roles(self._project))

    def _bindings(self, policy: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in policy.get("bindings", []) if not one.get("condition")]

    def _post(self, verb: str, body: dict[str, Any], right: rights.Right) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            response = self.open_session().post(
                f"{RESOURCE_MANAGER}/{self._project}:{verb}", json=body, timeout=SECONDS
            )
            if response.status_code >= 400:
                raise from_http_response(response)  # type: ignore[no-untyped-call]
            answer: dict[str, Any] = response.json()
            return answer

        return rights.with_right(self.jobs, right, once)
