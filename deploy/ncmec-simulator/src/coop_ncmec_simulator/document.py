"""Documents that are sent: well formed, of the right kind, by the schema, by the rules.

Guarantees: no entity is resolved, nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lxml import etree

from coop_ncmec_simulator.answer import Refusal
from coop_ncmec_simulator.rule import broken_rules

INTERFACE: Final = Path(__file__).with_name("interface.xsd")
"""Our own description of the interface, for where NCMEC's schema is not at hand."""


class Documents:
    """Reads them. Without `schema` the rules alone are checked, without `strict` the schema
    alone."""

    def __init__(self, schema: Path | None, *, strict: bool = True) -> None:
        self._strict = strict
        self.text = b"" if schema is None else schema.read_bytes()
        self._schema = None if schema is None else etree.XMLSchema(etree.fromstring(self.text))

    def read(self, body: bytes, root: str, *, now: datetime) -> etree._Element:
        """The document. Raises Refusal: 4110, 4100."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            found = etree.fromstring(body, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise Refusal(4110, str(error)[:500]) from None
        named = str(found.tag)
        if named != root:
            raise Refusal(4100, f"[1,1] - cvc-elt.1.a: Cannot find element '{named}'.")
        if self._schema is not None and not self._schema.validate(found):
            log: Iterable[Any] = self._schema.error_log
            raise Refusal(4100, "\n".join(f"[{one.line},1] - {one.message}" for one in log))
        if self._strict and (broken := broken_rules(found, now=now)):
            raise Refusal(4100, "\n".join(broken))
        return found
