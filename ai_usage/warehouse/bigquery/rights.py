"""The permission that each kind of call needs, and Google's role that has it. Runs need few; a setup needs more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.api_core.exceptions import Forbidden, GoogleAPICallError

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.bigquery.jobs import Jobs

T = TypeVar("T")
JOB_USER, EDITOR, VIEWER = "roles/bigquery.jobUser", "roles/bigquery.dataEditor", "roles/bigquery.dataViewer"
OWNER, IAM_ADMIN = "roles/bigquery.dataOwner", "roles/resourcemanager.projectIamAdmin"
TITLES = {
    JOB_USER: "BigQuery Job User",
    EDITOR: "BigQuery Data Editor",
    VIEWER: "BigQuery Data Viewer",
    OWNER: "BigQuery Data Owner",
    IAM_ADMIN: "Project IAM Admin",
}


@dataclass(frozen=True)
class Right:
    """A permission, the least role that has it, and where that role is given."""

    permission: str
    role: str
    place: str

    def sentence(self, message: str) -> str:
        """What a person does about its absence."""
        return (
            f"The right {self.permission} is missing: the role {TITLES[self.role]} ({self.role}) on {self.place} gives "
            f"it. BigQuery's answer: {message}"
        )


class RightMissing(WarehouseError):
    """A call was refused because the credentials lack a right."""


def run_a_job(project: str) -> Right:
    return Right("bigquery.jobs.create", JOB_USER, f"the project {project}")


def look(dataset: str) -> Right:
    return Right("bigquery.datasets.get", VIEWER, f"the dataset {dataset}")


def read(dataset: str) -> Right:
    return Right("bigquery.tables.getData", VIEWER, f"the dataset {dataset}")


def write(dataset: str) -> Right:
    return Right("bigquery.tables.updateData", EDITOR, f"the dataset {dataset}")


def make_tables(dataset: str) -> Right:
    return Right("bigquery.tables.create", EDITOR, f"the dataset {dataset}")


def make_functions(dataset: str) -> Right:
    return Right("bigquery.routines.update", EDITOR, f"the dataset {dataset}")


def make_datasets(project: str) -> Right:
    return Right("bigquery.datasets.create", OWNER, f"the project {project}")


def change_dataset(dataset: str) -> Right:
    return Right("bigquery.datasets.update", OWNER, f"the dataset {dataset}")


def read_roles(project: str) -> Right:
    return Right("resourcemanager.projects.getIamPolicy", IAM_ADMIN, f"the project {project}")


def give_roles(project: str) -> Right:
    return Right("resourcemanager.projects.setIamPolicy", IAM_ADMIN, f"the project {project}")


def with_right(jobs: Jobs, right: Right, call: Callable[[], T]) -> T:
    """What a call returns, after as many attempts as it takes; `RightMissing` names the right that it needs."""
    return named(right, lambda: jobs.request(call, known=Forbidden))


def named(right: Right, call: Callable[[], T]) -> T:
    """The same for what makes its requests itself."""
    try:
        return call()
    except (Forbidden, WarehouseError) as error:
        refusal = error if isinstance(error, Forbidden) else error.__cause__
        if not isinstance(refusal, Forbidden):
            raise
        raise RightMissing(right.sentence(answer_of(refusal))) from error


def answer_of(error: GoogleAPICallError) -> str:
    """What Google answered, without the request."""
    return next(
        (str(one["message"]) for one in error.errors if isinstance(one, dict) and one.get("message")), error.message
    )
