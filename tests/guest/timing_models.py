#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Timing models seen from outside: what a plug-in can do wrong, and that no model changes what the guest computes.

Needs UINTR_VP, GUEST and PLUGINS in the environment, as contracts.py, whose helpers it uses.
"""
import json
import re
import unittest

from contracts import DEMO, GUEST, PLUGINS, Case


@unittest.skipUnless(PLUGINS.is_dir(), "the plug-ins of tests/unit/timing are not built")
class Plugins(Case):
    """A plug-in's mistake is never a crash, a hang or an internal error: status 125 (124 if it is only slow), and its name."""

    def test_shared_object_without_the_abi_or_of_another_version(self):
        self.assert_refused(self.run_vp("--timing", PLUGINS / "plugin_no_symbol.so", DEMO), "plugin_no_symbol.so",
                            "uintr_vp_timing_model")
        self.assert_refused(self.run_vp("--timing", PLUGINS / "plugin_abi_version.so", DEMO), "plugin_abi_version.so", "version")
        self.assert_refused(self.run_vp("--timing", PLUGINS / "plugin_create_fails.so", DEMO), "plugin_create_fails.so",
                            "the moon is not full")

    def test_timing_models_that_answer_nonsense_or_crash(self):
        self.assert_refused(self.run_vp("--timing", PLUGINS / "plugin_nonsense.so", DEMO), "timing model 'bad'", "insn_cost",
                            "4294967295")
        for fault, when, signal in (("create_crashes", "in create", "SIGSEGV"), ("create_overflows", "in create", "SIGSEGV"),
                                    ("create_aborts", "in create", "SIGABRT"), ("load_crashes", "while it was loaded", "SIGILL"),
                            ("create_exits", "ended the process", "in create"),
                            ("create_throws", "threw an exception in create", "the sky is cloudy"),
                            ("entry_throws", "threw an exception while it was loaded", "the sky is cloudy")):
            with self.subTest(fault=fault):
                self.assert_refused(self.run_vp("--timing", PLUGINS / f"plugin_{fault}.so", DEMO), f"plugin_{fault}.so",
                                    when, signal)

    def test_a_timing_model_that_reports_nonsense(self):
        """Never a crash, never a file that grows for ever: the model and the hook are named."""
        plugin, stats = PLUGINS / "plugin_report.so", self.folder / "s.json"
        command = ("-q", "--cores", 1, "--timing", plugin, "--stats", stats)
        image = (GUEST / "status_exit.elf", "--", 0)
        for what, words in (("no_name", "has no name"), ("no_unit", "'n' has no unit"), ("no_sentence", "'n' has no sentence"),
                            ("twice", "'n[1]'"), ("leaf_and_branch", "'n.m' contradicts"), ("branch_and_leaf", "'n' contradicts"),
                            ("array_and_table", "'n.m' contradicts"), ("open", "'a[' is no name"), ("empty", "'' is no name"),
                            ("dots", "'..' is no name"), ("negative", "'a[-1]' is no name"), ("huge_index", "'a[99999999].b' is no"),
                            ("no_digits", "'a[].b' is no name"), ("lines", "'n' must be one line")):
            run = self.run_vp(*command, "--set", f"timing.what={what}", *image)
            self.assertEqual(run.returncode, 125, f"{what}: {run.stderr}")
            self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
            self.assertIn(f"timing model {plugin}: hook report: ", run.stderr)
            self.assertIn(words, run.stderr)
        run = self.run_vp(*command, "--set", "timing.what=crash", *image)
        self.assertEqual(run.returncode, 125, run.stderr)
        self.assertIn(f"timing model {plugin} crashed in report (SIGILL)", run.stderr)
        run = self.run_vp(*command, "--set", "timing.what=fine", *image)
        self.assertEqual(run.returncode, 0, run.stderr)
        part = json.loads(stats.read_text())["timing"]["a"][1]["b-c"]
        self.assertEqual((part["D_0"], part["e"][0][63]), (1, 2))

    def test_a_timing_model_that_throws_after_the_run(self):
        plugin = PLUGINS / "plugin_report_throws.so"
        run = self.run_vp("-q", "--cores", 1, "--timing", plugin, "--stats", self.folder / "s.json", GUEST / "status_exit.elf", "--", 0)
        self.assertEqual(run.returncode, 125, run.stderr)
        self.assertIn(f"timing model {plugin} threw an exception in report: the sky is cloudy", run.stderr)

    def test_a_timing_model_may_ask_for_ways_in_create(self):
        run = self.run_vp("-q", "--timing", PLUGINS / "plugin_create_asks.so", "--set", "interconnect.model=mesh", "--set",
                          "interconnect.placement=0,5", DEMO)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_filter_that_points_beyond_itself(self):
        self.assert_refused(self.run_vp("-q", "--timing", PLUGINS / "plugin_mask.so", DEMO), "timing model 'bad'", "filter", "mask")

    def test_a_parameter_that_is_called_model(self):
        self.assert_refused(self.run_vp("--timing", PLUGINS / "plugin_name_model.so", DEMO), "plugin_name_model.so", "parameter model")

    def test_the_end_of_simulated_time(self):
        """A cycle that lasts 1 us and a model that is as slow as it may be: some 18000 accesses."""
        stats = self.folder / "s.json"
        run = self.run_vp("--cores", 1, "--timing", PLUGINS / "plugin_slow.so", "--set", "cpu.clock_hz=1000000", "--stats", stats,
                          "--max-time", "18400s", GUEST / "status_spin.elf", timeout=300)
        self.assertEqual(run.returncode, 124, run.stderr)
        self.assertRegex(run.stderr, "stopped: simulated time ends at 18000")
        sim = json.loads(stats.read_text())["sim"]
        self.assertEqual((sim["time_ps"], sim["exit_reason"]), (18_000 * 10**12, "limit: end of simulated time"))


