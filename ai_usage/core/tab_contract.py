"""The contract of a tab's good rows, for dagster-pandas."""

import warnings

import dagster as dg
import pandas as pd
from dagster_pandas import PandasColumn, create_dagster_pandas_dataframe_type

from ai_usage.errors import AiUsageError
from ai_usage.sheet.tabs import TABS, Tab, TabRows


def _contract(tab: Tab) -> dg.DagsterType:
    """Every column is there, and none of the required ones is empty."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # all of dagster-pandas calls itself so
        columns = [PandasColumn.exists(column.name, non_nullable=column.required) for column in tab.columns]
        contract: dg.DagsterType = create_dagster_pandas_dataframe_type(name=f"SheetTab_{tab.name}", columns=columns)
    return contract


CONTRACTS = {tab.name: _contract(tab) for tab in TABS.values()}


def checked(tab: Tab, found: TabRows) -> pd.DataFrame:
    """`sheets.checked`."""
    frame = pd.DataFrame(found.good, columns=["row_number", *(column.name for column in tab.columns)], dtype=object)
    contract = CONTRACTS[tab.name].type_check(None, frame)  # type: ignore[arg-type]
    if not contract.success:
        raise AiUsageError(f"Rows of the tab {tab.name} do not fit its columns: {contract.description}")
    return frame
