#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one guest image on the simulator or on QEMU and judges it: exit status, no FAIL line, and what it must print.

  run_image.py --simulator build/bin/uintr-vp --timing table --cores 2 build/sw/smp.elf
  run_image.py --qemu --cores 2 build/sw/smp.elf

Exits 0 if the guest exited with 0 and every check in it passed, else 1; the guest's output is shown either way.
"""
import argparse
import pathlib
import re
import subprocess
import sys


def command_of(args):
    if args.qemu:
        # Time by instructions (32 ns each), not by the host's clock: a busy host must not make a timer test fail.
        return ["qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=5,sleep=off", "-cpu", args.cpu,
                "-smp", str(args.cores), "-m", "256", "-display", "none", "-vga", "none", "-net", "none", "-no-reboot",
                "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel",
                args.image] + args.option
    opcodes = ["--opcodes", args.opcodes] if args.opcodes else []
    return [args.simulator, "run", "-q", "--timing", args.timing, "--cores",
            str(args.cores)] + opcodes + args.option + [args.image]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--simulator", help="path of uintr-vp")
    parser.add_argument("--qemu", action="store_true", help="run under qemu-system-x86_64 instead")
    parser.add_argument("--cpu", default="max", help="QEMU's processor (default: max)")
    parser.add_argument("--timing", default="table")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--option", action="append", default=[], help="further option of the simulator; repeatable")
    parser.add_argument("--expect", action="append", default=[], help="text that must be in the output; repeatable")
    parser.add_argument("--status", type=int, default=0, help="exit value the guest must give (default: 0)")
    parser.add_argument("--no-summary", action="store_true", help="the image is no self-checking test")
    parser.add_argument("--timeout", type=float, default=100, help="seconds (default: 100)")
    parser.add_argument("--opcodes", help="leave this file if the run is good: which encodings completed; of QEMU, empty")
    parser.add_argument("image")
    args = parser.parse_args()
    if bool(args.simulator) == args.qemu:
        parser.error("give either --simulator or --qemu")

    command = command_of(args)
    print(" ".join(command), flush=True)
    opcodes = pathlib.Path(args.opcodes) if args.opcodes else None
    if opcodes:
        opcodes.unlink(missing_ok=True)
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=args.timeout, check=False)
    except subprocess.TimeoutExpired as error:
        print((error.stdout or b"").decode(errors="replace"))
        print(f"run_image: no end after {args.timeout} s")
        return 1
    output = run.stdout.decode(errors="replace").replace("\r", "")
    print(output, end="")

    wrong = []
    want = args.status << 1 | 1 if args.qemu else args.status  # isa-debug-exit turns v into 2 v + 1
    if run.returncode != want:
        wrong.append(f"exit status {run.returncode}, expected {want}")
    if re.search(r"^FAIL ", output, re.M):
        wrong.append("a check failed")
    if not args.no_summary:
        summary = re.search(r"^SUMMARY \w+: (\d+) passed, (\d+) failed, (\d+) skipped$", output, re.M)
        if not summary:
            wrong.append("no SUMMARY line")
        elif summary[2] != "0" or int(summary[1]) + int(summary[3]) == 0:
            wrong.append("summary: " + summary[0])
    wrong += [f"output lacks '{text}'" for text in args.expect if text not in output]
    for line in wrong:
        print("run_image:", line)
    if opcodes and wrong:
        opcodes.unlink(missing_ok=True)  # a run that is wrong judges nothing
    elif opcodes and args.qemu:
        opcodes.touch()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
