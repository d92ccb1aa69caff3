#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`uintr-vp study` and `run --quantum-check`, seen from outside: tables, resuming, failed runs, plots, bad input.

Needs UINTR_VP (the program) and GUEST (folder of images) in the environment, as contracts.py, whose helpers it uses.
"""
import csv
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest
import xml.etree.ElementTree

from contracts import DEMO, GUEST, UINTR_VP, Case

STUDIES = pathlib.Path(__file__).resolve().parents[2] / "studies"
SMALL = """
[run]
image = "{image}"
arguments = ["spin", "samples=3"]
[grid]
timing = ["table", "functional"]
interconnect.latency_cycles = [50, 200]
[columns]
end = {{ statistic = "uintr.stages.end_to_end.p50", unit = "cycles" }}
said = {{ console = "latency_spin_median", unit = "cycles" }}
"""
PLOT = """
[[plot]]
name = "small"
title = "It's a small plot"
x = "interconnect.latency_cycles"
y = "end"
series = "timing"
x_label = "Latency (cycles)"
"""
EXITS = """
[run]
image = "{guest}/status_exit.elf"
[grid]
argument.status = [KINDS]
[columns]
instructions = "sim.instructions"
"""


class QuantumCheck(Case):
    """Two runs, compared."""

    def test_identical_where_there_is_nothing_to_order(self):
        run = self.run_vp("--quantum-check", "--cores", 1, GUEST / "status_exit.elf", "--", 0)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("identical", run.stderr)

    def test_differences_are_those_of_the_statistics(self):
        run = self.run_vp("--quantum-check", "--cores", 2, DEMO)
        self.assertEqual(run.returncode, 0, run.stderr)
        plain = self.run_vp("-q", "--cores", 2, DEMO)
        self.assertEqual(run.stdout, plain.stdout)
        auto, lock_step = self.run_demo("a")[1], self.run_demo("b", "--quantum", "1insn")[1]
        self.assertNotEqual(auto["cores"][1]["cycles"], lock_step["cores"][1]["cycles"], "choose another image")
        line = re.search(r"cores\[1\]\.cycles +(\d+) +(\d+) +([-+]\d+) +([\d.]+) %", run.stderr)
        self.assertTrue(line, run.stderr)
        a, b = auto["cores"][1]["cycles"], lock_step["cores"][1]["cycles"]
        self.assertEqual([int(line[i]) for i in (1, 2, 3)], [a, b, a - b])
        self.assertAlmostEqual(float(line[4]), abs(a - b) / b * 100, delta=0.01)
        self.assertNotIn("host_seconds", run.stderr)
        for stage in ("post", "travel", "deliver", "end_to_end"):
            self.assertRegex(run.stderr, rf"\n  {stage}\b")

    def test_a_long_quantum_of_a_file_is_not_used(self):
        config = self.folder / "c.toml"
        config.write_text("[platform]\nquantum = \"100000cycles\"\n")
        plain = self.run_vp("--quantum-check", DEMO)
        self.assertEqual(self.run_vp("--quantum-check", "-c", config, DEMO).stderr, plain.stderr)

    def test_exit_status(self):
        self.assertEqual(self.run_vp("--quantum-check", GUEST / "status_exit.elf", "--", 7).returncode, 7)
        self.assertEqual(self.run_vp("--quantum-check", GUEST / "status_triple.elf").returncode, 126)
        run = self.run_vp("--quantum-check", "--max-time", "1ms", GUEST / "status_spin.elf")
        self.assertEqual(run.returncode, 124, run.stderr)
        self.assert_refused(self.run_vp("--quantum-check", "--stats", "x.json", DEMO), "--stats")
        self.assert_refused(self.run_vp("--quantum-check", "--set", "platform.cores=0", DEMO), "platform.cores")
        self.assertEqual(self.run_vp("--quantum-check", "nowhere.elf").returncode, 125)


class Study(Case):
    """The whole way from a study file to table and plot."""

    def setUp(self):
        super().setUp()
        self.file = self.folder / "small.toml"
        self.output = self.folder / "out"
        self.write(SMALL)

    def write(self, text):
        self.file.write_text(text.format(image=GUEST / "bench" / "uintr_latency.elf", guest=GUEST))

    def study(self, *options, **keywords):
        return self.run_vp("--output", self.output, *options, self.file, command="study", **keywords)

    def rows(self):
        with open(self.output / "small.csv", newline="") as file:
            return list(csv.DictReader(file))

    def stored(self, query):
        with sqlite3.connect(self.output / "small.sqlite") as database:
            return database.execute(query).fetchall()

    def run_times(self):
        return dict(self.stored("SELECT key, seconds FROM runs"))

    def test_a_row_for_each_run(self):
        run = self.study()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout, "")
        rows = self.rows()
        self.assertEqual([(r["timing"], r["interconnect.latency_cycles"]) for r in rows],
                         [("table", "50"), ("table", "200"), ("functional", "50"), ("functional", "200")])
        for row in rows:
            self.assertEqual((row["exit_status"], row["reason"]), ("0", ""))
            self.assertEqual(row["end"], row["said"])
        self.assertEqual(int(rows[1]["end"]) - int(rows[0]["end"]), 150)
        self.assertEqual(int(rows[3]["end"]) - int(rows[2]["end"]), 150)
        self.assertEqual(self.stored("SELECT run, timing, \"interconnect.latency_cycles\", \"end\", exit_status, reason FROM results"),
                         [(i, r["timing"], int(r["interconnect.latency_cycles"]), int(r["end"]), 0, None)
                          for i, r in enumerate(rows)])
        self.assertEqual(self.stored("PRAGMA integrity_check"), [("ok",)])
        self.assertFalse((self.output / "running").exists())

    def test_a_policy_may_be_a_dimension(self):
        """What has names instead of numbers: the names stand in table and database, and each run has felt its own."""
        self.write(SMALL.replace('timing = ["table", "functional"]', 'timing.acceptance = ["tracked", "drain", "flush"]')
                   .replace("[50, 200]", "[200]")
                   + 'accept = {{ statistic = "uintr.stages.accept.min", unit = "cycles" }}\n')
        run = self.study()
        self.assertEqual(run.returncode, 0, run.stderr)
        rows = self.rows()
        self.assertEqual([r["timing.acceptance"] for r in rows], ["tracked", "drain", "flush"])
        tracked, drain, flush = (int(r["accept"]) for r in rows)
        self.assertLess(tracked + 100, drain)
        self.assertLess(drain + 100, flush)
        self.assertEqual(self.stored('SELECT "timing.acceptance" FROM results ORDER BY run'),
                         [("tracked",), ("drain",), ("flush",)])
        self.write(SMALL.replace('timing = ["table", "functional"]', 'timing.acceptance = ["flush", "flash"]'))
        self.assert_refused(self.study(), "flash")

    def test_the_table_does_not_depend_on_the_number_of_jobs(self):
        self.study("--jobs", 1)
        first = (self.output / "small.csv").read_bytes()
        self.study("--jobs", 4, "--fresh")
        self.assertEqual((self.output / "small.csv").read_bytes(), first)

    def test_finished_runs_are_not_repeated(self):
        self.study()
        before = self.run_times()
        run = self.study()
        self.assertIn("4 of them done before", run.stderr)
        self.assertEqual(self.run_times(), before)
        self.write(SMALL.replace("[50, 200]", "[50, 100, 200]").replace("end =", "post = \"uintr.stages.post.p50\"\nend ="))
        run = self.study()
        self.assertIn("6 runs, 4 of them done before", run.stderr)
        self.assertEqual({k: v for k, v in self.run_times().items() if k in before}, before)
        self.assertEqual([r["interconnect.latency_cycles"] for r in self.rows()], ["50", "100", "200"] * 2)
        self.assertTrue(all(r["post"] for r in self.rows()))
        self.assertIn(" 0 of them done before", self.study("--fresh").stderr)

    def test_a_part_of_the_grid(self):
        run = self.study("--only", "3,1")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("2 runs, 0 of them done before", run.stderr)
        self.assertEqual([r["run"] for r in self.rows()], ["1", "3"])
        run = self.study()
        self.assertIn("4 runs, 2 of them done before", run.stderr)
        self.assertEqual([r["run"] for r in self.rows()], ["0", "1", "2", "3"])
        self.assert_refused(self.study("--only", "1,4"), "--only", "4", "0 to 3")
        for wrong in ("-1", "x", "1,,2", "1-3", ""):
            self.assert_refused(self.study("--only", wrong), "--only")

    def test_a_part_of_the_grid_leaves_the_rest_as_it_was(self):
        """Rows that are there stay in table and picture, whichever runs are asked for."""
        self.write(SMALL + PLOT)
        self.assertEqual(self.study("--no-plots").returncode, 0)
        table, before = (self.output / "small.csv").read_bytes(), self.run_times()
        options = [] if shutil.which("gnuplot") else ["--no-plots"]
        run = self.study("--only", 2, *options)
        self.assertIn("1 runs, 1 of them done before, 0 failed", run.stderr)
        self.assertEqual((self.output / "small.csv").read_bytes(), table)
        self.assertEqual(len(self.stored("SELECT * FROM results")), 4)
        if not options:
            script = (self.output / "small.gnuplot").read_text()
            self.assertEqual(len(re.findall(r"^(?:50|200) \d+ \d+ \d+ 1$", script, re.MULTILINE)), 4, script)
        run = self.study("--fresh", "--only", "2", "--no-plots")
        self.assertIn("1 runs, 0 of them done before, 0 failed", run.stderr)
        self.assertEqual((self.output / "small.csv").read_bytes(), table)
        self.assertEqual(sum(before[key] == seconds for key, seconds in self.run_times().items()), 3)
        # What is no longer part of the grid has no row.
        self.write(SMALL.replace("[50, 200]", "[200]"))
        self.assertIn("1 runs, 1 of them done before", self.study("--only", "1").stderr)
        self.assertEqual([(r["run"], r["timing"]) for r in self.rows()], [("0", "table"), ("1", "functional")])

    def test_failures_elsewhere_do_not_count_for_a_part(self):
        self.write(EXITS.replace("KINDS", "0, 7"))
        self.assertEqual(self.study().returncode, 1)
        run = self.study("--only", "0")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("0 failed", run.stderr)
        self.assertEqual([r["exit_status"] for r in self.rows()], ["0", "7"])

    def test_another_image_is_another_run(self):
        image = self.folder / "image.elf"
        shutil.copy(GUEST / "bench" / "uintr_latency.elf", image)
        self.file.write_text(SMALL.format(image="image.elf"))
        self.study()
        shutil.copy(GUEST / "bench" / "uintr_slowdown.elf", image)
        run = self.study()
        self.assertIn(" 0 of them done before", run.stderr)

    def test_another_included_file_is_another_run(self):
        """Whatever a run reads, however far behind the study file it stands."""
        files = {"base": '[profile]\nname = "b"\nsummary = "b"\n[timing]\nstage_accept = {{ value = {}, source = "s", '
                         'confidence = "read" }}\n',
                 "top": 'include = "base"\n[profile]\nname = "t"\nsummary = "t"\n# {}\n',
                 "cbase": "[timing]\nstage_deliver = {}\n", "ctop": 'include = ["cbase"]\n# {}\n',
                 "input": "{}"}
        for name, text in files.items():
            (self.folder / f"{name}.toml").write_text(text.format(100))
        with open(self.folder / "ctop.toml", "a") as config:
            config.write(f"console.input = \"{self.folder / 'input.toml'}\"\n")
        self.write(SMALL.replace("[grid]", 'profile = "top.toml"\nconfig = ["ctop.toml"]\n[grid]')
                   .replace('timing = ["table", "functional"]', 'timing = ["table"]'))
        self.study()
        ends = [int(row["end"]) for row in self.rows()]
        self.assertIn("2 of them done before", self.study().stderr)
        for name, more in (("base", 50), ("cbase", 50), ("input", 0)):
            path = self.folder / f"{name}.toml"
            path.write_text(path.read_text().replace("100", "150"))
            self.assertIn(" 0 of them done before", self.study().stderr, name)
            ends = [end + more for end in ends]
            self.assertEqual([int(row["end"]) for row in self.rows()], ends, name)
            self.assertIn("2 of them done before", self.study().stderr)

    def test_a_profile_that_cannot_be_read_is_found_first(self):
        (self.folder / "top.toml").write_text('include = "base"\n')
        self.write(SMALL.replace("[grid]", 'profile = "top.toml"\n[grid]'))
        self.assert_refused(self.study(), self.file, "top.toml:1: include", "base.toml")
        self.assertFalse(self.output.exists())

    def test_interrupted_and_resumed(self):
        """SIGTERM and SIGKILL while a run hangs: what is done stays done, and no child lives on."""
        self.write(SMALL.replace("[grid]", "max_time = \"1000s\"\n[grid]\nimage = [\"{image}\", \"{guest}/status_spin.elf\"]")
                   .replace("[50, 200]", "[50]"))
        for number, kind in enumerate((signal.SIGTERM, signal.SIGKILL)):
            process = subprocess.Popen([UINTR_VP, "study", "--jobs", "4", "--output", str(self.output), str(self.file)],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.addCleanup(process.kill)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not (self.count() == 2 and len(children_of(process.pid)) == 2):
                time.sleep(0.1)
            self.assertEqual(self.count(), 2)
            children = children_of(process.pid)
            self.assertEqual(len(children), 2, "the two that spin")
            process.send_signal(kind)
            _, messages = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 124 if kind == signal.SIGTERM else -kind, messages)
            if kind == signal.SIGTERM:
                self.assertIn("2 of 4 runs are done", messages)
                self.assertEqual(len(self.rows()), 2)
            deadline = time.monotonic() + 10
            while any(is_alive(child) for child in children) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertFalse(any(is_alive(child) for child in children))
            self.assertEqual(self.stored("PRAGMA integrity_check"), [("ok",)])
            self.assertEqual(self.count(), 2)
            if number == 0:
                before = self.run_times()
        self.file.write_text("[study]\ntimeout_s = 2\n" + self.file.read_text())
        run = self.study("--jobs", 4)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("4 runs, 2 of them done before, 2 failed", run.stderr)
        self.assertEqual({k: v for k, v in self.run_times().items() if k in before}, before)
        self.assertEqual([r["reason"] for r in self.rows()], ["", "", "timeout: took longer than 2 s", "timeout: took longer than 2 s"])

    def test_runs_that_were_killed_are_repeated(self):
        """Who ends a run from outside says nothing about it: a row without values for now, another try later."""
        self.write(SMALL.replace("[grid]", "max_time = \"1000s\"\n[grid]\nimage = [\"{guest}/status_spin.elf\"]")
                   .replace("[50, 200]", "[50]").replace('"table", "functional"', '"table"')
                   + 'word = {{ pattern = "(s[a-z]+)", optional = true }}\ntime = "sim.time_ps"\n')
        for kind in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            run = self.kill_child(kind)
            self.assertIn("1 runs, 0 of them done before, 1 failed", run.stderr)
            self.assertEqual(run.returncode, 1)
            row = self.rows()[0]
            self.assertEqual((row["word"], row["time"], row["exit_status"]), ("", "", ""))
            self.assertRegex(row["reason"], f"killed by signal {int(kind)} ")
        self.kill_child(signal.SIGSEGV)
        self.assertIn("1 runs, 1 of them done before, 1 failed", self.study().stderr)

    def kill_child(self, kind):
        process = subprocess.Popen([UINTR_VP, "study", "--output", str(self.output), str(self.file)],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 30
        said = self.output / "running" / "0.out"
        while time.monotonic() < deadline and not (said.exists() and "spinning" in said.read_text()):
            time.sleep(0.02)
        for child in children_of(process.pid):
            os.kill(child, kind)
        _, messages = process.communicate(timeout=30)
        return subprocess.CompletedProcess(process.args, process.returncode, "", messages)

    def count(self):
        try:
            return self.stored("SELECT count(*) FROM runs")[0][0]
        except sqlite3.OperationalError:
            return 0

    def test_failed_runs_are_rows_with_their_reason(self):
        self.write("""
