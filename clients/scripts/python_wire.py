"""Writes the types of the Python client from the public API's OpenAPI document.

    python clients/scripts/python_wire.py OPENAPI TARGET

Runs in the environment of `generator.lock`, which has `datamodel-codegen` beside its Python.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HEADER = '"""The public wire format, by `make clients-api` from `clients/openapi.json`."""'


def main(description: Path, target: Path) -> None:
    """Write it. Nothing that changes without the description is in it."""
    command = [
        str(Path(sys.executable).with_name("datamodel-codegen")),
        *("--input", str(description), "--input-file-type", "openapi", "--output", str(target)),
        *("--output-model-type", "typing.TypedDict", "--target-python-version", "3.11"),
        *("--formatters", "builtin", "--use-schema-description"),
        *("--use-standard-collections", "--use-union-operator"),
        *("--custom-file-header", _HEADER),
    ]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
