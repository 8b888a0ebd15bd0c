"""What a message contains and what it never contains, in each channel's own format."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage import runbook_page
from ai_usage.alerts import runbook
from ai_usage.alerts.channels import as_blocks, as_json
from ai_usage.alerts.delivery import Alerts
from ai_usage.alerts.mail import Mail, MailServer
from ai_usage.alerts.message import Message, compose
from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Memory, Outbox
from ai_usage.automation.watchdog import BLIND, EYES
from ai_usage.definitions import defs
from ai_usage.places import ROOT
from ai_usage.redaction import Redaction, pseudonym

DAY = date(2026, 11, 10)
SALT = "0123456789abcdef"
CHECKS = sorted({key.name for key in defs.resolve_asset_graph().asset_check_keys})
TOPICS = [
    *CHECKS,
    "run_failure",
    "never_pulled",
    "published_copy",
    "test_alert",
    *(eye.__name__ for eye in EYES),
    BLIND,
]


def news(key: str = "k", severity: Severity = Severity.FAILED, title: str = "a title", **more: object) -> News:
    return News(key=key, severity=severity, title=title, **{"topic": "run_failure", **more})  # type: ignore[arg-type]


def one(event: News, redaction: Redaction | None = None, *, is_simulated: bool = False) -> Message:
    [message] = compose([event], is_simulated=is_simulated, redact=redaction or Redaction())
    return message


def everywhere(message: Message) -> list[str]:
    """The message as each channel shows it."""
    server = MailServer("localhost", 25, is_tls=False, user="", password="")
    mail = Mail(server, "to@receiver.test").mail(message)
    shown = f"{mail['subject']}\n{mail.get_content()}"
    return [json.dumps(as_json(message)), json.dumps(as_blocks(message)), shown]


# The runbook.


@pytest.mark.parametrize("topic", TOPICS)
def test_each_check_has_its_section_with_a_likely_cause_and_what_to_do(topic: str) -> None:
    cause = runbook.likely_causes()[topic]
    assert cause.endswith(".")
    assert 20 < len(cause) < 200
    page = (ROOT / runbook_page.PAGE).read_text(encoding="utf-8")
    [section] = [found for found in runbook.SECTION.finditer(page) if found["topic"] == topic]
    meaning, _, what_to_do = section["body"].strip().split("\n\n")[:3]
    assert meaning
    assert what_to_do


def test_every_section_has_a_topic() -> None:
    assert sorted(runbook.likely_causes()) == sorted(TOPICS)


def test_the_page_has_an_anchor_for_each_section_and_links_only_to_what_is_there() -> None:
    page = runbook_page.runbook_html()
    assert {topic.lower() for topic in TOPICS} <= set(re.findall('<h3 id="([^"]+)">', page))
    assert set(re.findall('<a href="([^"#]*)', page)) == set()
    assert "google.md" in page
    assert "<p><strong>Likely cause:</strong>" in page
    assert runbook_page.anchor("Two words, `code`") == "two-words-code"


def test_what_to_do_is_a_link_where_the_uis_address_is_known() -> None:
    found = [news(str(n), topic="never_pulled") for n in range(6)]
    [message] = compose(found, is_simulated=False, redact=Redaction(), ui_url="https://usage.example.com/ui")
    [item] = message.items
    assert item.runbook == "https://usage.example.com/ui/runbook#never_pulled"
    assert f"What to do: {item.runbook}" in message.text
    assert re.findall("<.*?>", json.dumps(as_blocks(message))) == [f"<{item.runbook}>"]
    resolved = news(severity=Severity.RESOLVED)
    [message] = compose([resolved], is_simulated=False, redact=Redaction(), ui_url="https://usage.example.com")
    assert message.items[0].runbook == ""


def test_a_cause_is_written_in_the_runbook_alone() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ai_usage").rglob("*.py"))
    assert [cause for cause in runbook.likely_causes().values() if cause in " ".join(code.split())] == []


def test_a_cause_may_run_over_lines_and_a_section_may_have_none() -> None:
    page = "### a_b\nMeans.\n\n**Likely cause:** one\ntwo.\n\nDo.\n\n## More\n\n### c\nNothing.\n"
    assert runbook.read(page) == {"a_b": "one two.", "c": ""}


# What a message contains.


def test_simulated_data_are_marked_in_subject_and_body() -> None:
    message = one(news(), is_simulated=True)
    assert message.subject.startswith("[ai_usage] SIMULATED FAILED")
    assert message.text.startswith("SIMULATED: the built-in providers answer")
    for shown in everywhere(message):
        assert shown.count("SIMULATED") >= 2
    for shown in everywhere(one(news())):
        assert "SIMULATED" not in shown


def test_a_digest_lists_the_most_severe_first_and_counts_the_rest() -> None:
    many = [news(f"w{n}", Severity.WARNING, f"odd {n}", topic=f"check_{n}") for n in range(40)]
    many += [news(f"f{n}", title="bad", day=DAY + timedelta(days=n), text=f"{n} USD") for n in (2, 0, 1)]
    many += [news("r", Severity.RESOLVED, "well")]
    [message] = compose(many, is_simulated=False, redact=Redaction())
    assert message.subject == "[ai_usage] 44 alerts: 3 failed, 40 warnings, 1 resolved"
    assert (len(message.items), message.more) == (25, 17)
    assert message.items[0].heading == f"FAILED bad, {DAY}…{DAY + timedelta(days=2)} (3 days)"
    assert message.items[0].text == f"{DAY}: 0 USD"
    assert "And 17 more" in message.text


def test_a_digest_of_many_titles_lists_those_of_one_topic_together() -> None:
    many = [news(f"w{n}", Severity.WARNING, f"spikes: key {n}", topic="spikes") for n in range(26)]
    many += [news(f"f{n}", title="spikes: the check could not run", topic="spikes") for n in range(2)]
    [message] = compose(many, is_simulated=False, redact=Redaction())
    assert [(item.title, item.count) for item in message.items] == [
        ("spikes: the check could not run", 2),
        ("spikes", 26),
    ]
    assert message.items[1].text.startswith("key 0; key 1; key 10; ")
    assert message.items[1].text.endswith("; key 9.")


def test_a_first_summary_has_an_item_a_topic() -> None:
    many = [news(str(n), title=f"spikes: key {n % 3}", topic="spikes") for n in range(9)]
    [message] = compose(many, is_simulated=False, redact=Redaction(), is_first=True)
    assert [(item.title, item.count, item.text) for item in message.items] == [("spikes", 9, "key 0; key 1; key 2.")]


def test_a_digest_counts_events_without_a_day() -> None:
    [message] = compose([news(str(n)) for n in range(6)], is_simulated=False, redact=Redaction())
    assert message.items[0].heading == "FAILED a title (6 times)"


def test_the_same_events_have_the_same_key_and_others_another() -> None:
    assert one(news("a")).key == one(news("a")).key != one(news("b")).key
    assert re.fullmatch("[0-9a-f]{32}", one(news("a\nb")).key)


# Slack.


def test_slack_text_has_no_mention_and_no_foreign_link() -> None:
    evil = news(title="<!channel> & <https://evil.test|click>", text="a < b && c > d", link="http://ui/?a=1&b=2")
    payload = as_blocks(one(evil))
    header, section = (block["text"] for block in payload["blocks"])
    assert header["type"] == "plain_text"
    assert "<" not in payload["text"]
    assert section["text"].startswith("FAILED &lt;!channel&gt; &amp; &lt;https://evil.test|click&gt;\n")
    assert "a &lt; b &amp;&amp; c &gt; d" in section["text"]
    assert re.findall("<.*?>", section["text"]) == ["<http://ui/?a=1&amp;b=2>"]


@pytest.mark.parametrize("shift", range(5))
def test_slack_gets_no_more_than_it_takes(shift: int) -> None:
    long: dict[str, Any] = {"text": "<" * 5000, "link": "http://x/" + "&" * 2000}
    many = [news(f"{n}", title=f"{n:02} {'x' * shift} {'&' * 300 * (n % 2)}", **long) for n in range(60)]
    [message] = compose(many, is_simulated=True, redact=Redaction())
    payload = as_blocks(message)
    texts = [block["text"]["text"] for block in payload["blocks"] if block["type"] == "section"]
    assert len(payload["blocks"]) <= 50
    assert max(map(len, texts)) <= 3000
    assert len(payload["blocks"][0]["text"]["text"]) <= 150
    assert not any(re.search(r"&(?!amp;|lt;|gt;)", text) for text in texts)


# Mails.


def test_nothing_of_a_message_becomes_a_header() -> None:
    evil = "x\r\nBcc: all@example.com\r\n\r\n<script>\x00\x1b[2J\u2028y"
    mail = Mail(MailServer("localhost", 25, is_tls=False, user="", password=""), "to@example.com").mail(
        one(news(title=evil))
    )
    assert mail["bcc"] is None
    assert mail["subject"] == "[ai_usage] FAILED x Bcc: all@example.com <script> [2J y"
    raw = mail.as_bytes().partition(b"\n\n")[0]
    assert b"\nBcc" not in raw
    assert mail.get_content_type() == "text/plain"
    assert mail["auto-submitted"] == "auto-generated"


def test_a_mail_has_the_same_id_each_time_and_another_for_another_recipient() -> None:
    server = MailServer("localhost", 25, is_tls=False, user="bot@example.com", password="")
    ids = [Mail(server, to).mail(one(news()))["message-id"] for to in ("a@b.test", "A@b.test", "c@b.test")]
    assert ids[0] == ids[1] != ids[2]
    assert re.fullmatch(r"<[0-9a-f]{32}\.[0-9a-f]{12}@ai-usage\.invalid>", ids[0])
    assert Mail(server, "a@b.test").mail(one(news()))["from"] == "bot@example.com"
    assert Mail(server, "a@b.test", "from@b.test").mail(one(news()))["from"] == "from@b.test"


# What no message contains.


def test_people_have_stable_pseudonyms_wherever_they_are_named() -> None:
    event = news(
        title="who is Dev.One+x@Example.com",
        text="dev.one+x@example.com, other@sub.example.co.uk.",
        link="u?a=dev.one+x@example.com",
    )
    name = pseudonym("dev.one+x@example.com", SALT)
    assert re.fullmatch(r"person-[0-9a-f]{10}", name)
    assert pseudonym("dev.one+x@example.com", SALT + "!") != name
    message = one(event, Redaction(salt=SALT))
    for shown in everywhere(message):
        assert shown.count(name) >= 3
        assert "example.c" not in shown
    assert "dev.one+x@example.com" in one(event).text


def test_without_pseudonyms_addresses_are_shown() -> None:
    assert "dev@example.com" in one(news(text="of dev@example.com")).text


def test_secrets_are_removed_even_where_a_text_is_cut_within_one() -> None:
    secret = "planted-secret-value"
    event = news(
        title=f"t {secret}", text="x" * 790 + secret + " sk-ant-admin01-abcdefghijklmnop", link=f"http://{secret}"
    )
    for shown in everywhere(one(event, Redaction(secrets=[secret]))):
        assert "planted" not in shown
        assert "[secret]" in shown
    assert "abcdefghijklmnop" not in one(news(text="key sk-ant-admin01-abcdefghijklmnop")).text


# What is remembered.


def test_an_event_that_comes_late_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite")
    with outbox.transaction() as memory:
        memory.saw("check x", event_id=7, gravity=2, why="red")
        memory.saw("check x", event_id=5, gravity=0)
        memory.saw("check y", event_id=6, gravity=0)
    with outbox.transaction() as memory:
        assert [(found.subject, found.event_id, found.why) for found in memory.standings("check ")] == [
            ("check x", 7, "red")
        ]
        assert memory.standings("run ") == []


def test_what_fails_within_a_transaction_leaves_no_trace(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite")

    def breaks(memory: Memory) -> list[News]:
        memory.move("checks", 7)
        raise KeyError

    with pytest.raises(KeyError):
        Alerts(outbox, [], lambda: datetime(2026, 11, 12, tzinfo=UTC), is_simulated=False).send(breaks)
    with outbox.transaction() as memory:
        assert memory.cursor("checks") == 0


# The interface for other news.


def test_an_event_is_sent_once_per_key(tmp_path: Path) -> None:
    class Reader:
        name = "reader"
        got: list[str] = []  # noqa: RUF012

        def send(self, message: Message) -> None:
            self.got.append(message.subject)

    def send(*found: News) -> int:  # a new process each time
        now = datetime(2026, 11, 12, tzinfo=UTC)
        return Alerts(Outbox(tmp_path / "alerts.sqlite"), [Reader()], lambda: now, is_simulated=False).send(found).sent

    budget = news("budget 2026-11 claude 80%", Severity.NOTICE, "80% of the budget of claude")
    assert send(budget, budget) == 1
    assert send(budget) == 0
    assert send(budget, news("budget 2026-11 claude 100%", Severity.WARNING, "All of the budget of claude")) == 1
    assert Reader.got == [
        "[ai_usage] NOTICE 80% of the budget of claude",
        "[ai_usage] WARNING All of the budget of claude",
    ]


def test_a_message_is_deleted_when_every_channel_has_had_it_for_long_enough(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite", kept_for=timedelta(days=180))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    both = [news(key, text="of Lina Xu") for key in ("one", "two")]
    messages = compose(both, is_simulated=False, redact=str)
    with outbox.transaction() as memory:
        memory.put(messages, both, ["slack"], began)
    outbox.ended(messages[0], "slack", "delivered")
    for days, left in ((179, 2), (181, 1)):  # messages that are not delivered yet stay
        with outbox.transaction() as memory:
            memory.put([], [], [], began + timedelta(days=days))
            assert memory.db.execute("select count(*) from messages").fetchone() == (left,)
            assert memory.db.execute("select count(*) from deliveries").fetchone() == (left,)
            assert memory.unsent(both) == []
    outbox.ended(messages[1], "slack", "given up")
    with outbox.transaction() as memory:
        memory.put([], [], [], began + timedelta(days=182))
    assert b"Lina Xu" not in (tmp_path / "alerts.sqlite").read_bytes()
