#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The simulator's contracts, seen from outside: exit statuses, error messages, statistics, traces, determinism, time.

Needs the environment variables UINTR_VP (the program), GUEST (folder of images) and, for some cases, PLUGINS (folder of the
timing plug-ins of tests/unit/timing). Run one class: contracts.py ExitStatus. docs: design of the platform, "contracts".
"""
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import tempfile
import unittest

UINTR_VP = os.environ.get("UINTR_VP", "build/bin/uintr-vp")
GUEST = pathlib.Path(os.environ.get("GUEST", "build/sw"))
PLUGINS = pathlib.Path(os.environ.get("PLUGINS", "build/tests/timing_plugins"))
DEMO = GUEST / "uipi_demo.elf"
TO_DELIVERY = ["post", "issue", "travel", "accept", "notify", "hold", "deliver"]
STAGES = TO_DELIVERY + ["handle", "return"]
# Where the top of a stack is not known to it, as with SystemC's coroutines, AddressSanitizer says so at the first exception.
ASAN_NOTE = re.compile(r"==\d+==WARNING: ASan is ignoring requested __asan_handle_no_return.*\n.*\n.*\n")


class Case(unittest.TestCase):
    """A scratch folder, and a way to run the simulator in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="uintr-vp-contracts.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_vp(self, *arguments, command="run", timeout=60):
        result = subprocess.run([UINTR_VP, command, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=timeout, check=False)
        result.stderr = ASAN_NOTE.sub("", result.stderr)
        return result

    def run_demo(self, name, *arguments):
        """The demonstration with statistics and timeline; returns (output, statistics, trace text)."""
        stats, trace = self.folder / (name + ".json"), self.folder / (name + ".trace.json")
        run = self.run_vp("-q", "--cores", 2, "--stats", stats, "--trace", trace, "--max-time", "20ms", *arguments, DEMO)
        self.assertEqual(run.returncode, 0, run.stderr + run.stdout)
        return run.stdout, json.loads(stats.read_text()), trace.read_text()

    def assert_refused(self, run, *words):
        """Status 125, one line on stderr that has all words, nothing on stdout."""
        self.assertEqual(run.returncode, 125, run.stderr)
        self.assertEqual(run.stdout, "")
        lines = run.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, run.stderr)
        for word in words:
            self.assertIn(str(word), lines[0])


