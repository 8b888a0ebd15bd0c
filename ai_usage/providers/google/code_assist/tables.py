"""What core has of Code Assist's log."""

from ai_usage.warehouse.table import ACCOUNT_STAMPS, Table, day, integer, string

GEMINI_CODE_ASSIST_STATS = Table(
    name="gemini_code_assist_stats",
    grain="one user's UTC day with Code Assist in one project, by its metadata log; activity, never a cost",
    question="Who used Code Assist, and what did they accept?",
    example="select user_email, sum(code_exposures) as shown, sum(code_acceptances) as accepted from "
    "ai_usage_analytics.gemini_code_assist_stats group by user_email order by accepted desc",
    key=("activity_date", "account", "project_id", "user_email"),
    columns={
        "activity_date": day("the UTC day of the entries"),
        "project_id": string("the project of the log; null where the entry does not name it"),
        "user_email": string("lower-case; null where the entry does not name it"),
        "code_exposures": integer("suggestions of code that were shown"),
        "code_acceptances": integer("of these, those accepted, in whole or in part"),
        "code_lines_accepted": integer("lines of them: of each the largest count; null if not known", required=False),
        "chat_exposures": integer("answers of the chat that were shown"),
        "chat_acceptances": integer("of these, those accepted"),
        "chat_lines_accepted": integer("lines of them: of each the largest count; null if not known", required=False),
        "api_requests": integer("requests that the IDE made"),
        "record_count": integer("entries of the log that this row is made of, repeated ones included"),
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email",),
)
