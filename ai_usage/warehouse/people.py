"""The names of people, and of API keys that are named after people, in a warehouse."""

from ai_usage.phrases import canonical, word_count
from ai_usage.redaction import KnownPeople
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import ANALYTICS

SHORTEST = 3  # letters of a word that is taken for part of a name
PEOPLE = f"""
select user_email, person_email, user_name
from {ANALYTICS}.dim_person
order by user_email != person_email, user_email
"""
KEYS = f"""
select api_key_id, api_key_name from {ANALYTICS}.dim_api_key_mapping where api_key_name is not null
union distinct
select api_key_name, api_key_name from {ANALYTICS}.claude_code_usage_stats where api_key_name is not null
order by 2, 1
"""
OF_OTHER_THINGS = f"""
select workspace_name as name from {ANALYTICS}.dim_workspace
union distinct select team_name from {ANALYTICS}.dim_person
union distinct select cost_center from {ANALYTICS}.dim_person
union distinct select team_name from {ANALYTICS}.dim_api_key_mapping
"""


def known_people(warehouse: Warehouse) -> KnownPeople:
    """Names, and API keys that are named after people. A single word counts as a person's name only in the name of a
    key: elsewhere it may be a team's or a tool's.
    """
    with warehouse.connected():
        people = warehouse.ask(PEOPLE).to_dicts()
        keys = list(warehouse.ask(KEYS).iter_rows())
        others = warehouse.ask(OF_OTHER_THINGS)["name"].drop_nulls().to_list()
    addresses: dict[str, str] = {}
    words: set[str] = set()
    for person in people:
        addresses[canonical(person["user_email"])] = person["user_email"]
        for name in (person["user_name"] or "", person["user_email"].partition("@")[0]):
            phrase = canonical(name)
            words |= {word for word in phrase.split() if len(word) >= SHORTEST}
            if word_count(name) > 1:
                addresses.setdefault(phrase, person["person_email"])
                addresses.setdefault(" ".join(reversed(phrase.split())), person["person_email"])
    words -= {word for name in others for word in canonical(name).split()}
    named = {canonical(name): key_id for key_id, name in keys if words & {*canonical(name).split()}}
    return KnownPeople(addresses, {name: _id_of(key_id, name) for name, key_id in named.items()})


def _id_of(key_id: str, name: str) -> str:
    """The key's id; of a key that only reports of use name, no name at all."""
    return "an API key" if canonical(key_id) == name else key_id
