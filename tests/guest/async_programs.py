#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs on rings under the minimal kernel, in their three forms; examples of liburing as Debian ships them.
Environment as for kernel.py, whose helpers it uses."""
import hashlib
import json
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

from kernel import CORES, Kernel, archive

USER = pathlib.Path(__file__).resolve().parents[2] / "sw" / "user"
EXAMPLES = pathlib.Path("/usr/share/doc/liburing-dev/examples")
RING_FORMS = ("uring", "uintr")
FORMS = ("normal", *RING_FORMS)


class WithFiles(Kernel):
    """The files of self.files in /data, from a boot module."""

    files = {"small": 10, "page": 4096, "odd": 70001, "large": 3000000}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.root = self.folder / "root"
        (self.root / "data").mkdir(parents=True)
        (self.root / "bin").mkdir()
        self.sums = {}
        for name, size in self.files.items():
            data = random.Random(name).randbytes(size)
            (self.root / "data" / name).write_bytes(data)
            self.sums[name] = hashlib.md5(data).hexdigest()

    def build(self, source, *options):
        """Compiles it into /bin; the host's path of the program."""
        program = self.root / "bin" / source.stem
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-static", "-pthread", "-w", source, "-o", program, *options], check=True,
                       capture_output=True)
        return program

    def in_data(self, script, options=()):
        archive(self.root, self.folder / "root.cpio")
        return self.succeed("sh", "-c", f"cd /data; {script}", modules=[self.folder / "root.cpio"], options=options)


class Programs(WithFiles):
    def test_cat(self):
        for form in FORMS:
            for name, expected in self.sums.items():
                lines = self.in_data(f"uring_cat {form} {name} | md5sum; echo $?").lines
                self.assertEqual(lines, [f"{expected}  -", "0"], f"{form} {name}")

    def test_cat_of_several_and_of_none(self):
        for form in FORMS:
            lines = self.in_data(f"uring_cat {form} small page small | wc -c; uring_cat {form} nothing; echo $?").lines
            self.assertEqual(lines, ["4116", "uring_cat: nothing: No such file or directory", "1"], form)

    def test_cp(self):
        for form in FORMS:
            copies = "; ".join(f"uring_cp {form} {name} copy && md5sum <copy" for name in self.sums)
            self.assertEqual(self.in_data(copies).lines, [f"{s}  -" for s in self.sums.values()], form)

    def test_thousand_coroutines(self):
        for form in RING_FORMS:
            result = self.in_data(f"coroutines {form} large -n 1000 -r 4")
            self.assertEqual(result.lines[0], f"form {form}  coroutines 1000  reads 4000  wrong 0")
            by_interrupt = int(re.search(r"resumed by interrupt (\d+)", result.lines[-1])[1])
            self.assertEqual(by_interrupt > 0, form == "uintr")

    def test_programs_that_are_killed(self):
        for form in RING_FORMS:
            script = (f"for i in 1 2 3 4 5; do coroutines {form} large -n 200 -r 1000 & usleep ${{i}}0000; kill -9 $!; wait $!; done; "
                      "cat /proc/io_uring")
            counts = dict(line.split() for line in self.in_data(script).lines if re.match(r"^\w+ +\d+$", line))
            self.assertEqual([counts[name] for name in ("rings", "requests", "submitters")], ["0", "0", "0"], form)


class TaskBench(WithFiles):
    """Computing and reading at once, at a twentieth of its size."""

    files = {}

    def test_three_forms(self):
        total = {}
        for form in FORMS:
            lines = self.in_data(f"taskbench {form} 20 100 -s 20 -d /data").lines
            self.assertEqual(lines[0], f"form {form}  reads 20  computes 100  scale 20")
            self.assertEqual(sum(int(m[1]) for m in re.finditer(r"^4\w+ +(\d+) reads", "\n".join(lines), re.M)), 20)
            total[form] = float(re.match(r"total ([\d.]+) us", lines[1])[1])
        self.assertLess(total["uintr"], total["normal"])

    def test_computing_is_on_the_timeline(self):
        timeline = self.folder / "trace.json"
        self.in_data("taskbench uintr 3 20 -s 20 -d /data", options=["--trace", timeline])
        events = json.loads(timeline.read_text())["traceEvents"]
        works = {e["name"] for e in events if e["ph"] == "B" and e["name"].startswith("work ")}
        self.assertEqual(len(works), 20)


