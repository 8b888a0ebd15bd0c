"""Plans of the small company of `world`. Its own days are too few to compare any: what seat_options would have of
twelve weeks, in which Ann would do better without her seat of Claude and with a larger one of Cursor.
"""

from ai_usage_tests.googlesql.lines import ANN, BOB, FRI, THU, WED, Lines, lines_of

OPTION = "provider account user_email team_name as_of_date option_name is_seat is_current is_legal seat_price_usd"
OPTION += " included_usd used_usd estimated_cost_usd low_use_cost_usd high_use_cost_usd weeks_known assumption"
API, TEAMS = ("anthropic", None), ("cursor", "default")

SEATS: Lines = {
    "ai_usage_raw.pulls": lines_of(
        "pull activity_date pull_id records pulled_at",
        *(("claude_code_usage", day, "pull-1", 3, "2024-03-02T06:00:00Z") for day in (WED, THU, FRI)),
    ),
    "ai_usage_analytics.cursor_spend_limits": lines_of(
        "cycle_start_at user_id user_email hard_limit_override_usd monthly_limit_usd effective_limit_usd spend_usd"
        " ingestion_timestamp",
        ("2024-02-28T00:00:00Z", "user_1", ANN, "0", "50", "50", "1.274567891", "2024-03-01T06:00:00Z"),
        ("2024-02-28T00:00:00Z", "user_2", BOB, "250", None, None, "0", "2024-03-01T06:00:00Z"),
        ("2024-02-28T00:00:00Z", "user_3", None, None, None, None, "3", "2024-03-01T06:00:00Z"),
    ),
    "ai_usage_analytics.claude_spend_limits": lines_of(
        "user_id user_email period limit_usd is_unlimited used_usd ingestion_timestamp",
        ("user_1", ANN, "monthly", "200", False, "0.015", "2024-03-01T06:00:00Z"),
        ("user_2", BOB, "monthly", None, True, None, "2024-03-01T06:00:00Z"),
        (None, None, "monthly", "0", False, None, "2024-03-01T06:00:00Z"),
    ),
    "ai_usage_analytics.seat_options": lines_of(
        OPTION,
        (*API, ANN, "Data", FRI, "API", False, False, True, "0", "0", "3.65", "3.65", "2.11", "5.19", 12, "List."),
        (*API, ANN, "Data", FRI, "Team", True, True, True, "25", "9", "3.65", "25", "25", "25", 12, "Bought."),
        (*API, BOB, None, FRI, "API", False, True, True, "0", "0", "24", "24", "19", "29", 4, "List."),
        (*API, BOB, None, FRI, "Team", True, False, True, "25", "9", "24", "40", "35", "45", 4, "Bought."),
        (*TEAMS, ANN, "Data", FRI, "Big", True, False, True, "120", "125", "365", "360", "350.5", "370", 12, "Five."),
        (*TEAMS, ANN, "Data", FRI, "Small", True, True, True, "40", "25", "365", "380", "370.5", "390", 12, "Bought."),
        (*TEAMS, BOB, None, FRI, "Big", True, False, True, "120", None, "36", None, None, None, 3, "Five."),
    ),
}
