#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The minimal kernel: ordinary static Linux programs on the simulator. Environment: UINTR_VP, GUEST (folder of the
images), CORES and POSTS where a class says so."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SIMULATOR = os.environ["UINTR_VP"]
GUEST = pathlib.Path(os.environ["GUEST"])
CORES = int(os.environ.get("CORES", "2"))
HERE = pathlib.Path(__file__).parent
SAMPLE = ["Receiver enabled interrupts", "Sending IPI from sender thread", "\t-- User Interrupt handler --", "Success"]


def run(*command, options=(), cores=None, given=b"", modules=()):
    """One run with these words as process 1, or the shell without any; what came of it, text in lines."""
    arguments = [SIMULATOR, "run", "-q", "--cores", str(cores or CORES), "--module", GUEST / "root.cpio", *options]
    for module in modules:
        arguments += ["--module", module]
    arguments += [GUEST / "kernel.elf", *(["--", *command] if command else [])]
    result = subprocess.run(arguments, input=given, capture_output=True, timeout=500)
    result.lines = result.stdout.decode(errors="replace").splitlines()
    result.complaints = result.stderr.decode(errors="replace")
    return result


def archive(folder, out):
    """A boot module of the folder's files."""
    names = sorted(p.relative_to(folder).as_posix() for p in pathlib.Path(folder).rglob("*"))
    with open(out, "wb") as f:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input="\n".join(names).encode(), stdout=f,
                       cwd=folder, check=True)


class Kernel(unittest.TestCase):
    maxDiff = None

    def succeed(self, *command, **how):
        result = run(*command, **how)
        self.assertEqual(result.returncode, 0, "\n".join(result.lines[-30:]) + result.complaints)
        self.assertNotIn("PANIC", result.stdout.decode(errors="replace"))
        return result


class Sample(Kernel):
    def test_ten_times_in_a_row(self):
        script = "i=0; while [ $i -lt 10 ]; do uipi_sample; echo status=$?; i=$((i + 1)); done"
        self.assertEqual(self.succeed("sh", "-c", script).lines, (SAMPLE + ["status=0"]) * 10)

    def test_from_the_shell(self):
        result = run(given=b"uipi_sample; echo status=$?\nexit 5\n")
        text = "\n".join(result.lines)
        self.assertEqual(result.returncode, 5, text + result.complaints)
        self.assertIn("\n".join(SAMPLE + ["status=0"]), text)

    def test_end_of_input_ends_the_shell(self):
        result = run(given=b"uipi_sample\n")
        self.assertEqual(result.returncode, 0, result.complaints)
        self.assertIn("\n".join(SAMPLE), "\n".join(result.lines))


class Contract(Kernel):
    def test_exit_status(self):
        for status in (0, 1, 7, 123):
            self.assertEqual(run("sh", "-c", f"exit {status}").returncode, status)

    def test_words_with_blanks_and_quotes(self):
        words = ["a b", 'say "x"', "", "back\\slash", "$HOME", "'single'"]
        result = self.succeed("printf", "<%s>\\n", *words)
        self.assertEqual(result.lines, [f"<{w}>" for w in words])

    def test_no_such_program(self):
        result = run("no-such-program")
        self.assertEqual(result.returncode, 123)
        self.assertIn("no-such-program cannot be run", result.stdout.decode())

    def test_same_inputs_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            texts = []
            for name in ("a", "b"):
                stats = pathlib.Path(folder, name + ".json")
                result = self.succeed("uintr_stress", "-n", "2000", options=["--stats", stats])
                numbers = json.loads(stats.read_text())
                for key in ("host_seconds", "mips"):
                    del numbers["sim"][key]
                texts.append((result.stdout, json.dumps(numbers)))
            self.assertEqual(texts[0], texts[1])

    def test_an_unknown_call_is_named_once(self):
        result = self.succeed("syscall_fuzz", "-n", "3000", "-r", "3")
        named = [line for line in result.lines if "is not implemented" in line]
        self.assertEqual(len(named), len({line.split("(")[0] for line in named}))


class Checks(Kernel):
    def test_uintr_calls(self):
        result = self.succeed("uintr_checks")
        self.assertEqual([line for line in result.lines if line.startswith("FAIL")], [])
        self.assertRegex(result.lines[-1], r"^1[0-9]+ checks, 0 failed$")

    def test_without_user_interrupts(self):
        result = run("uipi_sample", options=["--set", "cpu.features=-uintr"])
        self.assertNotEqual(result.returncode, 0)
        self.assertNotIn("PANIC", result.stdout.decode())


