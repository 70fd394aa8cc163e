"""Takes one environment apart, by what each service needs: `split.py ENVIRONMENT TO SERVICE…`.

What every service needs stays in the environment; what only some need is copied to TO/SERVICE of
each of them, and all of it to TO/every. A path file in the environment names /opt/service, where an
image has its part. So images share their largest layer, and none has what its service never loads
(ffmpeg in ingest).

Guarantees: a file is in the environment or in a part, never in both; what an installed
distribution requires, extras and markers included, is in the same image as it.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement


def normal(name: str) -> str:
    """A distribution's name as all spellings of it have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(root: str, installed: dict[str, Distribution]) -> set[str]:
    """What a distribution needs, itself included."""
    found: set[tuple[str, str]] = set()
    waiting = [(normal(root), "")]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in found or name not in installed:
            continue
        found.add((name, extra))
        for line in installed[name].requires or ():
            required = Requirement(line)
            if required.marker is None or required.marker.evaluate({"extra": extra}):
                wanted = ["", *required.extras]
                waiting += [(normal(required.name), each) for each in wanted]
    return {name for name, _ in found}


def copy(distribution: Distribution, packages: Path, to: Path) -> None:
    """A distribution's files below the environment's packages; programs are nobody's."""
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if path.is_file() and path.is_relative_to(packages):
            target = to / path.relative_to(packages)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def remove(distribution: Distribution, packages: Path) -> None:
    """The same files, gone, and the folders that are empty then."""
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if not path.is_relative_to(packages):
            continue
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == packages or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


def main() -> None:
    environment, to, *services = sys.argv[1:]
    (packages,) = Path(environment).glob("lib/python3.*/site-packages")
    installed = {normal(each.name): each for each in distributions(path=[str(packages)])}
    needed = {service: closure(f"coop-{service}", installed) for service in services}
    shared = set.intersection(*needed.values())
    for service, names in needed.items():
        (Path(to) / service).mkdir(parents=True)
        for name in sorted(names - shared):
            copy(installed[name], packages, Path(to) / service)
            copy(installed[name], packages, Path(to) / "every")
    for name in sorted(set(installed) - shared):
        remove(installed[name], packages)
    (packages / "service.pth").write_text("/opt/service\n")
    unneeded = set(installed) - set.union(*needed.values())
    if unneeded:
        sys.exit(f"no service needs {', '.join(sorted(unneeded))}")


if __name__ == "__main__":
    main()
