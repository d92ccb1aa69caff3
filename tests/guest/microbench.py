#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The microbenchmarks sw/bench/uintr: what a guest measures with RDTSC is what the simulator says it charged.

Needs UINTR_VP (the program), GUEST (folder of images) and TIMING (model) in the environment; run_benchmark() is also used by
scripts/validate. Statements about particular costs hold for the model `table` and are derived from its configuration.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

UINTR_VP = os.environ.get("UINTR_VP", "build/bin/uintr-vp")
GUEST = pathlib.Path(os.environ.get("GUEST", "build/sw"))
TIMING = os.environ.get("TIMING", "table")
LINE = re.compile(r"BENCH ([a-z0-9_]+) (\d+(?:\.\d)?) ([a-z/]+)")
PERIODS = (1, 2, 5, 10, 20, 50, 100, 200)


def run_benchmark(image, arguments, options, simulator=UINTR_VP, folder=GUEST, timeout=500):
    """Runs build/sw/bench/uintr_IMAGE.elf; returns ({name: value}, statistics, text). Raises RuntimeError if it fails."""
    with tempfile.TemporaryDirectory(prefix="uintr-vp-bench.") as scratch:
        stats = pathlib.Path(scratch) / "stats.json"
        command = [str(simulator), "run", "-q", "--stats", str(stats), *map(str, options),
                   str(pathlib.Path(folder) / "bench" / f"uintr_{image}.elf"), "--", *map(str, arguments)]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                             check=False)
        if run.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit status {run.returncode}\n{run.stdout}{run.stderr}")
        results = {}
        for line in run.stdout.splitlines():
            match = LINE.fullmatch(line)
            if not match or match[1] in results:
                raise RuntimeError(f"{image}: not a result, or twice: {line}")
            results[match[1]] = float(match[2])
        return results, json.loads(stats.read_text()), run.stdout


class Case(unittest.TestCase):
    """Measurements are kept small; every one is deterministic, so nothing is averaged away."""

    def bench(self, image, *arguments, cores=2, options=()):
        return run_benchmark(image, arguments, ["--timing", TIMING, "--cores", cores, *options])

    @staticmethod
    def stages(stats, what="p50"):
        return {name: stage[what] for name, stage in stats["uintr"]["stages"].items()}

    def assert_same_every_time(self, image, *arguments, **keywords):
        first, second = (self.bench(image, *arguments, **keywords)[2] for _ in range(2))
        self.assertEqual(first, second)


