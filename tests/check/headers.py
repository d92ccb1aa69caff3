# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone: C headers as C17, those of C cores that are public also as C++17."""
import concurrent.futures
import os
import posixpath
import shlex
import subprocess

from layers import PUBLIC, WHITE_BOX, layer_of

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function", "-Wno-unused-const-variable"]
GUEST_FLAGS = ["-std=gnu17", "-ffreestanding", "-mgeneral-regs-only", "-muintr", "-Isw/include", "-Isw/lib", "-Isw/boot"]
KERNEL_FLAGS = [*GUEST_FLAGS, "-Isw/kernel", "-Isw/kernel_io", "-Wno-pedantic"]
SSE_FLAGS = [*(f for f in GUEST_FLAGS if f != "-mgeneral-regs-only"), "-msse4.2"]
# Tests that use the fixtures of a model's unit tests, beside those in tests/unit/<model>/.
SHARES_FIXTURES = {**WHITE_BOX, "timing": ("tests/unit/cpu/", "tests/oracle/", "tests/fuzz/")}
USER_FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-muintr", "-Isw/user/include"]


def guest_flags(path):
    """Of a guest source or header, which CMake builds by commands of its own: what matters of sw/*/CMakeLists.txt."""
    if path.startswith("sw/user"):
        return USER_FLAGS
    if path.startswith("sw/tests/numeric"): # the one image that calculates with more than integers
        return SSE_FLAGS
    return KERNEL_FLAGS if path.startswith("sw/kernel") else GUEST_FLAGS


def pkg_config(*modules):
    """Compiler flags of those modules that are installed."""
    flags = []
    for module in modules:
        result = subprocess.run(["pkg-config", "--cflags", module], capture_output=True, text=True, check=False)
        flags += shlex.split(result.stdout.replace("-I", "-isystem ")) if result.returncode == 0 else []
    return flags


def has_systemc():
    return subprocess.run(["pkg-config", "--exists", "systemc"], check=False).returncode == 0


def compilations(tree):
    """(header, command) for each way in which a header must compile."""
    core_folders = sorted({posixpath.dirname(p) for p in tree.headers("models") if layer_of(p)[0] == "core"})
    shell_folders = sorted({posixpath.dirname(p) for p in tree.headers("models") if layer_of(p)[0] == "shell"})
    core = [f"-I{folder}" for folder in core_folders]
    whole = core + [f"-I{folder}" for folder in shell_folders] + ["-Iplatform", *pkg_config("systemc", "tlm")]
    c = ["gcc", "-std=gnu17", "-x", "c"]
    cxx = ["g++", "-std=gnu++17", "-x", "c++"]
    for path in tree.headers("models", "platform", "sw", "tests"):
        layer, model = layer_of(path)
        beside = [f"-I{posixpath.dirname(path)}"]
        beside += [f"-Itests/unit/{m}" for m, folders in SHARES_FIXTURES.items() if path.startswith(folders)]
        if layer == "core":
            yield path, [*c, *beside, *core]
            if posixpath.basename(path) in PUBLIC[model]:
                yield path, [*cxx, *beside, *core]
        elif layer == "sw":
            yield path, ["gcc", "-x", "c", *([] if path.startswith("sw/kernel") else beside), *guest_flags(path)]
        elif not uses_systemc(tree, path) or has_systemc():
            yield path, [*cxx, *beside, *whole]


def uses_systemc(tree, path):
    text = "\n".join(tree.lines(path))
    return "models/" in path or any(word in text for word in ("systemc", "tlm", "_module.h"))


def compile_alone(tree, path, command):
    source = f'#include "{path}"\nextern int not_empty; /* some headers are all macros */\n'
    result = subprocess.run([command[0], *WARNINGS, *command[1:], "-I.", "-fsyntax-only", "-"], input=source, cwd=tree.root,
                            capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return None
    first = next((line for line in result.stderr.splitlines() if "error" in line), result.stderr.strip())
    return f"{path}: does not compile alone as {'C++' if command[0] == 'g++' else 'C'}: {first}"


def check_headers(tree):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(compile_alone, tree, path, command) for path, command in compilations(tree)]
        return sorted(problem for problem in (job.result() for job in jobs) if problem)
