"""Pictures of the console's pages from the demo organisation, into docs/images/console.

    make screenshots

Guarantees: a stack of its own, with a minute of its platform's traffic; the files have at most 128
colours, so that all of them together stay small.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PICTURES = ROOT / "docs" / "images" / "console"
ITEMS = 400

sys.path.insert(0, str(ROOT))


def main() -> None:
    """Start, look, stop."""
    from PIL import Image

    from tests.local_stack import LocalStack, state_folder

    PICTURES.mkdir(parents=True, exist_ok=True)
    node = subprocess.check_output([sys.executable, HERE.parent / "scripts" / "node.py"], text=True)
    with (
        state_folder() as folder,
        LocalStack(folder / "state", COOP_DEMO_RATE="20", COOP_DEMO_STORY="true") as stack,
    ):
        stack.wait_accepted(ITEMS, deadline=120)
        environment = os.environ | {
            "PATH": f"{node.strip()}:{os.environ['PATH']}",
            "COOP_CONSOLE_URL": stack.url("review-api"),
            "COOP_DEMO_FILE": str(stack.state / "demo.json"),
        }
        script = ["node", "screenshots.mjs", str(PICTURES)]
        subprocess.run(script, cwd=HERE, env=environment, check=True)
    for path in sorted(PICTURES.glob("*.png")):
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