class Web(Kernel):
    """A web server whose every step is a request of a ring; its client compares every byte."""

    def serve(self, form, server="", requests=2000, cores=CORES):
        script = ("mkdir /web; i=1; while [ $i -le 12 ]; do head -c $((i * 1777)) /bin/busybox >/web/f$i; "
                  f"i=$((i + 1)); done; : >/web/empty; web_server {form} /web -n {requests} {server} & "
                  f"web_client /web -c 64 -n {requests}; echo client $?; wait $!; echo server $?")
        with tempfile.TemporaryDirectory() as folder:
            stats = pathlib.Path(folder, "stats.json")
            lines = self.succeed("sh", "-c", script, options=["--stats", stats], cores=cores).lines
            paths = json.loads(stats.read_text())["uintr"]["path"]
        text = "\n".join(lines)
        self.assertIn("client 0", text)
        self.assertIn("server 0", text)
        self.assertRegex(text, rf"requests {requests}  bytes \d+  all as expected")
        self.assertRegex(text, rf"form {form}  responses {requests}  refused [1-9]")
        return text, paths

    def test_polled(self):
        text, _ = self.serve("uring")
        self.assertRegex(text, r"by interrupt 0  by polling [1-9]")

    def test_user_interrupts(self):
        for cores in sorted({2, 4, CORES}):
            text, paths = self.serve("uintr", requests=10000, cores=cores)
            direct = paths["direct"] / sum(paths.values())
            print(f"{cores} cores: {direct:.1%} of {sum(paths.values())} user interrupts without kernel entry; "
                  + re.search("^completions.*", text, re.M)[0], flush=True)
            self.assertRegex(text, r"by interrupt [1-9]\d*  by polling 0")
            self.assertGreater(direct, 0.5)

    def test_nothing_outside_of_its_folder(self):
        script = ("mkdir -p /web/in; echo inside >/web/in/file; web_server uring /web -n 4 & usleep 2000; "
                  "for path in /in/file //etc/passwd /../etc/passwd /in/../../etc/passwd; do "
                  'printf "GET $path HTTP/1.0\\r\\n\\r\\n" | nc 127.0.0.1 8080; done; wait')
        text = "\n".join(self.succeed("sh", "-c", script).lines)
        self.assertIn("inside", text)
        self.assertNotIn("root:", text)
        self.assertEqual(text.count("400 Bad Request"), 3)

    def test_a_server_that_sleeps(self):
        text, _ = self.serve("uintr", server="-i")
        self.assertRegex(text, r"by interrupt \d+  by polling 0  by waiting [1-9]")


class Inet(WithFiles):
    """Sockets on 127.0.0.1: the same program says the same here and on Linux."""

    files = {}

    def test_as_linux(self):
        program = self.build(USER / "inet_checks.c")
        here = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
        self.assertGreater(len(here), 50)
        self.assertEqual(self.in_data("inet_checks").lines, here)


@unittest.skipUnless(EXAMPLES.is_dir(), "Debian's liburing-dev is not installed")
class Examples(WithFiles):
    """Programs of liburing's own authors, compiled as they are."""

    def test_reads_a_file(self):
        self.build(EXAMPLES / "io_uring-test.c", "-luring")
        lines = self.in_data("io_uring-test large; echo $?").lines
        self.assertEqual(lines, ["Submitted=4, completed=4, bytes=16384", "0"])

    def test_copies_a_file(self):
        for program in ("io_uring-cp", "link-cp"):
            self.build(EXAMPLES / f"{program}.c", "-luring")
            lines = self.in_data(f"{program} large copy; echo $?; md5sum <copy").lines
            self.assertEqual(lines[-2:], ["0", f"{self.sums['large']}  -"], f"{program}: {lines}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
