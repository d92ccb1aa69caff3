#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one check of the project's rules and lists what breaks it, one line each; status 1 if anything does.

  check.py NAME [--root DIR] [--build DIR]
"""
import argparse
import pathlib
import sys

import headers
import layers
import objects
import text_rules
from source_tree import SourceTree

CHECKS = {
    "layers": layers.check_layers,
    "headers": headers.check_headers,
    "length": text_rules.check_length,
    "licence": text_rules.check_licence,
    "unfinished": text_rules.check_unfinished,
    "commands": text_rules.check_commands,
    "paths": text_rules.check_paths,
}


def main():
    parser = argparse.ArgumentParser(prog="tests/check/check.py", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("name", choices=[*CHECKS, "objects", "options"])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent.parent)
    parser.add_argument("--build", type=pathlib.Path, help="build folder, for the checks of what was built")
    args = parser.parse_args()
    if args.name in ("objects", "options"):
        if not args.build:
            parser.error(f"{args.name} needs --build")
        found = (objects.check_objects(args.build) if args.name == "objects" else
                 text_rules.check_options(SourceTree(args.root), args.build / "bin/uintr-vp"))
    else:
        found = CHECKS[args.name](SourceTree(args.root))
    for problem in found:
        print(problem)
    print(f"{args.name}: {len(found)} violations" if found else f"{args.name}: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