class ExitStatus(Case):
    """0-123 the guest's value, 124 limits, 126 the guest cannot go on."""

    def test_the_guests_value(self):
        for value in (0, 1, 2, 7, 64, 122, 123):
            run = self.run_vp("-q", GUEST / "status_exit.elf", "--", value)
            self.assertEqual(run.returncode, value, run.stderr)
            self.assertIn(f" {value}\"", run.stdout)

    def test_every_value_up_to_123(self):
        for value in range(3, 123, 17):
            self.assertEqual(self.run_vp("-q", GUEST / "status_exit.elf", "--", value).returncode, value)

    def test_a_value_above_123_is_an_error_of_the_guest(self):
        run = self.run_vp("-q", GUEST / "status_exit.elf", "--", 200)
        self.assertNotEqual(run.returncode, 0)
        self.assertNotEqual(run.returncode, 124)
        self.assertNotEqual(run.returncode, 127)

    def test_qemus_convention(self):
        for value in (0, 1, 5, 63):
            run = self.run_vp("-q", "--exit-status", "qemu", GUEST / "status_exit.elf", "--", value)
            self.assertEqual(run.returncode, value << 1 | 1)

    def test_limit_of_instructions(self):
        run = self.run_vp("--max-insns", 200000, GUEST / "status_spin.elf")
        self.assertEqual(run.returncode, 124, run.stderr)
        self.assertIn("max-insns", run.stderr)
        self.assertIn("spinning", run.stdout)

    def test_limit_of_time(self):
        run = self.run_vp("--max-time", "2ms", "--stats", self.folder / "s.json", GUEST / "status_spin.elf")
        self.assertEqual(run.returncode, 124, run.stderr)
        self.assertIn("max-time", run.stderr)
        time = json.loads((self.folder / "s.json").read_text())["sim"]["time_ps"]
        self.assertGreaterEqual(time, 2_000_000_000)
        self.assertLess(time, 2_010_000_000)

    def test_triple_fault(self):
        for timing in ("functional", "table"):
            run = self.run_vp("-q", "--cores", 2, "--timing", timing, GUEST / "status_triple.elf")
            self.assertEqual(run.returncode, 126, run.stderr)
            self.assertIn("triple fault", run.stderr)
            self.assertRegex(run.stderr, r"vector 6\b")
            symbol = symbol_address(GUEST / "status_triple.elf64", "triple_fault_here")
            self.assertIn(f"{symbol:x}", run.stderr)
            for core in ("core 0", "core 1"):
                self.assertIn(core, run.stderr)
            self.assertRegex(run.stderr, r"RSP [0-9a-f]{16}")
            self.assertNotIn("RSP", run.stdout)

    def test_all_cores_idle(self):
        for cores in (1, 4):
            run = self.run_vp("-q", "--cores", cores, GUEST / "status_idle.elf")
            self.assertEqual(run.returncode, 126, run.stderr)
            self.assertIn("idle", run.stderr)
            for core in range(cores):
                self.assertIn(f"core {core}", run.stderr)
            self.assertIn("RIP", run.stderr)

    def test_all_cores_idle_after_the_last_device_interrupt(self):
        for cores in (1, 2):
            run = self.run_vp("--cores", cores, GUEST / "status_pit.elf")
            self.assertEqual(run.returncode, 126, run.stderr)
            self.assertIn("idle", run.stderr)

    # The APIC timer goes on, but cannot wake anybody.
    def test_all_cores_idle_under_a_running_timer(self):
        for argument in ("timer", "priority"):
            for cores in (1, 2):
                run = self.run_vp("--cores", cores, GUEST / "status_idle.elf", "--", argument)
                self.assertEqual(run.returncode, 126, run.stderr)
                self.assertIn("idle", run.stderr)

    # Only the PIT runs, for ever: the user's signal ends it in order.
    def test_a_signal_ends_a_run_in_which_no_core_runs(self):
        command = [UINTR_VP, "run", "-q", "--stats", self.folder / "s.json", GUEST / "status_pit.elf", "--", "periodic"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            self.assertIn("halting", run.stdout.readline())
            run.send_signal(signal.SIGTERM)
            run.communicate(timeout=60)
        self.assertTrue((self.folder / "s.json").exists())

    def test_one_core_is_not_enough_for_the_demonstration(self):
        run = self.run_vp("-q", "--cores", 1, DEMO)
        self.assertIn(run.returncode, range(1, 124))
        self.assertIn("two cores", run.stdout)


def symbol_address(path, name):
    lines = subprocess.run(["nm", str(path)], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.split()[-1] == name)


class BadInput(Case):
    """Status 125 and one line that names file, key or value, and what was expected. Never a crash, never a hang."""

    def setUp(self):
        super().setUp()
        self.image = (GUEST / "boot.elf").read_bytes()

    def patched(self, name, changes=(), length=None):
        data = bytearray(self.image)
        for offset, layout, value in changes:
            struct.pack_into(layout, data, offset, value)
        path = self.folder / name
        path.write_bytes(data[:length])
        return path

    def test_missing_file(self):
        self.assert_refused(self.run_vp("nowhere.elf"), "nowhere.elf")

    def test_no_image(self):
        self.assert_refused(self.run_vp(), "IMAGE")

    def test_an_option_without_its_value(self):
        image = GUEST / "boot.elf"
        for option in ("--lint", "--stats", "--cores"):
            self.assert_refused(self.run_vp(option, image), option, image, "IMAGE")

    def test_empty_values(self):
        for option in ("--lint", "--stats", "--trace", "--itrace", "--profile", "--max-time", "--timing", "-c", "-s"):
            self.assert_refused(self.run_vp("-q", option, "", GUEST / "boot.elf"), option.lstrip("-"))
        self.assert_refused(self.run_vp("-q", ""), "IMAGE")

    def test_output_over_input_or_another_output(self):
        image = self.patched("image.elf")
        (self.folder / "link.elf").hardlink_to(image)
        config = self.folder / "config.toml"
        config.write_text("[platform]\ncores = 1\n")
        for option, file in (("--itrace", image), ("--trace", self.folder / "link.elf"),
                             ("--itrace", self.folder / "." / "image.elf"), ("--trace", config)):
            self.assert_refused(self.run_vp("-q", "-c", config, option, file, image), option, file.name)
        self.assertEqual(image.read_bytes(), self.image)
        same = self.folder / "same.json"
        self.assert_refused(self.run_vp("-q", "--stats", same, "--trace", same, image), "--trace", "--stats", same)
        self.assert_refused(self.run_vp("-q", "--itrace", self.folder / "x" / ".." / "same.json", "--trace", same, image),
                            "--itrace", "--trace")
        run = self.run_vp("-q", "--itrace", "/dev/null", "--trace", "/dev/null", image)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_folder(self):
        self.assert_refused(self.run_vp(self.folder), self.folder)

    def test_empty_and_truncated(self):
        header = struct.unpack_from("<I", self.image, 28)[0]  # e_phoff of ELF32
        offset, size = (struct.unpack_from("<I", self.image, header + field)[0] for field in (4, 16))  # p_offset, p_filesz
        for length in (0, 1, 3, 4, 15, 16, 40, 51, header + 10, offset + 100, offset + size // 2, offset + size - 1):
            path = self.patched(f"short_{length}.elf", length=length)
            self.assert_refused(self.run_vp(path), path)

    def test_not_an_elf(self):
        path = self.folder / "text.elf"
        path.write_text("hello, world\n" * 100)
        self.assert_refused(self.run_vp(path), path, "ELF")

    def test_wrong_architecture(self):
        for machine in (8, 40, 183, 243):
            path = self.patched("machine.elf", [(18, "<H", machine)])
            self.assert_refused(self.run_vp(path), path)

    def test_wrong_class_or_byte_order(self):
        for offset, value in ((4, 7), (5, 2)):
            path = self.patched("class.elf", [(offset, "<B", value)])
            self.assert_refused(self.run_vp(path), path)

    def test_no_multiboot_header(self):
        magic = self.image.index(struct.pack("<I", 0x1BADB002))
        path = self.patched("plain.elf", [(magic, "<I", 0)])
        self.assert_refused(self.run_vp(path), path, "ultiboot")

    def test_image_too_big(self):
        header = struct.unpack_from("<I", self.image, 28)[0]
        path = self.patched("big.elf", [(header + 20, "<I", 0x20000000)])  # p_memsz: 512 MiB
        self.assert_refused(self.run_vp(path), path, "memory")

    def test_image_outside_memory(self):
        header = struct.unpack_from("<I", self.image, 28)[0]
        path = self.patched("far.elf", [(header + 12, "<I", 0xF0000000)])  # p_paddr
        self.assert_refused(self.run_vp(path), path)

    def test_hostile_headers(self):
        """Whatever the program headers say, an error or a run with a limit, but no crash."""
        header = struct.unpack_from("<I", self.image, 28)[0]
        for offset, layout, value in ((28, "<I", 0xFFFFFFF0), (42, "<H", 1), (44, "<H", 0xFFFF), (header + 4, "<I", 0xFFFFFFFF),
                                      (header + 16, "<I", 0xFFFFFFFF), (header + 20, "<I", 0), (24, "<I", 0xFFFFFFFF)):
            path = self.patched("hostile.elf", [(offset, layout, value)])
            run = self.run_vp("-q", "--max-insns", 100000, path)
            self.assertIn(run.returncode, (124, 125, 126), f"{offset} {value:x}: {run.returncode} {run.stderr}")

    def test_unknown_option(self):
        self.assert_refused(self.run_vp("--no-such-option", DEMO), "--no-such-option")

    def test_unknown_command(self):
        self.assert_refused(self.run_vp(DEMO, command="fly"), "fly")

    def test_misspelt_key(self):
        self.assert_refused(self.run_vp("--set", "interconnect.latencycycles=3", DEMO), "interconnect.latencycycles")

    def test_misspelt_key_in_a_file(self):
        path = self.folder / "c.toml"
        path.write_text("[platform]\ncoers = 2\n")
        self.assert_refused(self.run_vp("--config", path, DEMO), path, "platform.coers")

    def test_broken_file(self):
        path = self.folder / "c.toml"
        path.write_text("[platform\ncores = 2\n")
        self.assert_refused(self.run_vp("--config", path, DEMO), path)

    def test_missing_config_and_profile(self):
        self.assert_refused(self.run_vp("--config", "nowhere.toml", DEMO), "nowhere.toml")
        self.assert_refused(self.run_vp("--profile", "nowhere", DEMO), "nowhere")

    def test_mistakes_of_a_profile(self):
        """Each names the file and the line."""
        head = '[profile]\nname = "mine"\nsummary = "mine"\n[timing]\n'
        path = self.folder / "mine.toml"
        for text, words in (
                ('insn_allu = { value = 1, source = "s", confidence = "read" }\n', ["5: ", "unknown key 'timing.insn_allu'"]),
                ('insn_alu = { value = "1 ns", source = "s", confidence = "read" }\n', ["5: ", "insn_alu", "1 ns", "cycles"]),
                ('insn_alu = { value = 0, source = "s", confidence = "read" }\n', ["5: ", "insn_alu = '0'", "from 1 to 100000 cycles"]),
                ('acceptance = { value = "stall", source = "s", confidence = "read" }\n', ["5: ", "acceptance", "flush, drain, tracked"]),
                ("\ninsn_alu = { value = 2 }\n", ["6: ", "source"]),
                ("\ninsn_alu = 2\n", ["6: ", "source"])):
            path.write_text(head + text)
            self.assert_refused(self.run_vp("--profile", path, DEMO), f"{path}:", *words)
        path.write_text('include = "yours"\n' + head)
        self.assert_refused(self.run_vp("--profile", path, DEMO), f"{path}:1: ", "include", "yours.toml")
        yours = self.folder / "yours.toml"
        yours.write_text('include = "mine.toml"\n' + head)
        self.assert_refused(self.run_vp("--profile", path, DEMO), f"{yours}:1: ", "include", "mine.toml")
        yours.write_text(head + 'insn_alu = { value = 7, source = "s", confidence = "read" }\n')
        self.assertIn(f"{yours}:5", self.run_vp("--profile", path, command="config").stdout)

    def test_values_that_do_not_fit_together_name_where_they_were_set(self):
        """What only the timing model or the interconnect can see."""
        path = self.folder / "mine.toml"
        include = 'include = "sapphire-rapids"'
        for first, text, words in ((include, 'insn_alu = { value = 1.5, @ }', [":6: ", "timing.insn_alu = 1.5"]),
                                   (include, 'model = { value = "cache", @ }\nl2_cycles = { value = 3, @ }', [":7: ", "timing.l2_cycles = 3"]),
                                   ("", 'model = { value = "cache", @ }\nl1_cycles = { value = 30, @ }', [":7: ", "timing.l2_cycles = 16"]),
                                   ("", 'model = { value = "cache", @ }\nl1d_ways = { value = 7, @ }', [":7: ", "timing.l1d_kib = 48"])):
            path.write_text(f'{first}\n[profile]\nname = "mine"\nsummary = "mine"\n[timing]\n'
                            + text.replace("@", 'source = "s", confidence = "read"') + "\n")
            self.assert_refused(self.run_vp("--profile", path, DEMO), f"{path}:", *words)
        mesh = ("--set", "interconnect.model=mesh")
        self.assert_refused(self.run_vp(*mesh, "--set", "interconnect.placement=0,0", DEMO), "--set: interconnect.placement")
        self.assert_refused(self.run_vp(*mesh, "--cores", 64, DEMO), "--cores: interconnect.placement = 'rows': 64 cores")

    def test_value_out_of_range(self):
        for key, value in (("platform.cores", 0), ("platform.cores", 100000), ("interconnect.latency_cycles", -1),
                           ("interconnect.latency_cycles", 10**12), ("cpu.clock_hz", 0)):
            self.assert_refused(self.run_vp("--set", f"{key}={value}", DEMO), key, value)

    def test_value_of_the_wrong_kind(self):
        self.assert_refused(self.run_vp("--set", "platform.cores=two", DEMO), "platform.cores", "two")
        self.assert_refused(self.run_vp("--set", "platform.cores", DEMO), "platform.cores")
        self.assert_refused(self.run_vp("--set", "cpu.features=uintr,telepathy", DEMO), "telepathy")
        self.assert_refused(self.run_vp("--quantum", "sometimes", DEMO), "sometimes")
        self.assert_refused(self.run_vp("--memory", "1", DEMO), "1")
        self.assert_refused(self.run_vp("--max-time", "soon", DEMO), "soon")

    def test_unknown_timing_model(self):
        self.assert_refused(self.run_vp("--timing", "sundial", DEMO), "sundial", "table")

    def test_unknown_timing_parameter(self):
        self.assert_refused(self.run_vp("--timing", "table", "--set", "timing.insn_magic=1", DEMO), "timing.insn_magic")

    def test_shared_object_that_is_none(self):
        path = self.folder / "text.so"
        path.write_text("not a shared object\n")
        self.assert_refused(self.run_vp("--timing", path, DEMO), path)
        self.assert_refused(self.run_vp("--timing", self.folder / "absent.so", DEMO), "absent.so")

    def test_output_file_that_cannot_be_written(self):
        for option in ("--stats", "--trace"):
            self.assert_refused(self.run_vp(option, self.folder / "absent" / "x.json", DEMO), "absent")

    def test_missing_module(self):
        self.assert_refused(self.run_vp("--module", "nowhere.img", DEMO), "nowhere.img")


class Statistics(Case):
    """Names, sums, and that every cycle of a user interrupt is in a stage."""

    def check_stages(self, stats):
        stages = stats["uintr"]["stages"]
        for name in STAGES + ["end_to_end"]:
            for key in ("count", "min", "mean", "p50", "p95", "p99", "max"):
                self.assertIn(key, stages[name], name)
        total = sum(round(stages[name]["count"] * stages[name]["mean"]) for name in TO_DELIVERY if stages[name]["count"])
        end_to_end = stages["end_to_end"]
        self.assertEqual(total, round(end_to_end["count"] * end_to_end["mean"]))
        self.assertGreater(end_to_end["count"], 0)

    def test_names(self):
        _, stats, _ = self.run_demo("a")
        for key in ("time_ps", "host_seconds", "instructions", "mips", "exit_status", "exit_reason"):
            self.assertIn(key, stats["sim"])
        self.assertEqual(len(stats["cores"]), 2)
        self.assertEqual(len(stats["apics"]), 2)
        for core in stats["cores"]:
            for key in ("instructions", "cycles", "interrupts", "exceptions", "syscalls"):
                self.assertIn(key, core)
            for key in ("sent", "coalesced", "suppressed", "notified", "delivered", "returned"):
                self.assertIn(key, core["uintr"])
        self.assertEqual(stats["sim"]["exit_status"], 0)
        self.assertEqual(stats["config"]["platform"]["cores"], 2)

    def test_delivered_on_core_1(self):
        _, stats, _ = self.run_demo("a")
        self.assertEqual(stats["cores"][1]["uintr"]["delivered"], 15)
        self.assertEqual(stats["cores"][1]["uintr"]["returned"], 15)
        self.assertEqual(stats["cores"][0]["uintr"]["delivered"], 0)
        self.assertGreater(stats["cores"][0]["uintr"]["sent"], 0)
        self.assertEqual(stats["uintr"]["stages"]["deliver"]["count"], 15)

    def test_stages_add_up(self):
        for arguments in (("--timing", "table"), ("--timing", "functional"), ("--profile", "ideal"),
                          ("--set", "interconnect.latency_cycles=1000"), ("--quantum", "1insn")):
            with self.subTest(arguments=arguments):
                self.check_stages(self.run_demo("a", *arguments)[1])

    def test_stages_of_each_interrupt_add_up(self):
        """In the timeline: each user interrupt's slices follow each other without a gap and sum to its whole."""
        for timing in ("table", "functional"):
            _, stats, trace = self.run_demo(timing, "--timing", timing)
            interrupts = {}
            for event in json.loads(trace)["traceEvents"]:
                if event.get("cat") == "uintr" and "number" in event.get("args", {}):
                    current = interrupts.setdefault(event["args"]["number"], [event, []])
                elif event.get("cat") == "stage":
                    current[1].append(event)
            self.assertEqual(len(interrupts), stats["uintr"]["stages"]["deliver"]["count"])
            sums = {name: 0 for name in STAGES}
            for number, (whole, parts) in interrupts.items():
                names = [part["name"] for part in parts]
                self.assertEqual(names, [n for n in STAGES if n in names], f"order of the stages of {number}")
                self.assertLessEqual({"post", "deliver", "handle", "return"}, set(names))
                for before, after in zip(parts, parts[1:]):
                    self.assertEqual(before["args"]["to"], after["args"]["from"], f"gap in {number}")
                self.assertEqual(whole["args"]["cycles"], sum(part["args"]["cycles"] for part in parts))
                for part in parts:
                    self.assertEqual(part["args"]["cycles"], part["args"]["to"] - part["args"]["from"])
                    sums[part["name"]] += part["args"]["cycles"]
            for name in STAGES:
                stage = stats["uintr"]["stages"][name]
                self.assertEqual(sums[name], round(stage["count"] * (stage["mean"] or 0)), name)

    def test_text_form(self):
        path = self.folder / "s.txt"
        run = self.run_vp("-q", "--cores", 2, "--stats", path, DEMO)
        self.assertEqual(run.returncode, 0, run.stderr)
        lines = path.read_text().splitlines()
        self.assertTrue(any(re.match(r"cores\.?\[?1\]?\.uintr\.delivered\s+15\b.*#", line) for line in lines), lines[:40])
        self.assertTrue(all("#" in line for line in lines if line.strip() and not line.startswith("#")))

    def test_instruction_trace(self):
        path = self.folder / "i.txt"
        run = self.run_vp("-q", "--cores", 2, "--itrace", path, DEMO)
        self.assertEqual(run.returncode, 0, run.stderr)
        text = path.read_text()
        for mnemonic in ("senduipi", "uiret", "stui", "clui", "iretq", "syscall", "sysret"):
            self.assertIn(mnemonic, text)

    def test_completed_encodings(self):
        path = self.folder / "opcodes"
        plain = self.run_vp("-q", "--cores", 2, "--stats", self.folder / "plain.json", DEMO)
        run = self.run_vp("-q", "--cores", 2, "--stats", self.folder / "s.json", "--opcodes", path, DEMO)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, plain.stdout, ""))
        stats = [json.loads((self.folder / name).read_text()) for name in ("plain.json", "s.json")]
        self.assertEqual(without_host_values(stats[0]), without_host_values(stats[1]), "watching must not change the run")
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        encodings = {(mnemonic, encoding) for _, mnemonic, encoding in rows}
        for row in (("senduipi", "F3 0F C7 /6 (register)"), ("uiret", "F3 0F 01 EC"), ("lgdt", "0F 01 /2 (memory)"), ("hlt", "F4")):
            self.assertIn(row, encodings)
        self.assertNotIn("daa", {mnemonic for mnemonic, _ in encodings})

    def test_instructions_that_are_missing_are_named_once(self):
        run = self.run_vp("-q", "--set", "cpu.features=-uintr", GUEST / "conf_absent.elf")
        self.assertEqual(run.returncode, 0, run.stderr)
        lines = [line for line in run.stderr.splitlines() if "not implemented: senduipi" in line]
        self.assertEqual(len(lines), 1, run.stderr)
        self.assertRegex(lines[0], r"not implemented: senduipi \(bytes f3 0f c7 f[0-7]\) at RIP [0-9a-f]+$")

    def test_console_is_alone_on_stdout(self):
        run = self.run_vp("--cores", 2, DEMO)
        self.assertNotIn("simulated time", run.stdout)
        self.assertIn("simulated time", run.stderr)
        quiet = self.run_vp("-q", "--cores", 2, DEMO)
        self.assertEqual(quiet.stdout, run.stdout)
        self.assertEqual(quiet.stderr, "")


