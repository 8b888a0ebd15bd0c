"""Google's client, as Dagster's own resource hands it over."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from dagster_gcp import BigQueryResource
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from ai_usage.warehouse.bigquery.errors import explained


class BigQueryAt(BigQueryResource):
    """dagster-gcp's resource, for an emulator too. `emulator_host` is scheme, host and port; empty: Google itself."""

    emulator_host: str = ""

    @contextmanager
    def get_client(self) -> Iterator[bigquery.Client]:
        with self.client() as client:
            yield client

    def client(self) -> bigquery.Client:
        """One that stays open: it lives as long as its process."""
        if not self.emulator_host:
            return self._client_of_google()
        return bigquery.Client(
            project=self.project,
            location=self.location,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=self.emulator_host),
        )

    def _client_of_google(self) -> bigquery.Client:
        try:
            return bigquery.Client(project=self.project, location=self.location)
        except GoogleAuthError as error:
            if sentence := explained(error):
                raise sentence from error
            raise


@cache
def client_of(project: str, location: str, emulator_host: str = "") -> bigquery.Client:
    """One for each process: opening one costs a request for a token."""
    return BigQueryAt(project=project, location=location, emulator_host=emulator_host).client()
