#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs an image on the simulator or on QEMU and a program on the host; both must print the same.

  same_text.py --native build/tests/numeric_native build/bin/uintr-vp build/sw/numeric.elf
  same_text.py --native build/tests/numeric_native --qemu qemu-system-x86_64 build/sw/numeric.elf
"""
import argparse
import difflib
import subprocess
import sys

import run_image


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--native", required=True, help="the program that prints what is expected")
    parser.add_argument("--qemu", action="store_true", help="SIMULATOR is qemu-system-x86_64")
    parser.add_argument("--timing", default="table")
    parser.add_argument("--timeout", type=float, default=100, help="seconds (default: 100)")
    parser.add_argument("simulator")
    parser.add_argument("image")
    args = parser.parse_args()
    args.cpu, args.cores, args.option, args.opcodes = "max", 1, [], None
    command = run_image.command_of(args)
    expected = subprocess.run([args.native], capture_output=True, text=True, check=True).stdout.splitlines()
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=args.timeout, check=False)
    got = run.stdout.decode(errors="replace").replace("\r", "").splitlines()
    for line in difflib.unified_diff(expected, got, "host", " ".join(command), lineterm="", n=0):
        print(line)
    if run.returncode != (1 if args.qemu else 0):
        print(f"exit status {run.returncode}")
        return 1
    print(f"{len(got)} lines, {'the same' if got == expected else 'not the same'} as on the host")
    return 0 if got == expected and expected else 1


if __name__ == "__main__":
    sys.exit(main())
