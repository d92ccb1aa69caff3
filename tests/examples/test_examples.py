#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The installed package and what examples/ builds with it: a timing plug-in and a SystemC platform.

Each class installs into a folder of its own, copies the example out of the source tree, configures and builds it there.
Needs BUILD (a complete build folder) and SOURCE in the environment; CMAKE, CC and CXX are optional.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

CMAKE = os.environ.get("CMAKE", "cmake")
BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
SOURCE = pathlib.Path(os.environ.get("SOURCE", ".")).resolve()


class Case(unittest.TestCase):
    """setUpClass installs; cls.prefix is where."""
    example = None

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="uintr-vp-example.")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        cls.prefix = cls.folder / "prefix"
        cls.run_command(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        if cls.example:
            shutil.copytree(SOURCE / "examples" / cls.example, cls.folder / "source")
            cls.built = cls.folder / "built"
            cls.run_command(CMAKE, "-S", cls.folder / "source", "-B", cls.built, f"-DCMAKE_PREFIX_PATH={cls.prefix}",
                            "-DCMAKE_BUILD_TYPE=Release")
            cls.run_command(CMAKE, "--build", cls.built)

    @staticmethod
    def run_command(*command, status=0):
        run = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=250, check=False)
        if run.returncode != status:
            raise AssertionError(f"{command}: status {run.returncode}, expected {status}\n{run.stdout}{run.stderr}")
        return run


class Package(Case):
    """What is installed."""

    def test_the_program_finds_its_profiles(self):
        run = self.run_command(self.prefix / "bin" / "uintr-vp", "config", "--profile", "sapphire-rapids")
        self.assertIn("timing.stage_issue", run.stdout)

    def test_nothing_in_it_names_the_source_or_the_build_folder(self):
        texts = [path for pattern in ("lib/cmake/**/*.cmake", "include/**/*") for path in self.prefix.glob(pattern)]
        self.assertGreater(len(texts), 20)
        for path in texts:
            if path.is_file():
                text = path.read_text()
                self.assertNotIn(str(SOURCE), text, path)
                self.assertNotIn(str(BUILD), text, path)

    def test_every_header_finds_what_it_includes(self):
        headers = sorted((self.prefix / "include" / "uintr_vp").glob("*.h"))
        self.assertGreater(len(headers), 15)
        flags = subprocess.run(["pkg-config", "--cflags", "systemc", "tlm"], capture_output=True, text=True,
                               check=True).stdout.split()
        source = self.folder / "headers.cpp"
        source.write_text("".join(f"#include <uintr_vp/{header.name}>\n" for header in headers))
        self.run_command(os.environ.get("CXX", "c++"), "-std=c++17", "-fsyntax-only", "-DSC_INCLUDE_DYNAMIC_PROCESSES",
                         *flags, f"-I{self.prefix / 'include'}", source)

    def test_the_header_of_plug_ins_needs_nothing_else(self):
        source = self.folder / "plugin.c"
        source.write_text("#include <uintr_vp/timing_model.h>\nint not_empty;\n")
        self.run_command(os.environ.get("CC", "cc"), "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                         f"-I{self.prefix / 'include'}", source)


class TimingPlugin(Case):
    """examples/timing-plugin with the installed simulator: each parameter moves its own cost by its own amount."""
    example = "timing-plugin"

    def simulate(self, *settings):
        stats = self.folder / "stats.json"
        arguments = [word for setting in settings for word in ("-s", setting)]
        run = self.run_command(self.prefix / "bin" / "uintr-vp", "run", "-q", "--cores", 2, "--stats", stats, "--timing",
                               self.built / "slow_icr.so", *arguments, BUILD / "sw" / "bench" / "uintr_cost.elf", "--",
                               "insn", "send", "quiet", "ipi", "samples=20")
        measured = {line.split()[1]: float(line.split()[2]) for line in run.stdout.splitlines()}
        return measured, json.loads(stats.read_text())

    def test_the_defaults(self):
        measured, stats = self.simulate()
        self.assertEqual(measured["senduipi_notify"], 1 + 400)
        self.assertEqual(measured["senduipi_on_set"], 1)
        self.assertEqual(measured["stui"], 1)
        self.assertEqual(stats["config"]["timing"], {"model": "slow_icr", "icr_write": 400, "apic_access": 60, "wire": 0}
                         | {"model": stats["config"]["timing"]["model"]})

    def test_each_parameter(self):
        measured, stats = self.simulate()
        slower, slower_stats = self.simulate("timing.icr_write=1000", "timing.apic_access=90", "timing.wire=333")
        self.assertEqual(slower["senduipi_notify"] - measured["senduipi_notify"], 600)
        self.assertEqual(slower["senduipi_on_set"], measured["senduipi_on_set"])
        self.assertEqual(slower["apic_timer_arm"] - measured["apic_timer_arm"], 2 * 30)
        stages, slower_stages = (s["uintr"]["stages"] for s in (stats, slower_stats))
        self.assertEqual(slower_stages["issue"]["p50"], 1000)
        self.assertEqual(slower_stages["travel"]["min"] - stages["travel"]["min"], 333)

    def test_it_is_listed_and_its_ranges_hold(self):
        program, plugin = self.prefix / "bin" / "uintr-vp", self.built / "slow_icr.so"
        listed = self.run_command(program, "models", "--timing", plugin).stdout
        for word in ("slow_icr:", "timing.icr_write = 400 cycles", "timing.apic_access", "timing.wire"):
            self.assertIn(word, listed)
        refused = self.run_command(program, "run", "--timing", plugin, "-s", "timing.icr_write=-1",
                                   BUILD / "sw" / "uipi_demo.elf", status=125)
        self.assertIn("timing.icr_write", refused.stderr)


class OwnPlatform(Case):
    """examples/own-platform: the modules linked into a SystemC program of somebody else."""
    example = "own-platform"

    def test_the_guest_runs(self):
        run = self.run_command(self.built / "own_platform", self.built / "guest.bin")
        self.assertIn("hello from a platform of one's own\n", run.stdout)
        self.assertIn("exit value 55 after ", run.stdout)

    def test_without_an_image_it_says_what_it_wants(self):
        run = self.run_command(self.built / "own_platform", status=2)
        self.assertIn("guest.bin", run.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
