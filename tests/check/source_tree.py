# SPDX-License-Identifier: Apache-2.0
"""The project's files as the checks see them: paths relative to a root, text, quoted and angle includes.

A root is any folder laid out like the project, so that the checks' own tests can plant violations in a temporary one.
"""
import os
import pathlib
import re

FOLDERS = ("models", "platform", "sw", "tests", "examples", "studies", "cmake", "scripts", "docs", ".ci")
CODE = {".c", ".h", ".cpp", ".def", ".S"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


class SourceTree:
    def __init__(self, root):
        self.root = pathlib.Path(root)

    def files(self, *prefixes, suffixes=None):
        """Sorted relative paths (with /) of the files below the folders `prefixes`; all folders of the project if none."""
        found = []
        for prefix in prefixes or FOLDERS:
            for folder, folders, names in os.walk(self.root / prefix):
                folders[:] = [f for f in folders if f != "__pycache__"]
                for name in names:
                    path = pathlib.Path(folder, name)
                    if suffixes is None or path.suffix in suffixes:
                        found.append(path.relative_to(self.root).as_posix())
        if not prefixes:
            found += [p.name for p in self.root.iterdir() if p.is_file() and p.name != ".git" and (suffixes is None or p.suffix in suffixes)]
        return sorted(found)

    def code(self, *prefixes):
        return self.files(*prefixes, suffixes=CODE)

    def headers(self, *prefixes):
        return self.files(*prefixes, suffixes={".h"})

    def lines(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace").splitlines()

    def includes(self, path):
        """(line number, name, is quoted) of each include directive."""
        for number, line in enumerate(self.lines(path), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[1] or match[2], match[1] is not None
