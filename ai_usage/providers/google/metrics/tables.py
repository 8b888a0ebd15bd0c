"""What core has of Google's metrics."""

from ai_usage.warehouse.table import ACCOUNT_STAMPS, Table, boolean, day, integer, string

GEMINI_USAGE = Table(
    name="gemini_usage",
    # Labels that are no column, such as the location, are added. Quota series come twice: one of the two counts.
    grain="what Cloud Monitoring counted of one metric, model, credential, status and tier in one project on one UTC "
    "day; compared with billed quantities, never priced",
    question="How many tokens and requests did Google count, by model and key?",
    example="select project_id, model, meter, sum(quantity) as quantity from ai_usage_analytics.gemini_usage where "
    "not is_error group by project_id, model, meter order by quantity desc",
    key=(
        "activity_date", "account", "project_id", "platform", "metric_type", "meter", "model", "tier", "credential_id",
        "response_code", "request_type", "publisher",
    ),
    columns={
        "activity_date": day("the UTC day that the points' interval ends on"),
        "project_id": string("the project that was asked; where a folder or an organization was, the one of the labels",
                             required=True),
        "platform": string("gemini_api, vertex_ai or gemini_code_assist; unknown of a metric that was not asked for",
                           required=True),
        "metric_type": string("Google's name of the metric", required=True),
        "meter": string("input_tokens, output_tokens, requests (by credential), model_requests (by model) or responses",
                        required=True),
        "model": string("null where the metric does not have it, as requests by credential"),
        "tier": string("the quota tier of the project: free_tier, which is never billed, paid_tier and others; null "
                       "where the metric has none"),
        "credential_id": string("as sent: apikey: and a key's id, or another kind; of requests alone"),
        "api_key_id": string("the id of the API key; null for another kind of credential"),
        "response_code": string("the HTTP status, as sent; null where the metric does not have it"),
        "is_error": boolean("whether the status is 400 or above; null without one"),
        "request_type": string("shared or dedicated; of Vertex AI alone"),
        "publisher": string("the company that made the model; of Vertex AI alone"),
        "quantity": integer("what was counted: tokens, requests or responses"),
        "twin_quantity": integer("the same as the twin series has it, which must be equal; null without a twin",
                                 required=False),
        "record_count": integer("records of the pull that this row is made of"),
        **ACCOUNT_STAMPS,
    },
    cluster=("project_id", "platform"),
)  # fmt: skip
