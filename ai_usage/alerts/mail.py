"""Messages as plain-text mail over SMTP: one mail per address, so that a wrong address does not delay the others."""

import hashlib
import smtplib
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote, urlsplit

from ai_usage.alerts.channels import Undelivered
from ai_usage.alerts.deadline import Deadline, deadline
from ai_usage.alerts.message import Message
from ai_usage.settings import ADDRESS, LOOPBACK

SECONDS = 5.0  # to connect, and for each read of an answer
SECONDS_IN_ALL = 10.0  # for a whole mail: a server may send its answers a byte at a time
PORTS = {"smtp": 587, "smtps": 465}
SUBJECT_LENGTH = 200


class _Held:
    """A connection that has a deadline before the server sends its greeting."""

    def __init__(self, end: Deadline, *how: Any, **more: Any) -> None:
        self.end = end
        super().__init__(*how, **more)

    def _get_socket(self, *of: Any) -> socket.socket:
        connection: socket.socket = super()._get_socket(*of)  # type: ignore[misc]
        self.end.holds(connection)
        return connection


class _Plain(_Held, smtplib.SMTP): ...


class _Encrypted(_Held, smtplib.SMTP_SSL): ...


@dataclass(frozen=True)
class MailServer:
    """The parts of ALERT_SMTP_URL."""

    host: str
    port: int
    is_tls: bool  # from the start; else STARTTLS where the server offers it
    user: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, url: str) -> "MailServer":
        parts = urlsplit(url)
        return cls(
            parts.hostname or "",
            parts.port or PORTS[parts.scheme],
            parts.scheme == "smtps",
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )


@dataclass(frozen=True)
class Mail:
    """One reader's mailbox."""

    server: MailServer
    to: str
    sender: str = ""
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    @property
    def name(self) -> str:
        """Not the address itself: the outbox does not need it."""
        return f"email {hashlib.sha256(self.to.lower().encode()).hexdigest()[:12]}"

    def send(self, message: Message) -> None:
        with deadline(SECONDS_IN_ALL) as end:
            self._send(message, end)

    def _send(self, message: Message, end: Deadline) -> None:
        try:
            with closing(self._connected(end)) as smtp:
                self._log_in(smtp, end)
                smtp.send_message(self.mail(message))
                with suppress(smtplib.SMTPException, OSError):  # the mail is accepted already
                    smtp.quit()
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 0)
            raise _refused(code) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if end.is_over:
                why = f"The mail server did not take the message within {SECONDS_IN_ALL:.0f} s."
                raise Undelivered(why, may_retry_now=False) from None
            why = f"The mail server cannot be reached ({type(error).__name__})."
            raise Undelivered(why, may_retry_now=not isinstance(error, ssl.SSLError)) from None

    def mail(self, message: Message) -> EmailMessage:
        """The same message has the same Message-ID, so that a mailbox can recognize a duplicate."""
        sender = self.sender or (self.server.user if ADDRESS.fullmatch(self.server.user) else self.to)
        mail = EmailMessage()
        mail["Subject"] = message.subject[:SUBJECT_LENGTH]  # already on one line
        mail["From"] = sender
        mail["To"] = self.to
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.key}.{self.name.rpartition(' ')[2]}@ai-usage.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail

    def _connected(self, end: Deadline) -> smtplib.SMTP:
        server = self.server
        if server.is_tls:
            return _Encrypted(end, server.host, server.port, timeout=SECONDS, context=self.tls)
        return _Plain(end, server.host, server.port, timeout=SECONDS)

    def _log_in(self, smtp: smtplib.SMTP, end: Deadline) -> None:
        smtp.ehlo_or_helo_if_needed()
        is_safe = self.server.is_tls or self.server.host in LOOPBACK
        if not is_safe and smtp.has_extn("starttls"):
            smtp.starttls(context=self.tls)
            if smtp.sock:
                end.holds(smtp.sock)
            smtp.ehlo()
            is_safe = True
        if not self.server.user:
            return
        if not is_safe:
            why = "The mail server offers no encryption, and the password is not sent without: use smtps://."
            raise Undelivered(why, may_retry_now=False)
        smtp.login(self.server.user, self.server.password)


def _refused(code: int) -> Undelivered:
    """Does not show the server's text, which may repeat what it received."""
    return Undelivered(f"The mail server did not take the message: status {code}.", may_retry_now=400 <= code < 500)
