"""What was read, what must be sent and which channels have it: a small SQLite file beside Dagster's own.

Sources read their cursor and write what they saw in one transaction with the messages made of it, so that a process
that dies loses nothing and repeats nothing. Each delivery is then committed by itself, right after the receiver has
accepted it.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ai_usage.alerts.message import Message
from ai_usage.alerts.news import News
from ai_usage.redaction import Redaction

SCHEMA = """
create table if not exists cursors (source text primary key, at integer not null);
create table if not exists standings (
    subject text primary key, event_id integer not null, gravity integer not null, told integer not null, said text
);
create table if not exists news (key text primary key) without rowid;
create table if not exists messages (key text primary key, created_at text not null, body blob not null);
create table if not exists deliveries (
    message text not null, channel text not null, tries integer not null default 0, ended text,
    primary key (message, channel)
) without rowid;
create index if not exists waiting on deliveries (channel, tries) where ended is null;
"""
BEGINS_SO = "subject >= ?1 and subject < ?1 || char(1114111)"


@dataclass(frozen=True)
class Standing:
    """The state of a subject, and the state last reported: gravity 0 is passed, 1 a warning, 2 a failure."""

    subject: str
    event_id: int
    gravity: int
    reported: int  # the gravity
    why: str

    @property
    def is_news(self) -> bool:
        """Worse than reported, or passed again. Going from failed to warned is not news."""
        return self.gravity > self.reported or (self.gravity == 0 and self.reported > 0)


@dataclass(frozen=True)
class Memory:
    """A source's state, within the transaction that puts its news into the outbox."""

    db: sqlite3.Connection
    kept_for: timedelta | None = None  # how long a message stays once every channel has it; None: for good

    def cursor(self, source: str) -> int:
        found = self.db.execute("select at from cursors where source = ?", [source]).fetchone()
        return int(found[0]) if found else 0

    def move(self, source: str, at: int) -> None:
        self.db.execute("insert or replace into cursors values (?, ?)", [source, at])

    def forget_events(self, source: str, subjects: str) -> None:
        """For an event log that starts over. News that were sent are not sent again."""
        self.move(source, 0)
        self.db.execute(f"update standings set event_id = 0 where {BEGINS_SO}", [subjects])

    def saw(self, subject: str, *, event_id: int, gravity: int, why: str = "") -> None:
        """The newest event of a subject counts, in whatever order and however often events are read."""
        self.db.execute(
            "insert into standings values (?1, ?2, ?3, 0, ?4) on conflict (subject) do update "
            "set event_id = ?2, gravity = ?3, said = ?4 where excluded.event_id > standings.event_id",
            [subject, event_id, gravity, why],
        )

    def standings(self, subjects: str) -> list[Standing]:
        """The subjects with this prefix that are wrong or were reported as wrong."""
        rows = self.db.execute(
            f"select * from standings where {BEGINS_SO} and (gravity > 0 or told > 0) order by subject",
            [subjects],
        )
        return [Standing(*row) for row in rows]

    def mark_reported(self, standing: Standing) -> None:
        """The current state becomes the reported one."""
        self.db.execute("update standings set told = gravity where subject = ?", [standing.subject])

    def unsent(self, news: Iterable[News]) -> list[News]:
        """The first news of each key, without those that are already in a message."""
        first = {one.key: one for one in reversed(list(news))}
        known = {key for key in first if self.db.execute("select 1 from news where key = ?", [key]).fetchone()}
        return [one for key, one in reversed(first.items()) if key not in known]

    def put(self, messages: Sequence[Message], news: Sequence[News], channels: Iterable[str], now: datetime) -> None:
        """Adds messages for every current channel. Deletes those that were kept long enough."""
        if self.kept_for:
            self._forget_messages(now - self.kept_for)
        self.db.executemany("insert into news values (?)", [(one.key,) for one in news])
        for message in messages:
            body = msgspec.json.encode(message)
            self.db.execute("insert into messages values (?, ?, ?)", [message.key, now.isoformat(), body])
            rows = [(message.key, channel) for channel in channels]
            self.db.executemany("insert into deliveries (message, channel) values (?, ?)", rows)

    def _forget_messages(self, before: datetime) -> None:
        """Deletes texts and deliveries. The keys of their news stay, so that nothing is sent again."""
        self.db.execute(
            "delete from messages where created_at < ? and not exists "
            "(select 1 from deliveries where message = messages.key and ended is null)",
            [before.isoformat()],
        )
        self.db.execute("delete from deliveries where message not in (select key from messages)")


@dataclass(frozen=True)
class Outbox:
    """The SQLite file, shared by all processes. Holds only what may be sent."""

    path: Path
    redaction: Redaction = field(default_factory=Redaction)
    kept_for: timedelta | None = None

    @contextmanager
    def transaction(self) -> Iterator[Memory]:
        """All of it, or nothing. Others wait."""
        with closing(self._open()) as db:
            db.execute("begin immediate")
            try:
                yield Memory(db, self.kept_for)
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")

    @contextmanager
    def delivering(self, channel: str) -> Iterator[bool]:
        """False if another process uses the same channel: both would send the same. A slow channel keeps its lock for
        long, and no other channel waits. The system releases the lock of a process that dies.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(channel.encode()).hexdigest()[:16]  # a channel's name may contain a person's address
        file = self.path.with_name(f"{self.path.stem}.{name}.lock")
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as lock:
            try:
                lock.execute("begin exclusive")
            except sqlite3.OperationalError:
                yield False
            else:
                yield True

    def waiting(self, channel: str) -> list[tuple[Message, datetime]]:
        """The messages that the channel lacks, and since when: the oldest first, those that failed before last."""
        with closing(self._open()) as db:
            rows = db.execute(
                "select m.body, m.created_at from deliveries as d join messages as m on m.key = d.message "
                "where d.channel = ? and d.ended is null order by d.tries, m.rowid",
                [channel],
            ).fetchall()
        return [(msgspec.json.decode(body, type=Message), datetime.fromisoformat(at)) for body, at in rows]

    def ended(self, message: Message, channel: str, how: str) -> None:
        """`delivered`, or `given up`."""
        with closing(self._open()) as db:
            db.execute("update deliveries set ended = ? where message = ? and channel = ?", [how, message.key, channel])

    def failed(self, message: Message, channel: str) -> None:
        with closing(self._open()) as db:
            db.execute(
                "update deliveries set tries = tries + 1 where message = ? and channel = ?", [message.key, channel]
            )

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        db.execute("pragma secure_delete = on")  # what is deleted is overwritten
        db.executescript(SCHEMA)
        return db
