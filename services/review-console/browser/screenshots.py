"""Pictures of the console's pages from the demo organisation, into docs/images/console.

    make screenshots

Guarantees: a stack of its own, with its story told and the month before it; the files are lossless
WebP of at most 64 colours, some twenty kilobytes each, so that all of them together stay small.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PICTURES = ROOT / "docs" / "images" / "console"
ITEMS = 30
COLOURS = 64

sys.path.insert(0, str(ROOT))


def main() -> None:
    """Start, look, stop."""
    from PIL import Image

    from tests.local_stack import LocalStack, state_folder

    PICTURES.mkdir(parents=True, exist_ok=True)
    node = subprocess.check_output([sys.executable, HERE.parent / "scripts" / "node.py"], text=True)
    with (
        state_folder() as folder,
        LocalStack(
            folder / "state",
            COOP_DEMO_RATE="1",
            COOP_DEMO_STORY="true",
            COOP_READY_TIMEOUT="600",
        ) as stack,
    ):
        stack.wait_accepted(ITEMS, deadline=240)
        stack.wait_told()
        environment = os.environ | {
            "PATH": f"{node.strip()}:{os.environ['PATH']}",
            "COOP_CONSOLE_URL": stack.url("review-api"),
            "COOP_DEMO_FILE": str(stack.state / "demo.json"),
        }
        script = ["node", "screenshots.mjs", str(PICTURES)]
        subprocess.run(script, cwd=HERE, env=environment, check=True)
    for old in PICTURES.glob("*.webp"):
        old.unlink()
    for path in sorted(PICTURES.glob("*.png")):
        small = path.with_suffix(".webp")
        with Image.open(path) as picture:
            # A glyph of a few pixels keeps its colour: what is rare counts as what is frequent.
            few = picture.convert("RGB").quantize(
                COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
            )
            few.convert("RGB").save(small, lossless=True, quality=100, method=6)
        path.unlink()
        print(f"{small.relative_to(ROOT)}  {small.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
