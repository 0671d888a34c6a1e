"""Forgets the build before: setuptools packs whatever lies in its folder, modules that are long gone included."""

import shutil
from pathlib import Path

import setuptools

shutil.rmtree(Path(__file__).resolve().parent / "build" / "lib", ignore_errors=True)
setuptools.setup()
