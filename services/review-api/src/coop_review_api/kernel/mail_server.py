"""Where mails go, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tls = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Where mails go. `sender` is the address they come from, with a name or without;
    `certificates` a file of authorities to trust besides those of the system, `timeout` the seconds
    for each of its answers."""

    host: str
    sender: str
    port: int | None = None
    tls: Tls = "starttls"
    user: str | None = None
    password: str | None = None
    certificates: str | None = None
    timeout: float = 15.0
