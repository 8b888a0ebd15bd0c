"""A company whose keys are named after people, as Anthropic names the keys of Claude Code."""

import httpx

from ai_usage_tests.platform import MockVendor

ADDRESS, NAME, KEY_NAME = "lina.xu@example.com", "Lina Xu", "claude_code_key_lina.xu"
INSTEAD = {'"Dev@Example.com"': '"Lina.Xu@Example.com"', '"dev@example.com"': f'"{ADDRESS}"', '"Dev"': f'"{NAME}"'}


class NamedVendor(MockVendor):
    """The mock's only person, and her key, under names that say who she is."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        response = super().answer(request)
        text = response.text.replace('"etl"', f'"{KEY_NAME}"')
        for name, instead in INSTEAD.items():
            text = text.replace(name, instead)
        return httpx.Response(response.status_code, text=text, headers={"content-type": "application/json"})
