"""Building the C libraries that are loaded under the service (LD_PRELOAD)."""

import shutil
import subprocess
from pathlib import Path

from resilience.service import Unavailable


def build(source: Path, folder: Path) -> Path:
    """Compile `source` to a shared library in `folder`. Raises `Unavailable`."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable(f"there is no C compiler to build {source.name}")
    library = folder / f"{source.stem}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    return library
