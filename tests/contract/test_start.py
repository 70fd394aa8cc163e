"""What a process of each role loads before it has anything to do: memory that it holds for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from coop_runtime.process.role import Role

SERVICES = sorted(
    path.parent.name for path in Path(__file__).parents[2].glob("services/*/src/coop_*/__main__.py")
)
EVERY_ROLE = [
    pytest.param(role, id=f"{service}-{role.name}")
    for service in SERVICES
    for role in import_module(f"{service}.__main__").TABLE.roles
]

_SPARE = ("rich", "pygments", "opentelemetry.sdk.metrics", "sqlalchemy.orm", "pydantic.v1")
_TESTING = ("pytest", "hypothesis", "pkg_resources", "setuptools")
_LATE = ("lxml", "signxml", "jwt", "obstore")
_MOST_MIB = 140  # review-api, the largest, has 133; idle it has some 12 more

_IMPORT = """
import json, sys
from pathlib import Path
from coop_runtime.process import spare
from coop_runtime.process.role import attribute

with spare.imports():
    attribute(sys.argv[1]), attribute(sys.argv[2])
pages = int(Path("/proc/self/statm").read_text().split()[1])
names = sorted(sys.modules)
from coop_runtime.process import late
from importlib import import_module
for name in late.everything():
    import_module(name)
print(json.dumps([pages * 4096 / 2**20, names, late.everything()]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("role", EVERY_ROLE)
def test_a_role_loads_what_it_needs_to_start_and_no_more(role: Role) -> None:
    """No library of those that services leave out, or load when they first need them; little enough
    that the process stays below 150 MiB idle; and each that it loads later can be loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, role.settings, role.build],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    resident, names, _ = json.loads(done.stdout)
    unwanted = {*_SPARE, *_TESTING, *(_LATE if role.build.startswith("coop_review_api") else ())}
    assert not unwanted & set(names)
    assert resident < _MOST_MIB
