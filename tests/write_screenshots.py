"""Write the screenshots in docs/figures: ``python tests/write_screenshots.py REPORT.html SITE/index.html``."""

import io
import sys
import tempfile
from pathlib import Path

from chromium import page
from PIL import Image

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures"
SHOTS = (("demo_report", 0, 1100, 1500), ("start_page", 1, 1280, 1100))


def shoot(addresses):
    """Write a PNG of the first window of each page, with few colours so that it stays small."""
    with tempfile.TemporaryDirectory() as folder, page(folder) as seen:
        for name, place, width, height in SHOTS:
            for scheme in ("light", "dark"):
                seen.show(width, height, scheme)
                seen.open(addresses[place])
                image = Image.open(io.BytesIO(seen.screenshot())).convert("RGB").quantize(192)
                image.save(FIGURES / f"{name}{'' if scheme == 'light' else '_dark'}.png", optimize=True)


if __name__ == "__main__":
    shoot([Path(each).resolve().as_uri() for each in sys.argv[1:]])
