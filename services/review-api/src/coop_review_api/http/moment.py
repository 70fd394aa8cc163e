"""Points in time in addresses.

Guarantees: RFC 3339 with an offset, as in bodies; a bare number, which pydantic would take for
seconds since 1970, is a fault.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_DATE_AND_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]", re.ASCII)


def _is_written_out(value: Any) -> Any:
    if isinstance(value, str) and not _DATE_AND_TIME.match(value):
        raise ValueError("not a date and time of RFC 3339")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
