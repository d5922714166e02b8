"""A build backend (PEP 517) for one file: so that installing it needs neither network nor setuptools.

In the checkout the library is ``reeve.py``; installed it is the package ``reeve``, because only a package can say that
it is typed (``py.typed``, PEP 561)."""

import base64
import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
PYPROJECT = (HERE / "pyproject.toml").read_text(encoding="utf-8")


def field(name):
    return re.search(rf'^{name} = "(.*)"$', PYPROJECT, re.M)[1]


VERSION = field("version")
STEM = f"{field('name').replace('-', '_')}-{VERSION}"
METADATA = f"""\
Metadata-Version: 2.1
Name: {field("name")}
Version: {VERSION}
Summary: {field("description")}
License: MIT
Requires-Python: {field("requires-python")}
Description-Content-Type: text/markdown

{(HERE / "README.md").read_text(encoding="utf-8")}"""
WHEEL = "Wheel-Version: 1.0\nGenerator: reeve\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SOURCES = ["reeve.py", "build_backend.py", "pyproject.toml", "README.md"]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    contents = {
        "reeve/__init__.py": (HERE / "reeve.py").read_bytes(),
        "reeve/py.typed": b"",
        f"{STEM}.dist-info/METADATA": METADATA.encode(),
        f"{STEM}.dist-info/WHEEL": WHEEL.encode(),
    }
    record = f"{STEM}.dist-info/RECORD"
    lines = [f"{name},sha256={digest(content)},{len(content)}" for name, content in contents.items()]
    contents[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    wheel = f"{STEM}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    name = f"{STEM}.tar.gz"
    with tarfile.open(Path(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for source in SOURCES:
            archive.add(HERE / source, f"{STEM}/{source}")
        info = tarfile.TarInfo(f"{STEM}/PKG-INFO")
        info.size = len(METADATA.encode())
        archive.addfile(info, io.BytesIO(METADATA.encode()))
    return name


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
