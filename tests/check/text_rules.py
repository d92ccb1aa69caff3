# SPDX-License-Identifier: Apache-2.0
"""Rules about single files: length, licence line, unfinished work, and what the documents promise."""
import re
import subprocess

LONGEST_FILE = 800
KERNEL, KERNEL_LINES = "sw/kernel", 9000  # to be read in a weekend
LICENCE = "SPDX-License-Identifier: Apache-2.0"
# Formats without comments, and prose.
WITHOUT_LICENCE_NAMES = ("LICENSE", ".gitignore", ".clang-format", "passwd", "group", "hostname")
WITHOUT_LICENCE = {".json", ".md", ".txt", ".golden", ".csv", ".svg"}
# Spelt in pieces so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
SELF_EVIDENT = {"--help", "--version"}
DOCUMENTS = ("README.md", "docs/")


def check_length(tree):
    found = []
    for path in tree.code("models", "platform", "sw", "tests") + tree.files("scripts", "tests/check"):
        count = len(tree.lines(path))
        if count > LONGEST_FILE:
            found.append(f"{path}: {count} lines, at most {LONGEST_FILE}: split it by subject")
    kernel = sum(len(tree.lines(path)) for path in tree.code(KERNEL))
    if kernel >= KERNEL_LINES:
        found.append(f"{KERNEL}: {kernel} lines, fewer than {KERNEL_LINES} were promised")
    return found


def check_licence(tree):
    found = []
    for path in tree.files():
        suffix = "." + path.rsplit(".", 1)[-1] if "." in path.rsplit("/", 1)[-1] else ""
        name = path.rsplit("/", 1)[-1]
        if suffix in WITHOUT_LICENCE and name != "CMakeLists.txt" or name in WITHOUT_LICENCE_NAMES:
            continue
        if not any(LICENCE in line for line in tree.lines(path)[:5]):
            found.append(f"{path}: the line '{LICENCE}' is missing at the top")
    return found


def check_unfinished(tree):
    found = []
    for path in tree.files():
        if path == "LICENSE":
            continue
        for number, line in enumerate(tree.lines(path), 1):
            match = UNFINISHED.search(line)
            if match:
                found.append(f"{path}:{number}: {match[0]}: finish it, or open an issue and say nothing here")
    return found


def documents(tree):
    return [path for path in tree.files(suffixes={".md"}) if path.startswith(DOCUMENTS)]


def check_commands(tree):
    """Every `make X` that a document names is a target of the Makefile, every scripts/X exists."""
    targets = set()
    for line in tree.lines("Makefile"):
        match = re.match(r"([a-z][a-z -]*):(?!=)", line)
        if match:
            targets.update(match[1].split())
    found = []
    for path in documents(tree):
        for number, line in enumerate(tree.lines(path), 1):
            code = re.findall(r"`([^`]+)`", line) + ([line.strip()] if line.startswith("    ") else [])
            for text in code:
                for name in re.findall(r"(?:^|\s)make ([a-z-]+)", text):
                    if name not in targets:
                        found.append(f"{path}:{number}: `make {name}` is not in the Makefile")
                for script in re.findall(r"(?:^|\s)(scripts/[\w-]+)", text):
                    if not (tree.root / script).exists():
                        found.append(f"{path}:{number}: {script} does not exist")
    return found


def check_paths(tree):
    """Every file of the project that a document names in `code` exists: whole paths, and bare names of sources."""
    names = {path.rsplit("/", 1)[-1] for path in tree.files()}
    found = []
    for path in documents(tree):
        for number, line in enumerate(tree.lines(path), 1):
            for text in re.findall(r"`([^`\s]+)`", line):
                if re.fullmatch(r"(models|platform|sw|tests|examples|studies|docs|cmake|scripts)/[\w./-]+", text):
                    if not (tree.root / text).exists():
                        found.append(f"{path}:{number}: {text} does not exist")
                elif re.fullmatch(r"[a-z]\w*\.(c|h|cpp|def|S)", text) and text not in names:
                    found.append(f"{path}:{number}: no file is called {text}")
    return found


def check_options(tree, simulator):
    """Every --option of uintr-vp that the README names is in its help, and every option of the help is in the README."""
    helped = set()
    for command in ("run", "config", "models", "study"):
        result = subprocess.run([simulator, command, "--help"], capture_output=True, text=True, check=True)
        helped.update(re.findall(r"(--[a-z][a-z-]+)", result.stdout))
    named = {}
    for number, line in enumerate(tree.lines("README.md"), 1):
        for code in re.findall(r"`([^`]+)`", line) + ([line] if "uintr-vp" in line else []):
            for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", code):
                named.setdefault(option, number)
    found = [f"README.md:{number}: {option} is not an option of {simulator.name}"
             for option, number in sorted(named.items()) if option not in helped]
    return found + [f"README.md: option {option} is missing" for option in sorted(helped - named.keys() - SELF_EVIDENT)]