def without_host_values(stats):
    for key in ("host_seconds", "mips"):
        stats["sim"].pop(key)
    return json.dumps(stats)


class Determinism(Case):
    """The same run twice is the same to the byte; what a run depends on is only what it was told."""

    def test_two_runs_are_identical(self):
        for arguments in (("--timing", "table"), ("--timing", "functional"), ("--timing", "cache"), ("--quantum", "1insn"),
                          ("--timing", "cache", "--set", "interconnect.model=mesh")):
            with self.subTest(arguments=arguments):
                first, second = self.run_demo("a", *arguments), self.run_demo("b", *arguments)
                self.assertEqual(first[0], second[0])
                self.assertEqual(without_host_values(first[1]), without_host_values(second[1]))
                self.assertEqual(first[2], second[2])

    def test_stress_on_four_cores_is_identical(self):
        texts = []
        for timing in ("table", "cache"):
            for name in ("a", "b"):
                stats = self.folder / (name + ".json")
                run = self.run_vp("-q", "--cores", 4, "--timing", timing, "--stats", stats, GUEST / "conf_cores.elf",
                                  timeout=120)
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
                texts.append(run.stdout + without_host_values(json.loads(stats.read_text())))
            self.assertEqual(texts[-2], texts[-1])

    def test_instruction_traces_are_identical(self):
        for name in ("a", "b"):
            self.run_demo(name, "--itrace", self.folder / (name + ".txt"))
        self.assertEqual((self.folder / "a.txt").read_bytes(), (self.folder / "b.txt").read_bytes())

    def test_timing_model_changes_nothing_architectural_on_one_core(self):
        outputs, instructions = set(), set()
        for arguments in (("--timing", "functional"), ("--timing", "table"), ("--timing", "cache"), ("--profile", "ideal"),
                          ("--timing", "table", "--set", "timing.insn_alu=7"), ("--quantum", "1insn"), ("--quantum", "100000cycles")):
            stats = self.folder / "s.json"
            run = self.run_vp("-q", "--cores", 1, *arguments, "--stats", stats, GUEST / "cpu_int.elf", timeout=120)
            self.assertEqual(run.returncode, 0, run.stderr)
            outputs.add(run.stdout)
            instructions.add(json.loads(stats.read_text())["cores"][0]["instructions"])
        self.assertEqual(len(outputs), 1)
        self.assertEqual(len(instructions), 1)


