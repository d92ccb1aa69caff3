#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/async-bench, at a hundredth of its size, and scripts/timeline-picture. Environment: UINTR_VP, GUEST."""
import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
SIMULATOR, GUEST = os.environ["UINTR_VP"], os.environ["GUEST"]
PUBLISHED_COLUMNS = 4
INTERRUPT, MARK = "#d62728", "path"


def script(name, *arguments):
    return subprocess.run([sys.executable, SCRIPTS / name, *arguments], capture_output=True, text=True, timeout=500)


def load(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class AsyncBench(unittest.TestCase):
    def test_every_form_keeps_its_promise(self):
        result = script("async-bench", "--scale", "100", "--jobs", "1", "--simulator", SIMULATOR, "--images", GUEST)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in result.stdout.splitlines()[2:]]
        self.assertEqual(len(rows), 12)
        for row in rows:
            self.assertTrue(all(float(cell) > 0 for cell in row[1:-PUBLISHED_COLUMNS]), row)

    def test_promises_that_are_broken_are_named(self):
        bench = load("async-bench")
        kept = {"normal": {"total": 100.0, "4k": 20.0}, "uring": {"total": 90.0, "computing": 88.0, "4k": 3000.0, "4k max": 4000.0},
                "uintr": {"total": 90.0, "4k": 22.0}}

        def broken(form, **values):
            results = {(f, *load): {**kept[f], **(values if f == form else {})} for f in kept for load in bench.LOADS}
            return list(bench.broken_promises(results, 1))

        self.assertEqual(broken(""), [])
        self.assertEqual(broken("uring", computing=50.0, **{"4k": 30.0}), [])
        for form, values, words in (("uring", {"total": 100.0}, "no less than 100"), ("uintr", {"total": 95.0}, "more than 5 % above"),
                                    ("uring", {"4k": 1900.0}, "not 100 times"),
                                    ("uring", {"computing": 50.0, "4k max": 1900.0}, "not 100 times"), ("uintr", {"4k": 41.0}, "more than twice"),
                                    ("normal", {"4k": None}, "no read of 4 KB")):
            found = broken(form, **values)
            self.assertEqual(len(found), len(bench.LOADS), found)
            self.assertIn(words, found[0])


class TimelinePicture(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def trace(self, *command):
        trace = self.folder / "trace.json"
        subprocess.run([SIMULATOR, "run", "-q", "--set", "block.bytes=64M", "--trace", trace, "--module", f"{GUEST}/root.cpio",
                        f"{GUEST}/kernel.elf", "--", *command], check=True, capture_output=True, timeout=200)
        return trace

    def draw(self, *arguments):
        picture = self.folder / "picture.svg"
        result = script("timeline-picture", *arguments[:1], picture, *arguments[1:])
        self.assertEqual(result.returncode, 0, result.stderr)
        return list(xml.parse(picture).getroot().iter())

    def test_what_is_seen(self):
        for form in ("normal", "uring", "uintr"):
            trace = self.trace("sh", "-c", f"mkdir /d; taskbench {form} 4 6 -s 50 -d /d; dd if=/dev/vda bs=64k count=4 of=/dev/null 2>/dev/null")
            shapes = self.draw(trace, "--title", "a < b")
            titles = [shape.text for shape in shapes if shape.tag.endswith("title")]
            texts = [shape.text for shape in shapes if shape.tag.endswith("text")]
            self.assertIn("a < b", texts)
            self.assertIn("block device", texts)
            self.assertEqual(len({t.split(":")[0] for t in titles if t.startswith("work ")}), 6)
            self.assertEqual(titles.count("READ submitted"), 0 if form == "normal" else 4)
            self.assertEqual(titles.count("READ completed"), 0 if form == "normal" else 4)
            red = [shape for shape in shapes if shape.get("fill") == INTERRUPT and shape.tag.endswith("rect")]
            self.assertEqual(len(red) > 2, form == "uintr")
            self.assertLess(len(self.draw(trace, "--work")), len(shapes))

    def test_bad_input(self):
        trace = self.trace("true")
        no_trace = self.folder / "no.json"
        no_trace.write_text("{}")
        for arguments, words in (((trace, "--work"), "no program tells of its work"), ((trace, "--from", "1", "--to", "1"), "expected a part"),
                                 ((no_trace,), "expected a timeline"), ((self.folder / "none",), "No such file")):
            result = script("timeline-picture", arguments[0], self.folder / "x.svg", *arguments[1:])
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
