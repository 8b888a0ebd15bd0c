"""Who the Console organization's users are."""

from ai_usage.providers.anthropic.records import User
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading import address_of


def emails_of_users(warehouse: Warehouse) -> dict[str, str]:
    """`user_…` → e-mail, of the Claude organisation's members."""
    users = warehouse.newest("claude_users", None).read(User).values
    return {user.id: found for user in users if (found := address_of(user.email))}