class Policies(Case):
    """Parameters that architects vary, seen in the stages of the demonstration."""

    def stage(self, name, *arguments):
        return self.run_demo("a", *arguments)[1]["uintr"]["stages"][name]["min"]

    def test_acceptance_is_felt_in_the_stage_accept_and_nowhere_else(self):
        for timing in ("table", "cache"):
            got = {policy: self.run_demo(policy, "--timing", timing, "--set", f"timing.acceptance={policy}")[1]
                   for policy in ("flush", "drain", "tracked")}
            accept = {policy: stats["uintr"]["stages"]["accept"]["min"] for policy, stats in got.items()}
            # The wait for the end of an instruction is in it too, here up to a PAUSE or a division.
            self.assertAlmostEqual(accept["flush"] - accept["drain"], 424 - 192, delta=40, msg=timing)
            self.assertAlmostEqual(accept["drain"] - accept["tracked"], 192, delta=40, msg=timing)
            for stage in ("travel", "deliver"):
                self.assertEqual(len({stats["uintr"]["stages"][stage]["min"] for stats in got.values()}), 1, stage)
            self.assertEqual(got["drain"]["config"]["timing"]["acceptance"], "drain")
        self.assertAlmostEqual(self.stage("accept", "--set", "timing.acceptance=drain", "--set", "timing.accept_drain=292"),
                               self.stage("accept", "--set", "timing.acceptance=drain") + 100, delta=40)

    def test_the_models_print_what_an_enumeration_may_be(self):
        text = self.run_vp(command="models").stdout
        self.assertEqual(text.count("timing.acceptance = flush   one of: flush, drain, tracked"), 2)

    def test_a_farther_core_costs_more(self):
        """On a mesh, for messages and for the UPID's line alike."""
        near, far, fixed = (
            self.run_demo(name, "--timing", "cache", *(("--set", "interconnect.model=mesh",
                                                        "--set", f"interconnect.placement={tiles}") if tiles else ()))[1]
            for name, tiles in (("near", "0,1"), ("far", "0,27"), ("fixed", "")))
        stages = [stats["uintr"]["stages"] for stats in (near, far, fixed)]
        hops = 8 * (3 + 6 - 1)  # from corner to corner of 4 by 7 tiles, beyond the first hop
        self.assertEqual(stages[1]["travel"]["min"] - stages[0]["travel"]["min"], hops)
        self.assertEqual(stages[0]["travel"]["min"], stages[2]["travel"]["min"])
        # The line goes to the receiver in notify, and back to the sender in post.
        self.assertEqual(stages[1]["notify"]["min"] - stages[0]["notify"]["min"], hops)
        self.assertGreaterEqual(stages[1]["post"]["p50"] - stages[0]["post"]["p50"], hops)


