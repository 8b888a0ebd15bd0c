"""`dim_pseudonym`, and the views in which readers see pseudonyms in place of people. The pseudonyms are computed in
Python (`core/pseudonyms.py`), so the salt is in no statement and no table.
"""

from ai_usage.warehouse.table import ANALYTICS, Table, Type, string

DIM_PSEUDONYM = Table(
    name="dim_pseudonym",
    grain="one text that may name a person: an address, or the name of an API key or a workspace",
    question="Which pseudonym stands for which name?",
    example="select named_by, pseudonym from ai_usage_analytics.dim_pseudonym order by pseudonym",
    date_column=None,
    columns={
        "named_by": string("the text as the other tables have it", required=True),
        "pseudonym": string("what readers see in its place; the text itself where it names no person", required=True),
    },
)
NAMELESS = "ai_usage_pseudonyms"  # BigQuery's dataset of these views
UNKNOWN = "unknown name"  # of a text that is not in dim_pseudonym: the next run adds it
KEYS = frozenset({"api_key_name", "ResourceName"})
OF_OTHER_THINGS = frozenset(
    {
        *("scope_name", "label", "workspace_name", "project_name", "sub_account_name", "SubAccountName"),
        "service_account_name",
    }
)
# What people and providers write in words of their own, and lists of people in one text.
FREE_TEXT = frozenset(
    {
        *("user_name", "name", "description", "note", "branch_name", "repo_name", "Tags", "contributors", "alert_key"),
        *("reason", "close_note", "line", "status_reason", "title", "text", "failure", "value_shape", "topic"),
        "label_person",
    }
)


def names_a_person(column: str) -> bool:
    """Whether each value of a column must be one that `dim_pseudonym` has."""
    return column.lower().replace("_", "").endswith("email") or column in KEYS


def may_name_a_person(table: Table) -> list[str]:
    """The columns of a table with texts that `dim_pseudonym` is made of."""
    texts = [name for name, column in table.columns.items() if column.type is Type.STRING]
    return [name for name in texts if names_a_person(name) or name in OF_OTHER_THINGS]


def nameless_view(table: Table) -> str:
    """A query of the table's rows without what names people: addresses and names of keys are pseudonyms, and free text
    is null.
    """
    replaced = {name: f"named_{n}" for n, name in enumerate(may_name_a_person(table), 1)}
    shown = [f"    {_shown(table, name, replaced.get(name, ''))} as {name}" for name in table.columns]
    joins = [
        f"left join {DIM_PSEUDONYM.address} as {alias} on old.{name} = {alias}.named_by"
        for name, alias in replaced.items()
    ]
    return "\n".join(["select", ",\n".join(shown), f"from {table.address} as old", *joins])


def _shown(table: Table, name: str, alias: str) -> str:
    if name in FREE_TEXT and table.columns[name].type is Type.STRING:
        return "cast(null as string)"
    if not alias:
        return f"old.{name}"
    if names_a_person(name):
        return f"if(old.{name} is null, null, coalesce({alias}.pseudonym, '{UNKNOWN}'))"
    return f"coalesce({alias}.pseudonym, if(strpos(old.{name}, '@') > 0, '{UNKNOWN}', old.{name}))"


def is_shown(table: Table) -> bool:
    """Whether readers of pseudonyms see the table: all that is typed, but for the names behind the pseudonyms."""
    return table.schema == ANALYTICS and table != DIM_PSEUDONYM
