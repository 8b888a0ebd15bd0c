"""Google Cloud as this provider asks it: variables, addresses, rights, and what to do about refusals."""

from ai_usage.ingest.http.refusals import ApiWords

SOURCE = "google"

# Each makes the provider's account, or a part of it. None is a secret: the credentials are Google's own business.
TABLE_VARIABLE = "GEMINI_BILLING_TABLE"
PROJECTS_VARIABLE = "GEMINI_PROJECTS"
BILLING_ACCOUNT_VARIABLE = "GEMINI_BILLING_ACCOUNT"
CREDENTIALS_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"

READ_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

BILLING = ApiWords(
    name="Google's billing export",
    advice={
        400: "BigQuery does not understand the query: is GEMINI_BILLING_TABLE the table of a Cloud Billing export?",
        401: "GOOGLE_APPLICATION_CREDENTIALS no longer opens anything: make the service account a new key.",
        403: (
            "The service account needs BigQuery Data Viewer on the export's dataset and BigQuery Job User in its "
            "project."
        ),
        404: (
            "There is no such table: check GEMINI_BILLING_TABLE. Cloud Billing creates the table some hours after a "
            "billing administrator switched the export to BigQuery on, and fills it from that day on."
        ),
        429: "A quota of BigQuery is used up. Try again later.",
        500: "Google is in trouble: try again later.",
    },
)
