#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks can fail: each test plants one violation in a small project of its own and sees it found, by file and line."""
import pathlib
import subprocess
import tempfile
import unittest

import headers
import layers
import objects
import text_rules
from source_tree import SourceTree

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
SOUND = {
    "models/common/vp.h": SPDX + "#include <stdint.h>\n",
    "models/cpu/core/cpu.h": SPDX + "struct cpu;\n",
    "models/cpu/core/cpu_state.h": SPDX + '#include "cpu.h"\n#include <stdint.h>\nstruct cpu { uint64_t rip; };\n',
    "models/cpu/core/cpu.c": SPDX + '#include "cpu_state.h"\n#include "uintr.h"\n#include "vp.h"\n#include <string.h>\n',
    "models/uintr_unit/core/uintr.h": SPDX + "struct uintr;\n",
    "models/uintr_unit/core/uintr_state.h": SPDX + "struct uintr { int uif; };\n",
    "models/lapic/core/lapic.h": SPDX + "struct lapic;\n",
    "models/cpu/shell/cpu_module.cpp": SPDX + '#include "cpu.h"\n#include <systemc>\n',
    "platform/main.cpp": SPDX + '#include "cpu.h"\n#include <vector>\n',
    "sw/lib/string.h": SPDX + "int memcmp_guest;\n",
    "sw/lib/cpu.h": SPDX + "int guest_cpu;\n",
    "sw/tests/boot.c": SPDX + '#include "cpu.h"\n#include "string.h"\n',
    "tests/unit/cpu/test_cpu.cpp": SPDX + '#include "cpu_state.h"\n',
    "docs/building.md": "`make test` and `scripts/setup`; see `models/cpu/core/cpu.c` or `cpu.c`\n",
    "README.md": "    make test\n\n`models/cpu/core/cpu.c`\n",
    "Makefile": "# SPDX-License-Identifier: Apache-2.0\nhelp test: build\nbuild:\nX := 1\n",
    "scripts/setup": "# SPDX-License-Identifier: Apache-2.0\n",
}


class CheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = SourceTree(folder.name)
        for path, text in SOUND.items():
            self.plant(path, text)

    def plant(self, path, text):
        file = self.tree.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def assert_finds(self, check, path, words):
        found = check(self.tree)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(path), found)
        self.assertIn(words, found[0])


class Sound(CheckTest):
    def test_a_sound_project_passes_every_check(self):
        for check in (layers.check_layers, headers.check_headers, text_rules.check_length, text_rules.check_licence,
                      text_rules.check_unfinished, text_rules.check_commands, text_rules.check_paths):
            self.assertEqual(check(self.tree), [], check.__name__)


class Layers(CheckTest):
    def include(self, path, line, words):
        self.plant(path, SPDX + line + "\n")
        self.assert_finds(layers.check_layers, f"{path}:2", words)

    def test_core_includes_systemc(self):
        self.include("models/cpu/core/a.c", "#include <systemc>", "SystemC")

    def test_core_includes_tlm_in_quotes(self):
        self.include("models/lapic/core/a.h", '#include "tlm.h"', "SystemC")

    def test_timing_includes_cxx_header(self):
        self.include("models/timing/a.h", "#include <vector>", "C++ header")

    def test_common_includes_cxx_header(self):
        self.include("models/common/a.h", "#  include <cstdint>", "C++ header")

    def test_core_includes_stdio(self):
        self.include("models/memory/core/a.c", "#include <stdio.h>", "<stdio.h>")

    def test_core_includes_threads(self):
        self.include("models/uintr_unit/core/a.c", "#include <pthread.h>", "<pthread.h>")

    def test_cpu_core_includes_lapic(self):
        self.include("models/cpu/core/a.c", '#include "lapic.h"', "may not include lapic")

    def test_cpu_core_includes_lapic_in_angle_brackets(self):
        self.include("models/cpu/core/a.c", "#include <lapic.h>", "may not include lapic")

    def test_cpu_core_includes_lapic_by_relative_path(self):
        self.include("models/cpu/core/a.c", '#include "../../lapic/core/lapic.h"', "may not include lapic")

    def test_core_includes_shell(self):
        self.plant("models/cpu/shell/cpu_module.h", SPDX)
        self.include("models/cpu/core/a.c", '#include "cpu_module.h"', "includes a shell")

    def test_model_includes_platform(self):
        self.plant("platform/console.h", SPDX)
        self.include("models/cpu/shell/a.cpp", '#include "console.h"', "a model includes platform/console.h")

    def test_other_model_includes_private_state(self):
        self.include("models/cpu/core/a.c", '#include "uintr_state.h"', "private to uintr_unit")

    def test_platform_includes_private_state(self):
        self.include("platform/a.cpp", '#include "cpu_state.h"', "private to cpu")

    def test_unit_tests_of_another_model_include_private_state(self):
        self.include("tests/unit/lapic/test_a.cpp", '#include "cpu_state.h"', "private to cpu")

    def test_guest_includes_model(self):
        self.include("sw/tests/a.c", '#include "lapic.h"', "guest software and simulator share")

    def test_guest_includes_model_by_relative_path(self):
        self.include("sw/lib/a.c", '#include "../../models/cpu/core/cpu.h"', "guest software and simulator share")

    def test_simulator_includes_guest(self):
        self.plant("sw/lib/apic_guest.h", SPDX)
        self.include("platform/a.cpp", '#include "apic_guest.h"', "guest software and simulator share")