class Cost(Case):
    """The sender's and the receiver's cost."""

    def test_senduipi_is_its_stages(self):
        got, stats, _ = self.bench("cost", "send", "quiet", "samples=50")
        stage = self.stages(stats)
        self.assertEqual(got["senduipi_notify"], stage["post"] + stage["issue"] or 1)
        if TIMING == "cache": # the line of a post that notifies comes from the receiver, that of the others is at hand
            timing = stats["config"]["timing"]
            self.assertEqual(got["senduipi_on_set"], got["senduipi_sn_set"])
            self.assertEqual(got["senduipi_notify"] - got["senduipi_on_set"], timing["transfer_cycles"] + timing["ucode_issue"])
        else:
            self.assertEqual(got["senduipi_notify_mean"], got["senduipi_notify"])
            self.assertEqual(got["senduipi_on_set"], stage["post"])
            self.assertEqual(got["senduipi_sn_set"], stage["post"])
        self.assertEqual(got["senduipi_notify_x2apic"], got["senduipi_notify"])
        sent = sum(core["uintr"]["sent"] for core in stats["cores"])
        self.assertEqual(sent, 2 * 51)  # both APIC modes, one more than is measured; the others found ON or SN set
        self.assertEqual(sum(core["uintr"]["suppressed"] for core in stats["cores"]), 2 * 16 * 10)

    def test_a_receiver_loses_what_its_stages_take(self):
        got, stats, _ = self.bench("cost", "receive", "samples=60")
        # The first interrupts find cold caches and are not measured: no mean.
        mean = self.stages(stats, "p50" if TIMING == "cache" else "mean")
        self.assertEqual(got["received"], 60)
        charged = sum(mean[name] for name in ("accept", "notify", "deliver", "handle", "return"))
        # A page walk or a part of an instruction at the boundary may be in one and not in the other.
        self.assertAlmostEqual(got["receive"], charged, delta=3)

    def test_instructions(self):
        got, stats, _ = self.bench("cost", "insn")
        for name in ("clui", "stui", "testui", "uiret"):
            expected = stats["config"]["timing"].get(f"insn_{name}", 1)
            if name == "uiret":
                expected += stats["config"]["timing"].get("stage_return", 0)
            self.assertEqual(got[name], expected)
        self.assertEqual(got["clui_stui"], got["clui"] + got["stui"])
        self.assertGreater(got["overhead"], 0)

    def test_saturation(self):
        got, stats, _ = self.bench("cost", "saturate", "samples=120", cores=4)
        posts = self.stages(stats, "min")["post"]
        for receivers in (1, 2, 3):
            self.assertGreaterEqual(got[f"senduipi_saturated_{receivers}"], posts)
            self.assertGreater(got[f"saturated_delivered_{receivers}"], 0)
            self.assertLessEqual(got[f"saturated_delivered_{receivers}"], 100)
        # One receiver cannot keep up, so most posts find ON set; many receivers can.
        self.assertLess(got["saturated_delivered_1"], got["saturated_delivered_3"])
        self.assertLessEqual(got["senduipi_saturated_1"], got["senduipi_saturated_3"])

    def test_kernel_ipis(self):
        got, stats, _ = self.bench("cost", "ipi", "samples=40")
        timing = stats["config"]["timing"]
        if TIMING != "table":
            self.assertGreater(got["ipi_receive"], 0)
            return
        entry = timing["event_interrupt"] + timing["event_iret"]
        for name, eoi in (("ipi_receive", timing["event_mmio"]), ("ipi_receive_x2apic", timing["insn_msr"] + timing["event_msr_x2apic"])):
            self.assertGreater(got[name], entry + eoi)
            self.assertLess(got[name], entry + eoi + 50)  # the handler's own instructions
        self.assertLess(3 * timing["event_mmio"], got["ipi_send"])  # two writes and a look at the delivery status
        self.assertLess(timing["insn_msr"] + timing["event_msr_x2apic_icr"], got["ipi_send_x2apic"])
        self.assertLess(2 * timing["event_mmio"], got["apic_timer_arm"])

    def test_a_dearer_stage_is_measured_as_dearer(self):
        if TIMING != "table":
            self.skipTest("the model has no stages to set")
        before, after = (self.bench("cost", "send", "quiet", "receive", "samples=20", options=options)[0] for options in
                         ([], ["-s", "timing.stage_issue=616", "-s", "timing.stage_deliver=200",
                               "-s", "timing.insn_clui=7"]))
        self.assertEqual(after["senduipi_notify"] - before["senduipi_notify"], 616 - 216)
        self.assertEqual(after["senduipi_on_set"], before["senduipi_on_set"])
        self.assertAlmostEqual(after["receive"] - before["receive"], 200 - 112, delta=1)

    def test_a_single_instruction(self):
        got, _, _ = self.bench("cost", "stui", "rounds=3", "modes=1")
        self.assertEqual(set(got), {"overhead", "stui", "stui_copies"})
        self.assertEqual(got["stui"], self.bench("cost", "insn", "modes=1")[0]["stui"])

    def test_the_same_every_time(self):
        self.assert_same_every_time("cost", "samples=15", cores=3)


class Arguments(Case):
    """What the images are asked for on the command line."""

    def refusal(self, image, *arguments):
        with self.assertRaises(RuntimeError) as raised:
            self.bench(image, *arguments)
        text = str(raised.exception)
        self.assertIn("exit status 1\n", text)
        self.assertNotIn("BENCH", text)
        return text

    def test_unknown_words_are_refused(self):
        for image in ("cost", "latency", "slowdown", "machine", "senders"):
            self.assertIn(f"uintr_{image}: argument sedn: unknown; known: ", self.refusal(image, "sedn"))
        self.assertIn("argument sample=3: unknown; known: insn send ", self.refusal("cost", "send", "sample=3"))
        self.assertIn("argument samples: unknown", self.refusal("cost", "samples"))
        self.assertIn("argument send=1: unknown", self.refusal("cost", "send=1"))

    def test_values_are_numbers(self):
        for value in ("", "x", "1x", "-1", "1=2"):
            self.assertIn(f"argument samples={value}: expected a number", self.refusal("latency", f"samples={value}"))

    def test_the_last_one_counts(self):
        for arguments, count in ((("samples=10", "samples=50"), 50), (("samples=50", "spin", "samples=10"), 10)):
            _, stats, _ = self.bench("latency", "spin", *arguments)
            self.assertEqual(stats["uintr"]["stages"]["end_to_end"]["count"], count)


