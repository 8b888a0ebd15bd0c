"""Every text that reaches an engine is GoogleSQL to Google's own analyzer: what Python modules ask, and cards, as the
files of sql/ are in test_every_file.py. There a name that BigQuery reserves is refused.
"""

import pytest

from ai_usage_tests.googlesql.engine import GoogleEngine, GoogleRefuses
from ai_usage_tests.googlesql.texts import Asked, asked_in_python, card_texts, typed_parameters, view_texts


def test_every_question_in_python_has_a_text_to_analyze() -> None:
    unknown = [str(asked) for asked in asked_in_python() if asked.text is None]
    assert unknown == [], "give texts.py an example of what the question is composed of"
    assert len(asked_in_python()) > 50


@pytest.mark.parametrize("asked", asked_in_python(), ids=str)
def test_google_takes_what_python_asks(google_with_tables: GoogleEngine, asked: Asked) -> None:
    text = asked.text or ""
    columns = google_with_tables.analyze("empty", text, typed_parameters(text)).columns
    assert columns or not text.lstrip().startswith(("select", "with"))


@pytest.mark.parametrize("card", card_texts())
def test_google_takes_every_card(google_with_tables: GoogleEngine, card: str) -> None:
    text = card_texts()[card]
    assert google_with_tables.analyze("empty", text, typed_parameters(text)).columns


@pytest.mark.parametrize("view", view_texts())
def test_google_takes_the_definition_of_every_view(google_with_tables: GoogleEngine, view: str) -> None:
    google_with_tables.analyze("empty", f"create or replace view {view} as {view_texts()[view]}", {})


@pytest.mark.parametrize("alias", ["at", "order", "hash", "rows", "current", "range"])
def test_google_refuses_a_name_that_it_reserves(google_with_tables: GoogleEngine, alias: str) -> None:
    with pytest.raises(GoogleRefuses, match=r"keyword|Expected|Unexpected"):
        google_with_tables.analyze("empty", f"select max(pulled_at) as {alias} from ai_usage_raw.pulls", {})