class Time(Case):
    """Latency of the interconnect, quanta, and exact arrival."""

    def test_latency_changes_travel_and_nothing_else(self):
        for timing in ("table", "functional"):
            results = [self.run_demo(str(latency), "--timing", timing, "--set", f"interconnect.latency_cycles={latency}")
                       for latency in (100, 1000)]
            near, far = (r[1]["uintr"]["stages"]["travel"] for r in results)
            self.assertEqual(near["count"], far["count"])
            self.assertGreater(near["count"], 0)
            for key in ("min", "mean", "p50", "p95", "p99", "max"):
                self.assertAlmostEqual(far[key] - near[key], 900, places=6, msg=key)
            self.assertEqual(results[0][0], results[1][0], "what the guest prints")
            for key in ("sent", "coalesced", "suppressed", "notified", "delivered", "returned"):
                for core in (0, 1):
                    self.assertEqual(results[0][1]["cores"][core]["uintr"][key], results[1][1]["cores"][core]["uintr"][key], key)

    def test_arrival_is_exact_for_any_quantum_up_to_the_lookahead(self):
        """The lookahead is the least latency. (What cores see of each other's memory may depend on the quantum, arrivals not.)"""
        for quantum in ("auto", "1insn", "1cycles", "50cycles", "20ns", "200cycles"):
            with self.subTest(quantum=quantum):
                _, stats, _ = self.run_demo("q", "--quantum", quantum)
                travel = stats["uintr"]["stages"]["travel"]
                self.assertEqual((travel["min"], travel["max"]), (200, 200))
                for apic in stats["apics"]:
                    self.assertEqual((apic["late_arrivals"], apic["worst_lateness_cycles"]), (0, 0))

    def test_mesh(self):
        """Neighbours take the least latency, others more for each hop; the lookahead follows from the placement."""
        mesh = ("--set", "interconnect.model=mesh", "--set", "interconnect.hop_cycles=30")
        for placement, travel in (("rows", 200), ("0,1", 200), ("0,3", 260), ("1,27", 410)):
            with self.subTest(placement=placement):
                _, stats, _ = self.run_demo("m", *mesh, "--set", f"interconnect.placement={placement}")
                stage = stats["uintr"]["stages"]["travel"]
                self.assertEqual(stage["min"], travel)
                self.assertLessEqual(stage["max"], travel + 10, "links are taken for 2 cycles")
                for apic in stats["apics"]:
                    self.assertEqual((apic["late_arrivals"], apic["worst_lateness_cycles"]), (0, 0))

    def test_lines_wait_for_taken_links(self):
        """Eight cores under one roof: the longer a line occupies a link, the more others wait; without contention none."""
        results = []
        for link_cycles in (0, 2, 20):
            stats = self.folder / "links.json"
            run = self.run_vp("-q", "--cores", 8, "--profile", "sapphire-rapids-mesh", "--stats", stats, "--set",
                              f"interconnect.link_cycles={link_cycles}", GUEST / "smp.elf", timeout=120)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            results.append(json.loads(stats.read_text())["interconnect"])
        free, short, long = results
        self.assertEqual((free["line_waits"], free["line_wait_cycles"]), (0, 0))
        self.assertGreater(free["lines"], 1000)
        self.assertGreater(short["line_waits"], 0)
        self.assertGreater(long["line_wait_cycles"], 10 * short["line_wait_cycles"])

    def test_a_mesh_moves_lines_too(self):
        """A user interrupt between distant tiles: its messages and its UPID's line travel farther."""
        ends = []
        for placement in ("0,1", "0,27"):
            _, stats, _ = self.run_demo("m", "--timing", "cache", "--set", "interconnect.model=mesh",
                                        "--set", "interconnect.hop_cycles=30", "--set", f"interconnect.placement={placement}")
            ends.append(stats["uintr"]["stages"])
        for stage in ("travel", "notify"):
            self.assertEqual(ends[1][stage]["max"] - ends[0][stage]["max"], 8 * 30, stage)

    def test_short_latencies(self):
        """A lookahead shorter than most instructions: slow, but it gets on."""
        for latency in (1, 7, 20):
            with self.subTest(latency=latency):
                _, stats, _ = self.run_demo("l", "--set", f"interconnect.latency_cycles={latency}")
                self.assertEqual(stats["uintr"]["stages"]["travel"]["max"], latency)

    def test_a_quantum_beyond_the_lookahead_is_never_silent(self):
        run, stats, _ = self.run_demo("q", "--quantum", "100000cycles")
        late = sum(apic.get("late_arrivals", 0) for apic in stats["apics"])
        worst = max(apic.get("worst_lateness_cycles", 0) for apic in stats["apics"])
        self.assertEqual(late > 0, worst > 0)
        self.assertGreater(late, 0, "user interrupts between running cores cannot all be on time here")


