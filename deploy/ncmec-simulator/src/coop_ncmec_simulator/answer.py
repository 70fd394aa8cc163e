"""Answers of the interface: codes, their texts, XML.

Source: the CyberTipline Reporting API's documentation, appendix of response codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from xml.sax.saxutils import escape

from msgspec import Struct

Manner = Literal["modern", "legacy"]
"""How a refusal's HTTP status is chosen: by the family of its code, or always 200."""

TEXTS: Final[dict[int, str]] = {
    0: "Success",
    1000: "Server error",
    1100: "Save failed",
    1110: "Upload failed",
    1111: "File upload failed",
    1210: "Resource not found",
    1300: "Update failed",
    2000: "Authentication required",
    3000: "User is not authorized to perform this action",
    3100: "User does not have authorization to make submissions",
    3300: "User does not have authorization to make updates",
    4000: "Invalid request",
    4100: "Validation failed",
    4110: "Malformed XML submittal",
    4200: "Malformed file submittal",
    5001: "Report does not exist",
    5002: "File does not exist",
    5101: "Report already retracted",
    5102: "Report already finished",
}
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


class Refusal(Exception):
    """A call that has no effect, with the code that says why."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(detail or TEXTS.get(code, "Unknown"))
        self.code = code
        self.detail = detail


class Told(Struct, frozen=True, kw_only=True):
    """What a call is answered with."""

    code: int = 0
    text: str = ""
    report_id: int | None = None
    file_id: str | None = None
    hash: str | None = None
    files: Sequence[str] | None = None

    def xml(self) -> bytes:
        """The document; of a finished report that with its files."""
        if self.files is not None:
            files = "".join(f"<fileId>{one}</fileId>" for one in self.files)
            return (
                f"{_XML}<reportDoneResponse><responseCode>{self.code}</responseCode>"
                f"<reportId>{self.report_id}</reportId><files>{files}</files></reportDoneResponse>"
            ).encode()
        parts = [
            f"<responseCode>{self.code}</responseCode>",
            f"<responseDescription>{escape(self.text or TEXTS[self.code])}</responseDescription>",
        ]
        named = (("reportId", self.report_id), ("fileId", self.file_id), ("hash", self.hash))
        parts += [f"<{name}>{value}</{name}>" for name, value in named if value is not None]
        return f"{_XML}<reportResponse>{''.join(parts)}</reportResponse>".encode()


def refused(refusal: Refusal) -> Told:
    """What a refusal says."""
    text = TEXTS.get(refusal.code, "Unknown")
    return Told(code=refusal.code, text="\n".join(one for one in (text, refusal.detail) if one))


def status_of(code: int, manner: Manner) -> int:
    """The HTTP status of an answer."""
    if code == 0 or manner == "legacy":
        return 200
    return {1: 500, 2: 401, 3: 403}.get(code // 1000, 400)