class Mesh(Case):
    """Lines that are on the way for long."""

    def test_a_mesh_on_which_lines_take_too_long(self):
        mesh = ("--timing", "cache", "--set", "interconnect.model=mesh", "--set", "interconnect.rows=64", "--set",
                "interconnect.columns=64", "--set", "interconnect.placement=0,4095")
        self.assert_refused(self.run_vp(*mesh, "--set", "interconnect.hop_cycles=10000", DEMO), "--set: timing model cache",
                            "interconnect.hop_cycles", "timing.dram_cycles = 214")
        run = self.run_vp("-q", "--max-time", "100ms", *mesh, "--set", "interconnect.hop_cycles=7990", "--set", "interconnect.link_cycles=10000",
                          GUEST / "smp.elf", timeout=120)
        self.assertIn(run.returncode, (0, 124), run.stderr)


class Neutrality(Case):
    """Changing the timing model changes no architectural result: on one core without clock reads the same registers and
    memory at the end, on several without races the same verdicts."""

    ALONE = ("cpu_int", "numeric", "paging", "segment", "smc")
    TOGETHER = ("smp", "ipi", "conf_send", "conf_upid", "conf_notify")

    @staticmethod
    def models():
        """Arguments that choose a model; the plug-in charges for every hook."""
        models = [("--timing", "functional"), ("--timing", "table"), ("--timing", "cache"), ("--profile", "client"),
                  ("--profile", "ideal"), ("--profile", "sapphire-rapids", "--timing", "cache"),
                  ("--timing", "table", "-s", "timing.acceptance=drain", "-s", "timing.insn_alu=3")]
        if PLUGINS.is_dir():
            models.append(("--timing", PLUGINS / "plugin_good.so"))
        return models

    def test_one_core_ends_in_the_same_state(self):
        for image in self.ALONE:
            states, cycles = {}, set()
            for model in self.models():
                state, stats = self.folder / "state.txt", self.folder / "stats.json"
                run = self.run_vp("-q", "--cores", 1, *model, "--state", state, "--stats", stats, GUEST / f"{image}.elf")
                self.assertEqual(run.returncode, 0, f"{image} {model}: {run.stderr}{run.stdout}")
                states.setdefault(state.read_text() + run.stdout, []).append(model)
                cycles.add(json.loads(stats.read_text())["cores"][0]["cycles"])
            self.assertEqual(len(states), 1, f"{image}: {list(states.values())}\n" + "\n".join(states))
            self.assertGreater(len(cycles), 3, f"{image}: the models were not different")
            self.assertRegex(next(iter(states)), r"memory \d+ bytes, digest [0-9a-f]{16}")

    def test_what_a_guest_is_told_of_its_clock_agrees_under_every_profile(self):
        """Leaves 15H and 16H of CPUID; clocks whose ratio to the crystal is no whole number, too."""
        for profile in ("client", "ideal", "functional", "sapphire-rapids", "sapphire-rapids-mesh"):
            run = self.run_vp("-q", "--cores", 1, "--profile", profile, GUEST / "msr_cpuid.elf")
            self.assertEqual(run.returncode, 0, f"{profile}: {run.stdout}{run.stderr}")

    def test_the_state_file_tells_states_apart(self):
        texts = set()
        for limit in (1000, 1001, 2000):
            self.run_vp("-q", "--cores", 1, "--max-insns", limit, "--quantum", "1insn", "--state", self.folder / "s.txt",
                        GUEST / "cpu_int.elf")
            texts.add((self.folder / "s.txt").read_text())
        self.assertEqual(len(texts), 3)
        run = self.run_vp("-q", "--cores", 1, "--state", "/nonexistent/s.txt", GUEST / "status_exit.elf", "--", 0)
        self.assertEqual(run.returncode, 125, run.stderr)

    # Models with the quanta that their tests are run at. A quantum beyond the lookahead is allowed where nobody counts on an
    # arrival: late ones are counted, never lost. On the mesh the lookahead is that of neighbours.
    MESH = ("--profile", "sapphire-rapids-mesh")
    LONG_QUANTUM = "1000cycles"

    def surroundings(self, cores):
        for model in self.models():
            for quantum in ("auto", "1insn", self.LONG_QUANTUM):
                yield (*model, "--quantum", quantum)
        for placement in ("rows", ",".join(str(27 - 9 * core) for core in range(cores))):
            for quantum in ("auto", "1insn"):
                yield (*self.MESH, "--set", f"interconnect.placement={placement}", "--quantum", quantum)
        yield (*self.MESH, "--timing", "cache", "--quantum", self.LONG_QUANTUM)

    def test_several_cores_give_the_same_verdicts(self):
        """Whatever the model, the quantum and the way between cores, and for 2 cores as for 4."""
        late = 0
        for image in self.TOGETHER:
            verdicts = {}
            for cores in (2, 4):
                for arguments in self.surroundings(cores):
                    stats = self.folder / "stats.json"
                    run = self.run_vp("-q", "--cores", cores, *arguments, "--stats", stats, GUEST / f"{image}.elf")
                    self.assertEqual(run.returncode, 0, f"{image} {cores} {arguments}: {run.stdout}")
                    lines = re.findall(r"^(?:(?:PASS|FAIL|SKIP) \w+: .*|SUMMARY .*)$", run.stdout, re.M)
                    self.assertTrue(lines and lines[-1].startswith("SUMMARY"), run.stdout)
                    # What was measured stands in brackets: "(5000, 0)".
                    text = "\n".join(sorted(re.sub(r"\([\d, ]+\)", "", line) for line in lines))
                    verdicts.setdefault((cores, text), []).append(arguments)
                    if self.LONG_QUANTUM in arguments:
                        late += json.loads(stats.read_text())["quantum"]["late_arrivals"]
                self.assertEqual(len([v for v in verdicts if v[0] == cores]), 1, f"{image} {cores}: {list(verdicts.values())}")
        self.assertGreater(late, 0, "the long quantum was not felt")


if __name__ == "__main__":
    unittest.main(verbosity=2)