class Machine(Case):
    """What the boot loader hands over."""

    def test_module_and_command_line(self):
        module = self.folder / "module.txt"
        module.write_text("module text, handed over by the boot loader\n")
        run = self.run_vp("-q", "--module", module, GUEST / "boot.elf", "--", "expect-module", "and", "more")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("expect-module and more", run.stdout)
        self.assertIn("PASS boot: the module has its text", run.stdout)

    def test_memory_sizes(self):
        for size in ("64M", "256M", "1G", "3G", "5G"):
            run = self.run_vp("-q", "--memory", size, GUEST / "boot.elf")
            self.assertEqual(run.returncode, 0, size + run.stdout + run.stderr)

    def test_elf64_image(self):
        run = self.run_vp("-q", GUEST / "boot.elf64")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_cores_are_enumerated(self):
        for cores in (1, 3, 8):
            run = self.run_vp("-q", "--cores", cores, GUEST / "smp.elf", timeout=120)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            self.assertIn(f"the MADT lists processors ({cores})", run.stdout)

    def test_without_the_feature(self):
        features = next(line.split()[1] for line in self.run_vp(command="config").stdout.splitlines() if line.startswith("cpu.features"))
        rest = ",".join(name for name in features.split(",") if name != "uintr")
        run = self.run_vp("-q", "--cores", 2, "--set", f"cpu.features={rest}", DEMO)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn("no user interrupts", run.stdout)


