# SPDX-License-Identifier: Apache-2.0
"""What the compiled C cores contain: no mutable data outside their handles, no calls of what a core must not know."""
import pathlib
import subprocess

CORE_LIBRARIES = ("vp_cpu", "vp_uintr", "vp_lapic", "vp_memory", "vp_timing")
# stdio, time, randomness, threads and process control, by the names that the linker sees.
FORBIDDEN_CALLS = {"printf", "fprintf", "puts", "putchar", "fopen", "fwrite", "fputs", "time", "clock", "clock_gettime",
                   "gettimeofday", "rand", "random", "srand", "getenv", "exit", "abort", "pthread_create",
                   "pthread_mutex_lock", "longjmp", "setjmp"}
# models/timing is no core/: it reports to the stream it is given and may write there.
MAY_PRINT = {"vp_timing": {"printf", "fprintf", "puts", "putchar", "fwrite", "fputs"}}
MUTABLE_SECTIONS = (".data", ".bss", ".tdata", ".tbss", "*COM*")
CONSTANT_SECTIONS = (".data.rel.ro",)
SANITIZER_DATA = ("__asan", "__ubsan", "__odr_asan", "__tsan", "__gcov", ".L")


def symbols(library):
    """(object, section, name) of each symbol in a static library; section *UND* is what it calls."""
    output = subprocess.run(["objdump", "-t", library], capture_output=True, text=True, check=True).stdout
    source = "?"
    for line in output.splitlines():
        if line.endswith("file format elf64-x86-64"):
            source = line.split(":")[0]
        # value, 7 flags, section, TAB, size, name
        elif "\t" in line:
            left, right = line.split("\t", 1)
            yield source, left.split()[-1], left[17:24], right.split()[-1]


def check_objects(build):
    found = []
    libraries = {name: p for name in CORE_LIBRARIES for p in pathlib.Path(build).glob(f"**/lib{name}.a")}
    if len(libraries) != len(CORE_LIBRARIES):
        return [f"{build}: expected the libraries {', '.join(CORE_LIBRARIES)}, found {sorted(libraries)}"]
    for library, path in libraries.items():
        forbidden = FORBIDDEN_CALLS - MAY_PRINT.get(library, set())
        for source, section, flags, name in symbols(path):
            if section == "*UND*":
                if name in forbidden:
                    found.append(f"{path.name}({source}): calls {name}")
            elif section.startswith(MUTABLE_SECTIONS) and not section.startswith(CONSTANT_SECTIONS):
                if "d" not in flags and not name.startswith((*SANITIZER_DATA, ".")):
                    found.append(f"{path.name}({source}): mutable global data: {name}")
    return found