class Latency(Case):
    """From SENDUIPI to the handler, against the statistics of the same run."""

    def test_percentiles_are_those_of_the_statistics(self):
        for scene in ("spin", "masked", "kernel"):
            got, stats, _ = self.bench("latency", scene, "samples=150")
            end_to_end = stats["uintr"]["stages"]["end_to_end"]
            self.assertEqual(end_to_end["count"], 150)
            for ours, theirs in (("min", "min"), ("median", "p50"), ("p95", "p95"), ("p99", "p99")):
                self.assertAlmostEqual(got[f"latency_{scene}_{ours}"], end_to_end[theirs], delta=1, msg=f"{scene} {ours}")

    def test_waiting_costs_more_than_spinning(self):
        got, stats, _ = self.bench("latency", "spin", "masked", "kernel", "hlt", "ipi", "samples=80")
        for scene in ("masked", "kernel", "hlt"):
            self.assertGreater(got[f"latency_{scene}_median"], got["latency_spin_median"])
        self.assertGreater(got["latency_masked_p99"], got["latency_masked_min"])
        self.assertGreaterEqual(got["latency_ipi_min"], stats["config"]["interconnect"]["latency_cycles"])
        self.assertEqual(stats["uintr"]["delivered"], 4 * 80)

    def test_sends_are_spread_over_the_whole_stay(self):
        """From one sent as the stay begins, which waits for all of it, to one sent as it ends, which waits for nothing."""
        spin = self.bench("latency", "spin", "samples=20")[0]["latency_spin_median"]
        for scene in ("masked", "kernel"):
            for busy in (4000, 16000):
                got, _, _ = self.bench("latency", scene, f"busy={busy}", "samples=400")
                low, middle, high = (got[f"latency_{scene}_{rank}"] for rank in ("min", "median", "p99"))
                self.assertLess(low, spin + 0.1 * busy, f"{scene} {busy}")
                self.assertAlmostEqual(middle, busy / 2 + spin / 2, delta=0.1 * busy + spin / 2, msg=f"{scene} {busy}")
                self.assertAlmostEqual(high, busy, delta=0.05 * busy + spin / 2, msg=f"{scene} {busy}")

    def test_distance_is_measured(self):
        near, far = (self.bench("latency", "spin", "samples=20", options=["-s", f"interconnect.latency_cycles={cycles}"])[0]
                     for cycles in (100, 900))
        self.assertEqual(far["latency_spin_median"] - near["latency_spin_median"], 800)

    def test_x2apic(self):
        got, stats, _ = self.bench("latency", "spin", "ipi", "x2apic=1", "samples=20")
        self.assertEqual(stats["uintr"]["delivered"], 20)
        self.assertGreater(got["latency_ipi_min"], 0)

    def test_a_shared_line_in_lock_step(self):
        """Between two cores that write it in turn it takes one transfer; polled, two or three: the reader's last look, the
        writer's right to write, and the way to the reader."""
        got, stats, _ = self.bench("latency", "line", "pingpong", "samples=50", options=["--quantum", "1insn"])
        transfer = stats["config"]["timing"].get("transfer_cycles", 0)
        self.assertGreater(got["line_one_way"], transfer)
        self.assertLess(got["line_one_way"], transfer + 20)
        self.assertGreaterEqual(got["latency_line_p99"], 2 * transfer)
        self.assertLess(got["latency_line_p99"], 3 * transfer + 40)

    def test_a_line_of_another_core(self):
        got, stats, _ = self.bench("latency", "held", "samples=50", options=["--quantum", "1insn"])
        transfer = stats["config"]["timing"].get("transfer_cycles", 0)
        for name in ("line_load_clean", "line_load_modified"):
            self.assertGreaterEqual(got[name], transfer + 1)
            self.assertLess(got[name], transfer + 40)  # without caches a page walk may be in it

    def test_the_same_every_time(self):
        self.assert_same_every_time("latency", "samples=20")