class Lint(Case):
    """--lint uintr: each sin of lint_uintr.elf is told once, with its place; what is right is not told."""

    def lint(self, *arguments, image="lint_uintr", cores=2):
        run = self.run_vp("-q", "--lint", "uintr", "--cores", cores, GUEST / f"{image}.elf", *arguments)
        self.assertEqual(run.returncode, 0, run.stderr + run.stdout)
        return [line for line in run.stderr.splitlines() if "lint:" in line]

    def assert_told(self, sin, *words):
        lines = self.lint("--", sin)
        self.assertEqual(len(lines), 1, lines)
        for word in ("core 0", "RIP ", *words):
            self.assertIn(word, lines[0])

    def test_each_sin_is_told_once(self):
        self.assert_told("ret", "returns with RET instead of UIRET")
        self.assert_told("iret", "returns with IRET instead of UIRET")
        self.assert_told("store", "ON and SN of the UPID", "core 1 may post")
        self.assert_told("pir", "PIR of the UPID", "core 1 may post")
        self.assert_told("early", "ON and SN of the UPID", "core 1 may post")
        self.assert_told("ndst", "NDST 00000001", "not in the form of xAPIC mode")
        self.assert_told("x2ndst", "NDST 00000100", "in the form of xAPIC mode")
        self.assert_told("uinv", "UINV ec", "still set")
        self.assert_told("thread", "UINV", "still set", "FS base")
        self.assert_told("stack", "STACKADJUST 64", "red zone")
        self.assert_told("above", "STACKADJUST -256", "above RSP")

    def test_nothing_to_tell(self):
        self.assertEqual(self.lint("--", "none"), [])
        self.assertEqual(self.lint(image="uipi_demo"), [])

    def test_the_guest_does_the_same_with_and_without(self):
        stats = []
        for options in ([], ["--lint", "uintr"]):
            path = self.folder / f"{len(stats)}.json"
            run = self.run_vp("-q", *options, "--stats", path, DEMO)
            self.assertEqual(run.returncode, 0, run.stderr)
            tree = json.loads(path.read_text())
            for core in tree["cores"]: # the observed engine cuts blocks in other places
                del core["blocks_decoded"]
            tree["uintr"].pop("lint_warnings", None)
            stats.append((run.stdout, tree["cores"], tree["uintr"], tree["sim"]["time_ps"]))
        self.assertEqual(stats[0], stats[1])

    def test_an_unknown_lint_is_refused(self):
        self.assert_refused(self.run_vp("--lint", "uint", DEMO), "--lint", "uint", "uintr")


if __name__ == "__main__":
    unittest.main(verbosity=2)
