#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The stress image on every combination of cores, quantum and timing model; accounts for every user interrupt exactly.

Three counts that know nothing of each other must agree: what the guest's software posted and its handlers counted, what the
cores executed (SENDUIPI, deliveries, UIRET), and the fate of every single post that the simulator followed: delivered, or
merged because its PIR or UIRR bit was set already. posted = delivered + coalesced, where coalesced is the latter. With
--prove each number is changed by one, and the accounting must complain each time.
"""
import argparse
import concurrent.futures
import copy
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

LINE = re.compile(r"^posted (\d+) = delivered (\d+) \+ coalesced (\d+)$", re.MULTILINE)
IDT = re.compile(r"notifications through the IDT (\d+)$", re.MULTILINE)


def account(text, stats, posts):
    """The complaints about one run, and the accounting line."""
    wrong = []

    def same(what, a, b):
        if a != b:
            wrong.append(f"{what}: {a} and {b}")

    line = LINE.search(text)
    idt = IDT.search(text)
    if not line or not idt or "FAIL" in text or " 0 failed" not in text:
        return ["the guest reports failures or no accounting"], ""
    posted, delivered, rest = map(int, line.groups())
    fate = stats["uintr"]
    cores = {name: sum(core["uintr"][name] for core in stats["cores"]) for name in stats["cores"][0]["uintr"]}
    if posted < posts:
        wrong.append(f"only {posted} of {posts} posts were made")
    same("posts by software and SENDUIPIs executed", posted, cores["sent"] + cores["coalesced"] + cores["suppressed"])
    same("posts by software and posts followed", posted, fate["posted"])
    same("handlers run and deliveries by the cores", delivered, cores["delivered"])
    same("handlers run and posts delivered", delivered, fate["delivered"])
    same("coalesced by software's difference and posts merged", rest, fate["merged"])
    same("posts, and delivered + coalesced", posted, fate["delivered"] + fate["merged"])
    same("deliveries and UIRETs", cores["delivered"], cores["returned"])
    same("posts delivered and posts returned", fate["delivered"], fate["returned"])
    for name in ("sent", "coalesced", "suppressed"):
        same(f"{name} by cores and as followed", cores[name], fate[name])
    same("deliveries without a post, and none", fate["untracked"], 0)
    same("posts never delivered, and none", fate["undelivered"], 0)
    # Each IPI is taken once, as a notification or through the IDT; several that wait in one IRR are one.
    if cores["notified"] + int(idt[1]) <= 0 or fate["sent"] <= 0 or fate["merged"] <= 0 or fate["suppressed"] <= 0:
        wrong.append("nothing was notified, sent, merged or suppressed: no stress")
    return wrong, f"posted {posted} = delivered {fate['delivered']} + coalesced {fate['merged']}"


def simulate(options, cores, quantum, timing):
    with tempfile.TemporaryDirectory(prefix="uintr-vp-stress.") as folder:
        path = pathlib.Path(folder) / "stats.json"
        begin = time.monotonic()
        run = subprocess.run([options.simulator, "run", "-q", "--cores", str(cores), "--quantum", quantum, "--timing", timing,
                              "--stats", str(path), options.image, "--", str(options.posts)],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=options.timeout, check=False)
        seconds = time.monotonic() - begin
        stats = json.loads(path.read_text()) if run.returncode == 0 else None
    return run, stats, seconds


def run_one(options, combination):
    cores, quantum, timing = combination
    name = f"{cores} cores, {quantum}, {timing}"
    run, stats, seconds = simulate(options, *combination)
    if stats is None:
        return False, f"{name}: exit status {run.returncode}\n{run.stdout}{run.stderr}"
    wrong, line = account(run.stdout, stats, options.posts)
    return not wrong, "\n  WRONG ".join([f"{name}: {line} ({seconds:.1f} s)"] + wrong)


def prove(options, combination):
    """Every number of the accounting, changed by one, is noticed."""
    run, stats, _ = simulate(options, *combination)
    assert stats is not None and not account(run.stdout, stats, options.posts)[0], run.stdout + run.stderr
    unnoticed = []

    def expect(what, text, numbers):
        if not account(text, numbers, options.posts)[0]:
            unnoticed.append(what)

    for group in range(1, 4):
        begin, end = LINE.search(run.stdout).span(group)
        number = int(run.stdout[begin:end]) + 1
        expect(f"guest's number {group}", f"{run.stdout[:begin]}{number}{run.stdout[end:]}", stats)
    for name in ("posted", "sent", "coalesced", "suppressed", "merged", "delivered", "returned", "untracked", "undelivered"):
        changed = copy.deepcopy(stats)
        changed["uintr"][name] += 1
        expect(f"uintr.{name}", run.stdout, changed)
    for name in ("sent", "coalesced", "suppressed", "delivered", "returned"):
        changed = copy.deepcopy(stats)
        changed["cores"][-1]["uintr"][name] -= 1
        expect(f"cores[].uintr.{name}", run.stdout, changed)
    return not unnoticed, f"changed numbers not noticed: {', '.join(unnoticed) or 'none'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulator", required=True)
    parser.add_argument("--posts", type=int, default=20000)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--quantum", nargs="+", default=["1insn", "auto"])
    parser.add_argument("--timing", nargs="+", default=["functional", "table"])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=3600)
    parser.add_argument("--prove", action="store_true")
    parser.add_argument("--image", required=True)
    options = parser.parse_args()
    act = prove if options.prove else run_one
    good = True
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        combinations = itertools.product(options.cores, options.quantum, options.timing)
        for passed, text in pool.map(lambda c: act(options, c), combinations):
            print(text, flush=True)
            good = good and passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
