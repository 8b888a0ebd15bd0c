"""What the small company of `world` has at Google, billed in euros, which adds up too.

On Wednesday the Gemini API with a credit, and seats; on Thursday Vertex AI by labels of a person and of teams, and a
correction; on Friday a tax alone.
"""

from ai_usage_tests.googlesql.lines import FRI, THU, WED, Lines, lines_of

ACCOUNT = "AAAAAA-BBBBBB-CCCCCC"
API, VERTEX, ASSIST = "gemini_api", "vertex_ai", "gemini_code_assist"
FLASH, PRO = "gemini-2.5-flash", "gemini-2.5-pro"
IN, OUT = "input_tokens", "output_tokens"
SEATS = "Gemini Code Assist Standard subscription"
OF_ALL = "activity_date billing_account_id project_id project_name platform rule_name sku_name model meter cost_type"
COST = f"{OF_ALL} charge_type credit_type invoice_month billed_amount billed_currency usd_rate amount_usd list_usd"
COST += " quantity unit label_team user_name"
A, B = (ACCOUNT, "project-a", "Project A"), (ACCOUNT, "project-b", "Project B")
NONE = (ACCOUNT, None, None)
EURO = ("EUR", "0.92")
FIRST = (WED, *A, API, "Gemini API", "Flash input", FLASH, IN, "regular")

GOOGLE: Lines = {
    "ai_usage_analytics.gemini_costs": lines_of(
        COST,
        (*FIRST, "usage", None, "202402", "4.6", *EURO, "5", "5", "16000000", "tokens", None, None),
        (*FIRST, "credit", "PROMOTION", "202402", "-2.3", *EURO, "-2.5", None, None, None, None, None),
        (*FIRST, "usage", None, "202402", "0.92", *EURO, "1", None, "3200000", "tokens", None, "ann-b-example-com"),
        (WED, *NONE, ASSIST, "Gemini Code Assist", SEATS, None, "seat", "regular", "subscription", None, "202402",
         "276", *EURO, "300", "300", "12", "seats", None, None),
        (THU, *B, VERTEX, "Vertex AI", "Pro output", PRO, OUT, "regular", "usage", None, "202402",
         "9.2", *EURO, "10", "10", "1000000", "tokens", "data", "eve"),
        (THU, *B, VERTEX, "Vertex AI", "Pro output", PRO, OUT, "adjustment", "usage", None, "202403",
         "-4.6", *EURO, "-5", "-5", "-500000", "tokens", "data", "eve"),
        (THU, *B, VERTEX, "Vertex AI", "Pro output", PRO, OUT, "regular", "usage", None, "202402",
         "1.84", *EURO, "2", "2", "200000", "tokens", "new-team", "nobody"),
        (FRI, *NONE, None, None, "Tax", None, "tax", "tax", "tax", None, "202402",
         "56.2212", *EURO, "61.11", None, None, None, None, None),
    ),
    "ai_usage_analytics.gemini_daily_cost": lines_of(
        "activity_date billed_currency export_rows credit_count billed_amount tax_amount amount_usd tax_usd",
        (WED, "EUR", 3, 1, "279.22", "0", "303.5", "0"),
        (THU, "EUR", 3, 0, "6.44", "0", "7", "0"),
        (FRI, "EUR", 1, 0, "0", "56.2212", "0", "61.11"),
    ),
}  # fmt: skip