[run]
image = "{guest}/status_exit.elf"
[grid]
kind = [
    {{ label = "good", arguments = ["0"] }},
    {{ label = "bad", arguments = ["7"] }},
    {{ label = "stuck", image = "{guest}/status_triple.elf" }},
    {{ label = "limit", image = "{guest}/status_spin.elf", max_insns = 100000 }},
    {{ label = "refused", timing.model = "functional", timing.insn_alu = 2 }},
    {{ label = "silent", arguments = ["0"], cores = 1 }},
]
[columns]
instructions = "sim.instructions"
second = {{ statistic = "cores[1].instructions" }}
""")
        run = self.study()
        self.assertEqual(run.returncode, 1, run.stderr)
        rows = {r["kind"]: r for r in self.rows()}
        self.assertEqual([r["exit_status"] for r in self.rows()], ["0", "7", "126", "124", "125", "0"])
        self.assertEqual(rows["good"]["reason"], "")
        self.assertRegex(rows["bad"]["reason"], "^the guest ended with status 7")
        self.assertIn("triple fault", rows["stuck"]["reason"])
        self.assertIn("max-insns", rows["limit"]["reason"])
        self.assertGreater(int(rows["limit"]["instructions"]), 90000)
        self.assertIn("timing.insn_alu", rows["refused"]["reason"])
        self.assertEqual(rows["silent"]["reason"], "column second: the run has no statistic 'cores[1].instructions'")
        self.assertIn("6 of them done before", self.study().stderr)
        self.assertIn("2 of them done before", self.study("--retry-failed").stderr)

    def test_a_missing_image_is_the_failure_of_its_runs(self):
        missing = self.folder / "missing.elf"
        self.write(SMALL.replace("[grid]", '[grid]\nimage = ["{image}", "missing.elf"]').replace("[50, 200]", "[50]"))
        self.assertEqual(len(self.study("--list").stdout.splitlines()), 4)
        run = self.study()
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("4 runs, 0 of them done before, 2 failed", run.stderr)
        self.assertEqual([r["exit_status"] for r in self.rows()], ["0", "0", "125", "125"])
        for row in self.rows()[2:]:
            self.assertIn("missing.elf", row["reason"])
        self.assertIn("4 of them done before", self.study().stderr)
        shutil.copy(GUEST / "bench" / "uintr_latency.elf", missing)
        run = self.study()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("4 runs, 2 of them done before, 0 failed", run.stderr)
        self.write(SMALL.replace("{image}", "nowhere.elf").replace("[grid]", '[grid]\nimage = ["a.elf", "b.elf"]'))
        self.assert_refused(self.study(), self.file, ":6", "image", "a.elf", "there is no file")

    def test_what_was_not_measured_is_no_zero(self):
        """A median of nothing is missing; how many there were is 0."""
        self.write(EXITS.replace("KINDS", "0") + 'sent = "uintr.stages.end_to_end.count"\n'
                   'end = {{ statistic = "uintr.stages.end_to_end.p50" }}\n')
        run = self.study()
        self.assertEqual(run.returncode, 1, run.stderr)
        row = self.rows()[0]
        self.assertEqual((row["sent"], row["end"], row["exit_status"]), ("0", "", "0"))
        self.assertEqual(row["reason"], "column end: 'uintr.stages.end_to_end.p50' of nothing: its count is 0")

    @unittest.skipUnless(shutil.which("gnuplot"), "no gnuplot")
    def test_plots(self):
        self.write(SMALL + PLOT)
        run = self.study()
        self.assertEqual(run.returncode, 0, run.stderr)
        text = (self.output / "small.svg").read_text()
        root = xml.etree.ElementTree.fromstring(text)
        self.assertTrue(root.tag.endswith("svg"))
        words = " ".join(root.itertext())
        for word in ("It's a small plot", "Latency (cycles)", "end (cycles)", "table", "functional"):
            self.assertIn(word, words)
        self.assertEqual((self.output / "small.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        labels = [word for word in re.findall(r">([^<>]+)<", text) if re.fullmatch(r"[\s\d]+", word) and word.strip()]
        self.assertIn("200", labels)
        self.assertEqual([word.strip() for word in labels], labels, "blanks move labels aside")
        below = {word: float(y) for y, word in re.findall(r"translate\([\d.]+,([\d.]+)\)[^>]*>\s*<text>([^<]+)<", text)}
        self.assertGreater(below["table"], below["Latency (cycles)"] + 22, "a letter is 15 high")

    @unittest.skipUnless(shutil.which("gnuplot"), "no gnuplot")
    def test_a_picture_that_shows_nothing_any_more_is_removed(self):
        self.write(SMALL + PLOT)
        self.study()
        (self.output / "other.svg").write_text("")
        self.write(SMALL.replace("end_to_end.p50", "no_stage.p50") + PLOT)
        run = self.study()
        self.assertIn("plot small: no run has what it shows; its old picture is removed", run.stderr)
        self.assertEqual(sorted(path.name for path in self.output.iterdir()), ["other.svg", "small.csv", "small.sqlite"])
        run = self.study()
        self.assertIn("plot small: no run has what it shows\n", run.stderr)

    def test_gnuplot_is_missing(self):
        self.write(SMALL + PLOT)
        environment = {**os.environ, "PATH": str(self.folder)}
        command = [UINTR_VP, "study", "--output", str(self.output), str(self.file)]
        run = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assert_refused(run, "gnuplot", "--no-plots", self.file)
        self.assertFalse(self.output.exists())
        run = subprocess.run(command + ["--no-plots"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(len(self.rows()), 4)

    def test_the_list_runs_nothing(self):
        run = self.study("--list")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(len(run.stdout.splitlines()), 4)
        self.assertFalse(self.output.exists())
        first = run.stdout.splitlines()[0].split()
        again = subprocess.run([UINTR_VP, *first[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertIn("latency_spin_median", again.stdout)

    def test_bad_study_files(self):
        for text, words in ((SMALL.replace("[50, 200]", "[50, \"far\"]"), (":7", "interconnect.latency_cycles", "far", "an integer")),
                            (SMALL.replace("timing = [\"table\"", "timing = [\"tabel\""), (":6", "timing", "tabel", "table")),
                            (SMALL.replace("{image}", "nowhere.elf"), (":3", "image", "nowhere.elf")),
                            (SMALL + "[[plot]]\nname = \"p\"\nx = \"cores\"\ny = \"end\"\n", (":13", "plot.x", "cores", "expected one of")),
                            (SMALL.replace("[grid]", "[gird]"), (":5", "gird", "did you mean 'grid'?")),
                            (SMALL + "Run = \"sim.mips\"\n", (":11", "columns.Run", "another name", "'run'")),
                            (SMALL + "END = \"sim.mips\"\n", (":11", "columns.END", "another name", "'end'")),
                            (SMALL + "TIMING = \"sim.mips\"\n", (":11", "columns.TIMING", "another name", "'timing'")),
                            (SMALL.replace("[columns]", "Reason = [1]\n[columns]"), (":8", "Reason", "another name", "'reason'")),
                            (SMALL.replace("[columns]", "argument.a = [1]\nargument.A = [1]\n[columns]"),
                             (":9", "argument.A", "another name", "'argument.a'")),
                            (SMALL.replace("[columns]", "cores = [2, 3]\nplatform.cores = [4]\n[columns]"),
                             (":9", "cores (", ":8", "sets platform.cores too")),
                            (SMALL + "[", (":11", "not valid TOML"))):
            self.write(text)
            self.assert_refused(self.study(), self.file, *words)
            self.assertFalse(self.output.exists(), text)
        self.assert_refused(self.run_vp("nowhere.toml", command="study"), "nowhere.toml")
        self.assert_refused(self.run_vp("--jobs", "many", self.file, command="study"), "--jobs", "many")

    def test_bad_outputs(self):
        self.output.mkdir()
        (self.output / "small.sqlite").write_text("no database\n" * 1000)
        self.assert_refused(self.study(), "small.sqlite")
        blocked = self.folder / "file"
        blocked.write_text("")
        self.assert_refused(self.run_vp("--output", blocked / "x", self.file, command="study"), "--output", blocked)


class Shipped(Case):
    """The studies of studies/, with one point of each dimension."""

    def test_each_runs(self):
        found = sorted(STUDIES.glob("*.toml"))
        self.assertGreaterEqual(len(found), 3)
        for path in found:
            text = path.read_text().replace("../build/sw", str(GUEST)).replace("touch=2048", "touch=4")
            text = re.sub(r"samples = \d+", "samples = 3", re.sub(r"periods = \d+", "periods = 5", text))
            # of each list of numbers in the grid, the first
            grid = re.search(r"\[grid\].*?\[columns\]", text, re.DOTALL)[0]
            text = text.replace(grid, re.sub(r"= \[(\d+)(, \d+)+\]", r"= [\1]", grid))
            copy, output = self.folder / path.name, self.folder / path.stem
            copy.write_text(text)
            run = self.run_vp("--no-plots", "--output", output, copy, command="study", timeout=300)
            self.assertEqual(run.returncode, 0, run.stderr)
            with open(output / f"{path.stem}.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            self.assertGreaterEqual(len(rows), 2)
            for row in rows:
                self.assertTrue(all(value for name, value in row.items() if name != "reason"), row)

    def test_committed_tables_have_every_run(self):
        for path in sorted(STUDIES.glob("*.toml")):
            run = self.run_vp("--list", path, command="study")
            if run.returncode != 0 and "there is no file" in run.stderr:
                self.skipTest("images are in another folder")
            self.assertEqual(run.returncode, 0, run.stderr)
            table = STUDIES.parent / "docs" / "studies" / f"{path.stem}.csv"
            self.assertEqual(len(table.read_text().splitlines()), len(run.stdout.splitlines()) + 1, path.name)

    def test_committed_tables_are_what_runs_give(self):
        """Some rows of each, spread over the grid: who changes what they show has to run `make studies` again."""
        for path in sorted(STUDIES.glob("*.toml")):
            with self.subTest(study=path.name):
                table = (STUDIES.parent / "docs" / "studies" / f"{path.stem}.csv").read_text().splitlines()
                last = len(table) - 2
                chosen = sorted({0, last // 3, last // 2, 2 * last // 3, last})
                study = self.folder / path.name
                study.write_text(path.read_text().replace('"../build/sw/', f'"{GUEST}/'))
                run = self.run_vp("--output", self.folder / path.stem, "--no-plots", "--only", ",".join(map(str, chosen)), study,
                                  command="study")
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertEqual((self.folder / path.stem / f"{path.stem}.csv").read_text().splitlines(),
                                 [table[0]] + [table[run + 1] for run in chosen])


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and stat_of(entry.name)[1:2] == [str(pid)]:
            found.append(int(entry.name))
    return found


def stat_of(pid):
    """State and parent; empty if there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return []


def is_alive(pid):
    return stat_of(pid)[:1] not in ([], ["Z"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