class Ring(Kernel):
    """io_uring with Debian's liburing, completions as user interrupts among them."""

    def test_operations_rings_and_user_interrupts(self):
        result = self.succeed("uring_checks")
        self.assertEqual([line for line in result.lines if line.startswith(("FAIL", "skip"))], [])
        self.assertRegex(result.lines[-1], r"^3[0-9]{2} checks, 0 failed$")

    def test_without_user_interrupts(self):
        result = self.succeed("uring_checks", options=["--set", "cpu.features=-uintr"])
        self.assertIn("skip user interrupts: this machine has none", result.lines)

    def test_random_rings_leave_nothing(self):
        for seed in (11, 12):
            result = self.succeed("sh", "-c", f"syscall_fuzz -n 20000 -r {seed} && cat /proc/io_uring")
            counts = dict(line.split() for line in result.lines[-7:])
            self.assertEqual([counts[name] for name in ("rings", "requests", "submitters")], ["0", "0", "0"])
            self.assertEqual(counts["submitted"], counts["completed"])
            self.assertGreater(int(counts["submitted"]), 500)

    def test_on_the_timeline(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder, "trace.json")
            self.succeed("uring_checks", "files", options=["--trace", trace])
            names = [e["name"] for e in json.loads(trace.read_text())["traceEvents"] if e.get("cat") == "task"]
        for operation in ("READ", "WRITEV", "FSYNC", "OPENAT", "CLOSE", "STATX"):
            self.assertGreater(names.count(f"{operation} submitted"), 0, operation)
            self.assertEqual(names.count(f"{operation} submitted"), names.count(f"{operation} completed"), operation)


class Stress(Kernel):
    """POSTS posts; software's account against what the cores executed."""

    def test_every_post(self):
        posts = int(os.environ.get("POSTS", "20000"))
        with tempfile.TemporaryDirectory() as folder:
            stats = pathlib.Path(folder, "stats.json")
            result = self.succeed("uintr_stress", "-n", str(posts), "-t", "8", options=["--stats", stats])
            text = "\n".join(result.lines)
            posted, delivered, coalesced = map(int, re.search(
                r"^posted (\d+) = delivered (\d+) \+ coalesced (\d+)$", text, re.M).groups())
            to_the_dead = int(re.search(r"\((\d+) posts to them\)", text)[1])
            uintr = json.loads(stats.read_text())["uintr"]
            self.assertGreaterEqual(posted, posts)
            self.assertEqual(posted, delivered + coalesced)
            self.assertIn("lost 0, doubled 0, never posted 0", text)
            self.assertEqual(posted + to_the_dead, uintr["posted"], "SENDUIPIs executed")
            self.assertEqual(uintr["untracked"], 0)
            self.assertEqual(uintr["posted"], uintr["delivered"] + uintr["merged"] + uintr["undelivered"])
            self.assertLessEqual(uintr["undelivered"], to_the_dead)
            self.assertGreaterEqual(uintr["delivered"], delivered)
            for path in ("direct", "resume", "wake") if CORES > 1 else ("resume", "wake"):
                self.assertGreater(uintr["path"][path], 0, path)


class Ipc(Kernel):
    def test_every_mechanism(self):
        for mechanism in ("uintr", "eventfd", "pipe", "fifo", "signal", "socket", "shm"):
            for direction in ("-1", "-2"):
                with self.subTest(mechanism=mechanism, direction=direction):
                    result = self.succeed("ipc_bench", "-m", mechanism, "-c", "200", direction)
                    self.assertIn("Message count:      200", result.lines)

    def test_forms_of_user_interrupts(self):
        for form in (["-t"], ["-p"], ["-t", "-b"], ["-p", "-b"], ["-u"], ["-g", "1"], ["-g", "2"]):
            with self.subTest(form=form):
                result = self.succeed("ipc_bench", "-m", "uintr", "-c", "200", *form)
                self.assertIn("Message count:      200", result.lines)


class Applets(Kernel):
    """Debian's busybox, unmodified, on the simulator and on the host: the same output."""

    def test_same_output_as_on_the_host(self):
        with tempfile.TemporaryDirectory() as folder:
            tools, work, module = (pathlib.Path(folder, n) for n in ("tools", "work", "module"))
            for p in (tools, work, module / "tmp" / "work"):
                p.mkdir(parents=True)
            busybox = subprocess.run(["which", "busybox"], capture_output=True, text=True, check=True).stdout.strip()
            subprocess.run([busybox, "--install", "-s", tools], check=True)
            script = (HERE / "kernel" / "applets.sh").read_text()
            (module / "tmp" / "applets.sh").write_text(script)
            archive(module, pathlib.Path(folder, "module.cpio"))
            host = subprocess.run([busybox, "sh", HERE / "kernel" / "applets.sh", work], capture_output=True,
                                  env={"PATH": str(tools), "HOME": "/root"}, timeout=60)
            guest = self.succeed("sh", "/tmp/applets.sh", "/tmp/work", modules=[pathlib.Path(folder, "module.cpio")])
            self.assertEqual(guest.lines, host.stdout.decode().splitlines())


class Fuzz(Kernel):
    def test_random_calls(self):
        for seed in (1, 2):
            result = self.succeed("syscall_fuzz", "-n", os.environ.get("CALLS", "20000"), "-r", str(seed))
            self.assertEqual(result.lines[-1], "ok")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
