"""Kinds of import contract that import-linter does not have, for `.importlinter`.

edges       only modules of certain names may import a framework
private     modules of a certain name are imported from their own package alone
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class EdgesContract(Contract):
    """`frameworks` are imported, within `container`, only by modules that match one of `allowed`
    (shell patterns of what follows the container's name)."""

    type_name = "edges"

    container = fields.StringField()
    frameworks = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Names every import that breaks it."""
        del verbose
        container, found = str(self.container), []
        for module in sorted(graph.find_descendants(container)):
            name = module.removeprefix(f"{container}.")
            if any(fnmatchcase(name, pattern) for pattern in _texts(self.allowed)):
                continue
            imported = graph.find_modules_directly_imported_by(module)
            found += [(module, one) for one in sorted(imported & set(_texts(self.frameworks)))]
        return ContractCheck(kept=not found, metadata={"imports": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line an import."""
        _render(check)


class PrivateContract(Contract):
    """Modules called one of `names` within `container` are imported by modules of their own package
    alone. `exceptions`: `importer -> imported`, shell patterns."""

    type_name = "private"

    container = fields.StringField()
    names = fields.ListField(subfield=fields.StringField())
    exceptions = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Names every import that breaks it."""
        del verbose
        container, found = str(self.container), []
        excepted = [one.split(" -> ") for one in _texts(self.exceptions)]
        for module in sorted(graph.find_descendants(container)):
            package, _, name = module.rpartition(".")
            if name not in _texts(self.names):
                continue
            for importer in sorted(graph.find_modules_that_directly_import(module)):
                is_own = importer.startswith(f"{package}.")
                is_excepted = any(
                    fnmatchcase(importer, left) and fnmatchcase(module, right)
                    for left, right in excepted
                )
                if not is_own and not is_excepted:
                    found.append((importer, module))
        return ContractCheck(kept=not found, metadata={"imports": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line an import."""
        _render(check)


def _texts(value: object) -> list[str]:
    # What a field holds once it is loaded; the library types it as the field itself.
    assert isinstance(value, list)
    return [str(one) for one in value]


def _render(check: ContractCheck) -> None:
    for importer, imported in check.metadata["imports"]:
        output.print_error(f"{importer} imports {imported}", bold=False)
