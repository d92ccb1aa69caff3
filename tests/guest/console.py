#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guest's console and its trace port, seen from outside: input from pipes, files and terminals; how the terminal is left;
what the kernel of a guest tells the timeline and the statistics.

Needs the environment variables UINTR_VP (the program) and GUEST (folder of images). Run one class: console.py Terminal.
"""
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import unittest

from contracts import GUEST, UINTR_VP, Case

ECHO = GUEST / "console_echo.elf"
CTRL_A, CTRL_C, CTRL_D = b"\x01", b"\x03", b"\x04"


class Input(Case):
    """From a pipe or a file: the same input, the same run; its end is an end of file for the guest."""

    def echo(self, text, *words, options=()):
        return subprocess.run([UINTR_VP, "run", "-q", *map(str, options), ECHO, "--", *words], input=text, capture_output=True,
                              text=True, timeout=60, check=False)

    def test_every_way_to_receive(self):
        for word in ("", "single", "poll", "sleep", "tick"):
            for timing in ("functional", "table"):
                run = self.echo("first\nthe second\n", word, options=("--timing", timing))
                self.assertEqual(run.returncode, 0, word + run.stderr)
                awake = "awake\n" if word == "sleep" else ""
                self.assertEqual(run.stdout, awake + "> line \"first\" of 5\n> line \"the second\" of 10\n> end of file\n", word)

    def test_a_last_line_without_its_end(self):
        run = self.echo("no newline", "tick")
        self.assertEqual((run.returncode, run.stdout), (0, "> line \"no newline\" of 10\n> end of file\n"))

    def test_long_input(self):
        """Longer than the guest's buffer: bytes come no faster than the line's speed lets them."""
        for word, count in (("", 1000), ("single", 300), ("poll", 50)):
            lines = [f"{n} {'x' * (n % 100)}" for n in range(count)]
            run = self.echo("".join(line + "\n" for line in lines), word)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(re.findall(r'line "(.*)" of', run.stdout), lines)

    def test_the_line_has_its_speed(self):
        """115200 baud, 10 bits for a byte: 1000 bytes take 86.8 ms."""
        stats = self.folder / "s.json"
        self.assertEqual(self.echo(("x" * 99 + "\n") * 10, options=("--stats", stats)).returncode, 0)
        time_ps = json.loads(stats.read_text())["sim"]["time_ps"]
        self.assertGreater(time_ps, 86_800_000_000)
        self.assertLess(time_ps, 90_000_000_000)

    def test_the_same_input_is_the_same_run(self):
        texts = set()
        for delay in (0, 0, 0.3):
            stats = self.folder / "s.json"
            with subprocess.Popen([UINTR_VP, "run", "-q", "--stats", stats, ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True) as run:
                for part in ("one\nt", "wo\nthree\n"):
                    time.sleep(delay)
                    run.stdin.write(part)
                    run.stdin.flush()
                output, _ = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 0)
            stats = json.loads(stats.read_text())
            stats["sim"].pop("host_seconds"), stats["sim"].pop("mips")
            texts.add(output + json.dumps(stats))
        self.assertEqual(len(texts), 1)

    def test_a_file_and_nothing(self):
        path = self.folder / "input"
        path.write_text("from a file\n")
        run = self.echo("not this\n", options=("-s", f"console.input={path}"))
        self.assertEqual((run.returncode, run.stdout), (0, "> line \"from a file\" of 11\n> end of file\n"))
        run = self.echo("not this\n", options=("-s", "console.input=none"))
        self.assertEqual((run.returncode, run.stdout), (126, "> "))
        self.assertIn("all cores idle", run.stderr)

    def test_a_file_that_cannot_be_read(self):
        for path in (self.folder / "nowhere", self.folder):
            self.assert_refused(self.run_vp("-s", f"console.input={path}", ECHO), "console.input", path)
        path = self.folder / "input"
        path.write_text("kept\n")
        self.assert_refused(self.run_vp("-s", f"console.input={path}", "--trace", path, ECHO), "--trace", path)
        self.assertEqual(path.read_text(), "kept\n")

    def test_a_guest_that_takes_no_interrupt_is_stuck(self):
        run = self.echo("nobody reads this\n", "deaf")
        self.assertEqual(run.returncode, 126)
        self.assertIn("all cores idle", run.stderr)

    def test_a_guest_that_does_not_receive_does_not_touch_stdin(self):
        """The others of a shell script's commands get all of it; an open pipe does not stop the run."""
        script = f"'{UINTR_VP}' run -q '{GUEST}/status_exit.elf' -- 0 >/dev/null; cat"
        run = subprocess.run(["sh", "-c", script], input="still here", capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(run.stdout, "still here")
        with subprocess.Popen([UINTR_VP, "run", "-q", GUEST / "status_exit.elf", "--", "0"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as run:
            self.assertEqual(run.wait(timeout=60), 0)

    def test_waiting_for_a_pipe_can_be_interrupted(self):
        with subprocess.Popen([UINTR_VP, "run", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as run:
            self.assertIn("waiting for input", run.stderr.readline())
            run.send_signal(signal.SIGTERM)
            _, messages = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 124)
        self.assertIn("interrupted", messages)


class Terminal(Case):
    """On a terminal: raw while the guest reads, as before at every kind of end."""

    def setUp(self):
        super().setUp()
        self.keyboard, self.terminal = pty.openpty()
        self.addCleanup(os.close, self.keyboard)
        self.addCleanup(os.close, self.terminal)
        self.before = termios.tcgetattr(self.terminal)

    def start(self, *arguments, image=ECHO, output=None):
        """The simulator with the terminal as stdin, and as stdout too unless output is given."""
        run = subprocess.Popen([UINTR_VP, "run", *map(str, arguments[:1]), image, *arguments[1:]], stdin=self.terminal,
                               stdout=output or self.terminal, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.kill)
        return run

    def expect(self, text):
        """Reads what is shown until text has been."""
        shown, deadline = b"", time.monotonic() + 30
        while text.encode() not in shown:
            ready, _, _ = select.select([self.keyboard], [], [], max(0, deadline - time.monotonic()))
            self.assertTrue(ready, f"no {text!r} in {shown!r}")
            shown += os.read(self.keyboard, 1000)
        return shown.decode()

    def is_raw(self):
        return not termios.tcgetattr(self.terminal)[3] & termios.ICANON

    def assert_restored(self):
        self.assertEqual(termios.tcgetattr(self.terminal), self.before)

    def test_a_session(self):
        run = self.start("-q")
        self.expect("> ")  # a prompt without end of line
        self.assertTrue(self.is_raw())
        os.write(self.keyboard, b"hello\r")
        self.assertNotIn("hellohello", self.expect('line "hello" of 5\r\n> '), "the simulator does not echo")
        os.write(self.keyboard, CTRL_C + CTRL_A + CTRL_A + CTRL_A + b"z\r")
        self.expect('^Cline "\x03\x01" of 2\r\n> ')  # ^A z is nothing
        os.write(self.keyboard, CTRL_D)
        self.expect("end of file")
        self.assertEqual(run.wait(timeout=30), 0)
        self.assertEqual(run.stderr.read(), "")
        self.assert_restored()

    def test_ctrl_a_x_ends_the_run(self):
        for word in ("", "tick", "poll"):
            stats = self.folder / "s.json"
            run = self.start(f"--stats={stats}", "--", word)
            self.expect("> ")
            os.write(self.keyboard, CTRL_A + b"x")
            self.assertEqual(run.wait(timeout=30), 130)
            messages = run.stderr.read()
            self.assertIn("Ctrl-A x ends the run", messages)
            self.assertIn("ended at the console", messages)
            self.assertEqual(json.loads(stats.read_text())["sim"]["exit_status"], 130)
            self.assert_restored()

    def test_signals_leave_the_terminal_as_it_was(self):
        for number, status in ((signal.SIGTERM, 124), (signal.SIGINT, 124), (signal.SIGHUP, -signal.SIGHUP),
                               (signal.SIGQUIT, -signal.SIGQUIT), (signal.SIGSEGV, -signal.SIGSEGV),
                               (signal.SIGABRT, -signal.SIGABRT)):
            run = self.start("-q")
            self.expect("> ")
            self.assertTrue(self.is_raw())
            run.send_signal(number)
            self.assertEqual(run.wait(timeout=30), status, number)
            self.assert_restored()

    def test_a_guest_that_cannot_go_on_leaves_it_as_it_was(self):
        run = self.start("-q", "--", "deaf")
        self.expect("> ")
        os.write(self.keyboard, b"x")
        self.assertEqual(run.wait(timeout=30), 126)
        self.assert_restored()

    def test_a_limit_of_time_while_a_timer_ticks(self):
        run = self.start("--max-time=20ms", "--", "tick")
        self.assertEqual(run.wait(timeout=30), 124)
        self.assert_restored()

    def test_output_elsewhere(self):
        path = self.folder / "out"
        with path.open("w") as output:
            run = self.start("-q", output=output)
            deadline = time.monotonic() + 30
            while path.read_text() != "> " and time.monotonic() < deadline:
                time.sleep(0.05)
            os.write(self.keyboard, b"to a file\r" + CTRL_D)
            self.assertEqual(run.wait(timeout=30), 0)
        self.assertEqual(path.read_text(), "> line \"to a file\" of 9\n> end of file\n")

    def test_a_guest_that_does_not_receive_leaves_it_alone(self):
        run = self.start("-q", "--", "0", image=GUEST / "status_exit.elf")
        self.assertEqual(run.wait(timeout=30), 0)
        self.assertFalse(self.is_raw())
        self.assert_restored()

    def test_a_terminal_that_goes_away(self):
        """Input has ended then: the guest gets ^D."""
        keyboard, terminal = pty.openpty()
        run = subprocess.Popen([UINTR_VP, "run", "-q", ECHO], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
        os.close(terminal)
        self.assertEqual(os.read(run.stdout.fileno(), 2), b"> ")
        os.close(keyboard)
        output, _ = run.communicate(timeout=30)
        self.assertEqual((run.returncode, output), (0, "end of file\n"))


class TracePort(Case):
    """What a kernel tells: tasks and system calls on the timeline, ways of user interrupts in the statistics."""

    def run_image(self, *options):
        stats, trace = self.folder / "s.json", self.folder / "t.json"
        run = self.run_vp("-q", "--cores", 2, "--stats", stats, *options, "--trace", trace, GUEST / "trace_port.elf")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return json.loads(stats.read_text()), json.loads(trace.read_text())["traceEvents"]

    def test_each_way_is_counted_once(self):
        for timing in ("functional", "table", "cache"):
            for quantum in ("auto", "1insn"):
                stats, _ = self.run_image("--timing", timing, "--quantum", quantum)
                self.assertEqual(stats["uintr"]["path"], {"direct": 1, "resume": 1, "wake": 1, "held": 1}, f"{timing} {quantum}")
                self.assertEqual(stats["uintr"]["delivered"], 4)

    def test_the_task_track(self):
        _, events = self.run_image()
        tracks = {e["args"]["name"]: e["tid"] for e in events if e["name" if "name" in e else "ph"] == "thread_name"}
        self.assertIn("core 1 task", tracks)
        self.assertNotIn("core 0 task", tracks, "nothing was told there")
        open_slices, closed = [], []
        for e in (e for e in events if e["tid" if "tid" in e else "pid"] == tracks["core 1 task"]):
            if e["ph"] == "B":
                open_slices.append(e)
            elif e["ph"] == "E":
                begin = open_slices.pop()
                closed.append((len(open_slices), begin["name"], e.get("args", {}).get("result")))
                self.assertGreaterEqual(e["ts"], begin["ts"])
        self.assertEqual(open_slices, [])
        self.assertEqual(closed, [(1, "getpid", 0), (0, "receiver 7", None), (0, "another ?thread  8", None),
                                  (1, "uintr_wait", None), (0, "receiver 7", None),  # blocked: goes on below
                                  (1, "uintr_wait", -4), (0, "receiver 7", None)])
        instants = [e["name"] for e in events if e.get("cat") == "task" and e["ph"] == "i"]
        self.assertEqual(instants, ["user interrupt resumes receiver 7", "user interrupt wakes receiver 7",
                                    "user interrupt resumes receiver 7"])

    def test_an_interrupt_that_needed_the_kernel_says_so(self):
        _, events = self.run_image()
        names = sorted(e["name"] for e in events if e.get("cat") == "uintr" and e["name"].startswith("user interrupt ") and
                       e["ph"] == "X")
        self.assertEqual(names, ["user interrupt 1 (vector 1)", "user interrupt 2 (vector 2), held",
                                 "user interrupt 3 (vector 3), resume", "user interrupt 4 (vector 4), wake"])

    def test_looking_changes_nothing(self):
        stats = self.folder / "plain.json"
        run = self.run_vp("-q", "--cores", 2, "--stats", stats, GUEST / "trace_port.elf")
        self.assertEqual(run.returncode, 0)
        plain, traced = json.loads(stats.read_text()), self.run_image()[0]
        for one in (plain, traced):
            one["sim"].pop("host_seconds"), one["sim"].pop("mips")
        self.assertEqual(plain, traced)


if __name__ == "__main__":
    unittest.main()