class Slowdown(Case):
    """A loop's slowdown against the period."""

    def test_it_falls_with_the_period(self):
        got, stats, _ = self.bench("slowdown", "periods=12")
        self.assertEqual(got["tsc"], stats["config"]["cpu"]["clock_hz"] / 1e6)
        for kind in ("uintr", "ipi"):
            series = [got[f"slowdown_{kind}_{us}us"] for us in PERIODS]
            self.assertEqual(series, sorted(series, reverse=True), kind)
            self.assertGreater(series[0], series[-1])
        for us in PERIODS:
            for kind in ("uintr", "ipi", "poll"):
                self.assertGreaterEqual(got[f"taken_{kind}_{us}us"], 10)
        if TIMING == "table":
            for us in PERIODS:
                self.assertGreater(got[f"slowdown_ipi_{us}us"], got[f"slowdown_uintr_{us}us"])
            # Polling costs by the loop, not by the period: dearer at 200 us, cheaper at 1 us.
            self.assertGreater(got["slowdown_poll_200us"], got["slowdown_uintr_200us"])
            self.assertLess(got["slowdown_poll_1us"], got["slowdown_uintr_1us"])

    def test_one_interrupt_costs_what_a_receiver_loses(self):
        slow, _, _ = self.bench("slowdown", "uintr", "periods=40")  # the first find cold caches
        cost, _, _ = self.bench("cost", "receive", "samples=100")
        for us in PERIODS:
            self.assertAlmostEqual(slow[f"per_event_uintr_{us}us"], cost["receive"], delta=12 if TIMING == "cache" else 5, msg=f"{us} us")

    def test_the_same_every_time(self):
        self.assert_same_every_time("slowdown", "periods=3")


class Machine(Case):
    """Single instructions, crossings, memory."""

    def test_instructions_and_crossings(self):
        got, stats, _ = self.bench("machine", "insn", "crossing", cores=1)
        timing = stats["config"]["timing"]
        for name, key in (("add", "alu"), ("imul", "multiply"), ("div", "divide"), ("lock_add", "locked"), ("xchg", "locked"),
                          ("rdtsc", "rdtsc"), ("mfence", "fence"), ("pause", "pause"), ("cpuid_0", "cpuid")):
            self.assertEqual(got[name], timing.get(f"insn_{key}", 1), name)
        exception, iret = timing.get("event_exception", 0), timing.get("event_iret", 0)
        self.assertGreaterEqual(got["int_iret_kernel"], exception + iret)
        self.assertGreaterEqual(got["page_fault_iret"], exception + iret)
        self.assertGreaterEqual(got["syscall_sysret"], timing.get("event_syscall", 0) + timing.get("event_sysret", 0))
        self.assertGreaterEqual(got["iret_to_user"], iret)
        self.assertGreaterEqual(got["page_fault_entry"], exception)
        # There and back is both halves, and the handler's two instructions between them.
        self.assertAlmostEqual(got["page_fault_iret"], got["page_fault_entry"] + got["iret_to_user"] + 2, delta=2)
        self.assertAlmostEqual(got["int_iret_user"] - got["iret_to_user"], exception, delta=25)

    def test_memory(self):
        got, _, _ = self.bench("machine", "memory", "chase=1600", cores=1)
        if TIMING == "cache":
            series = [got[f"chase_{level}"] for level in ("l1", "l2", "l3", "l3_stlb", "l3_walk", "memory")]
            self.assertEqual(series, sorted(series))
        series = [got[f"chase_{level}"] for level in ("l1", "l2", "l3", "memory")]
        self.assertEqual(series, sorted(series))
        self.assertGreaterEqual(series[0], 1)

    def test_the_same_every_time(self):
        self.assert_same_every_time("machine", "insn", "crossing", cores=1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
