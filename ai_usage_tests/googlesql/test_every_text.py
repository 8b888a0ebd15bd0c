"""Google's own analyzer accepts every text that reaches an engine: the queries of Python modules and of cards. The
files of sql/ are tested in test_every_file.py. Names that BigQuery reserves are refused here.
"""

from collections.abc import Mapping

import pytest

from ai_usage.catalog import TABLES
from ai_usage_tests.googlesql.engine import GoogleEngine, GoogleRefuses
from ai_usage_tests.googlesql.texts import asked_in_python, card_texts, typed_parameters, view_texts


def test_every_question_in_python_has_a_text_to_analyze() -> None:
    unknown = [str(asked) for asked in asked_in_python() if asked.text is None]
    assert unknown == [], "give texts.py an example of what the question is composed of"
    assert len(asked_in_python()) > 50


def test_google_takes_what_python_asks(google_with_tables: GoogleEngine) -> None:
    asked = {str(asked): asked.text or "" for asked in asked_in_python()}
    assert _refused(google_with_tables, asked) == {}


def test_google_takes_every_card(google_with_tables: GoogleEngine) -> None:
    assert card_texts()
    assert _refused(google_with_tables, card_texts()) == {}


def test_google_takes_the_example_of_every_table(google_with_tables: GoogleEngine) -> None:
    """People copy them from docs/tables.md. The examples of raw tables are alike."""
    examples = {table.name: table.example for table in TABLES if table.example and not table.is_ledger}
    assert len(examples) > 80
    assert _refused(google_with_tables, examples) == {}


def test_google_takes_the_definition_of_every_view(google_with_tables: GoogleEngine) -> None:
    made = {view: f"create or replace view {view} as {text}" for view, text in view_texts().items()}
    assert made
    assert _refused(google_with_tables, made) == {}


@pytest.mark.parametrize("alias", ["at", "order", "hash", "rows", "current", "range"])
def test_google_refuses_a_name_that_it_reserves(google_with_tables: GoogleEngine, alias: str) -> None:
    with pytest.raises(GoogleRefuses, match=r"keyword|Expected|Unexpected"):
        google_with_tables.analyze("empty", f"select max(pulled_at) as {alias} from ai_usage_raw.pulls", {})


def _refused(google: GoogleEngine, texts: Mapping[str, str]) -> dict[str, str]:
    """Google's reasons for refusing some of the texts. A query without a column counts as refused."""
    refused = {}
    for place, text in texts.items():
        try:
            columns = google.analyze("empty", text, typed_parameters(text)).columns
        except (GoogleRefuses, KeyError) as why:  # KeyError: texts.py has no type for a parameter
            refused[place] = repr(why)
        else:
            if not columns and text.lstrip().startswith(("select", "with")):
                refused[place] = "it has no column"
    return refused