class Text(CheckTest):
    def test_long_file(self):
        self.plant("platform/long.cpp", SPDX + "\n" * text_rules.LONGEST_FILE)
        self.assert_finds(text_rules.check_length, "platform/long.cpp", "801 lines")

    def test_large_kernel(self):
        for i in range(12):
            self.plant(f"sw/kernel/mm/{i}.c", SPDX + "\n" * 759)
        self.assert_finds(text_rules.check_length, "sw/kernel", "9120 lines")

    def test_missing_licence(self):
        self.plant("platform/a.cpp", "int x;\n")
        self.assert_finds(text_rules.check_licence, "platform/a.cpp", "is missing")

    def test_missing_licence_in_script_and_build_file(self):
        self.plant("scripts/a", "#!/bin/sh\n")
        self.plant("platform/CMakeLists.txt", "project(x)\n")
        self.assertEqual(len(text_rules.check_licence(self.tree)), 2)

    def test_unfinished_work(self):
        for word in ("TO" "DO", "FIX" "ME", "XX" "X"):
            self.plant("sw/lib/a.c", SPDX + f"/* {word}: later */\n")
            self.assert_finds(text_rules.check_unfinished, "sw/lib/a.c:2", word)

    def test_unknown_make_target(self):
        self.plant("docs/a.md", "run `make tset` now\n")
        self.assert_finds(text_rules.check_commands, "docs/a.md:1", "make tset")

    def test_unknown_make_target_in_indented_code(self):
        self.plant("README.md", "Type\n\n    make demonstration\n")
        self.assert_finds(text_rules.check_commands, "README.md:3", "make demonstration")

    def test_unknown_script(self):
        self.plant("docs/a.md", "run `scripts/nothing` now\n")
        self.assert_finds(text_rules.check_commands, "docs/a.md:1", "scripts/nothing")

    def test_path_that_does_not_exist(self):
        self.plant("docs/a.md", "see `models/cpu/core/gone.c`\n")
        self.assert_finds(text_rules.check_paths, "docs/a.md:1", "gone.c")

    def test_file_name_that_does_not_exist(self):
        self.plant("docs/a.md", "see `gone.cpp`\n")
        self.assert_finds(text_rules.check_paths, "docs/a.md:1", "gone.cpp")


class Options(CheckTest):
    """A program that only answers --help."""

    def findings(self, readme):
        self.plant("README.md", readme)
        self.plant("bin/uintr-vp", "#!/bin/sh\necho '  -h,--help  help'\necho '  --cores N  cores'\n")
        program = self.tree.root / "bin/uintr-vp"
        program.chmod(0o755)
        return text_rules.check_options(self.tree, program)

    def test_the_same_options_on_both_sides(self):
        self.assertEqual(self.findings("`--cores N`\n    uintr-vp run --cores 2 x.elf\n"), [])

    def test_option_that_the_program_does_not_have(self):
        self.assertEqual(len(self.findings("`--cores N` and `--core N`\n")), 1)

    def test_option_that_the_readme_lacks(self):
        self.assertEqual(self.findings("nothing\n"), ["README.md: option --cores is missing"])


class Headers(CheckTest):
    def test_header_that_needs_another(self):
        self.plant("models/memory/core/memory_state.h", SPDX + "struct memory { uint64_t size; };\n")
        self.assert_finds(headers.check_headers, "models/memory/core/memory_state.h", "as C:")

    def test_public_core_header_that_is_no_cxx(self):
        self.plant("models/memory/core/memory.h", SPDX + "struct memory *new(void);\n")
        self.assert_finds(headers.check_headers, "models/memory/core/memory.h", "as C++:")

    def test_cxx_header_that_needs_another(self):
        self.plant("platform/a.h", SPDX + "std::vector<int> f();\n")
        self.assert_finds(headers.check_headers, "platform/a.h", "as C++:")

    def test_guest_header_that_needs_another(self):
        self.plant("sw/lib/a.h", SPDX + "uint64_t f(void);\n")
        self.assert_finds(headers.check_headers, "sw/lib/a.h", "as C:")


class Objects(unittest.TestCase):
    """Compiles small libraries with the names of the cores."""

    def findings(self, code):
        with tempfile.TemporaryDirectory() as folder:
            for name in objects.CORE_LIBRARIES:
                source = pathlib.Path(folder, name + ".c")
                source.write_text(code if name == "vp_lapic" else "int f(void) { return 1; }\n")
                subprocess.run(["gcc", "-c", source, "-o", source.with_suffix(".o")], check=True)
                subprocess.run(["ar", "rc", f"{folder}/lib{name}.a", source.with_suffix(".o")], check=True)
            return objects.check_objects(folder)

    def test_constants_are_allowed(self):
        self.assertEqual(self.findings('static const char *const names[] = {"a", "b"};\n'
                                       "const char *f(int i) { return names[i]; }\n"), [])

    def test_globals_are_found(self):
        for code in ("int counter;\n", "int f(void) { static int n; return ++n; }\n", "static const char *p = \"a\";\n"
                     "const char *f(void) { return p++; }\n", "_Thread_local int t;\n"):
            found = self.findings(code)
            self.assertEqual(len(found), 1, (code, found))
            self.assertIn("mutable global data", found[0])

    def test_forbidden_call_is_found(self):
        found = self.findings('int puts(const char *); int f(void) { return puts("x"); }\n')
        self.assertEqual(len(found), 1, found)
        self.assertIn("calls puts", found[0])

    def test_missing_libraries_are_no_success(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(objects.check_objects(folder)), 1)


if __name__ == "__main__":
    unittest.main()
