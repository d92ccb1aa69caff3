# SPDX-License-Identifier: Apache-2.0
"""Who may include what: the layers of docs/architecture.md, and the public headers of each model."""
import posixpath

# What a core may include of other models; its own headers and models/common are always allowed.
CORE_MAY_USE = {
    "cpu": {"timing", "uintr_unit"},
    "uintr_unit": {"timing"},
    "lapic": set(),
    "memory": set(),
    "timing": set(),
    "common": set(),
}
# Headers that others may include. All others are private: for the model itself and for its unit tests.
PUBLIC = {
    "cpu": {"cpu.h", "cpu_opcodes.h", "cpu_features.def", "cpu_stats.def"},
    "uintr_unit": {"uintr.h", "uintr_track.h"},
    "lapic": {"lapic.h", "lapic_regs.h", "ipi_msg.h", "interconnect.h", "mesh.h", "lapic_stats.def", "interconnect_stats.def"},
    "memory": {"memory.h", "mem_stats.def"},
    "timing": {"timing.h", "timing_model.h", "timing_stage.def", "timing_class.def", "timing_event.def"},
    "common": {"vp.h", "bits.h"},
}
# Tests that look inside a model, beside those in tests/unit/<model>/.
WHITE_BOX = {"cpu": ("tests/unit/decoder/", "tests/oracle/", "tests/fuzz/")}
FORBIDDEN_IN_CORE = {"stdio.h", "time.h", "sys/time.h", "pthread.h", "threads.h"}


def layer_of(path):
    """(layer, model): layer is core, shell, sw, platform or tests."""
    parts = path.split("/")
    if parts[0] != "models":
        return parts[0], None
    if parts[1] in ("common", "timing"):
        return "core", parts[1]
    return (parts[2] if len(parts) > 3 else "core"), parts[1]


class Resolver:
    """Finds the file that a quoted include names. The guest's files and the simulator's are two worlds."""

    def __init__(self, tree):
        self.by_world = {"sw": {}, "vp": {}}
        for path in tree.files("models", "platform", "sw", "tests", suffixes={".h", ".def", ".c"}):
            self.by_world[world_of(path)].setdefault(posixpath.basename(path), []).append(path)

    def find(self, includer, name, quoted):
        """Candidates; those of the includer's own folder and world are preferred. <NAME> never means a guest's file: some
        of them have the names of standard headers."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(includer), name))
        own = world_of(includer)
        for world in (own, "vp" if own == "sw" else "sw") if quoted else ("vp",):
            candidates = self.by_world[world].get(posixpath.basename(name), [])
            if beside in candidates:
                return [beside]
            matching = [c for c in candidates if ("/" + c).endswith("/" + name.lstrip("./"))]
            if matching:
                return matching
        return []


def world_of(path):
    return "sw" if path.startswith("sw/") else "vp"


def system_violation(path, name):
    layer, model = layer_of(path)
    if layer != "core":
        return None
    if name == "systemc" or name.startswith(("systemc", "tlm", "sysc/")):
        return f"a C core includes SystemC: <{name}>"
    if not name.endswith(".h"):
        return f"a C core includes a C++ header: <{name}>"
    if name in FORBIDDEN_IN_CORE and model not in ("common", "timing"):
        return f"a C core includes <{name}>"
    return None


def project_violation(path, name, target):
    if world_of(path) != world_of(target):
        return f"guest software and simulator share a header: \"{name}\" is {target}"
    if world_of(path) == "sw":
        return None
    layer, model = layer_of(path)
    target_layer, target_model = layer_of(target)
    if path.startswith("models/"):
        if target_layer in ("platform", "tests"):
            return f"a model includes {target}"
        if layer == "core" and target_layer == "shell":
            return f"a C core includes a shell: {target}"
        if layer == "core" and target_model not in (model, "common") and target_model not in CORE_MAY_USE.get(model, set()):
            return f"the core of {model} may not include {target_model}: {target}"
    if target_layer == "core" and target_model != model and posixpath.basename(target) not in PUBLIC[target_model]:
        if not path.startswith((f"tests/unit/{target_model}/", *WHITE_BOX.get(target_model, ()))):
            return f"{target} is private to {target_model}"
    return None


def check_layers(tree):
    resolver = Resolver(tree)
    found = []
    for path in tree.code("models", "platform", "sw", "tests"):
        for line, name, quoted in tree.includes(path):
            targets = resolver.find(path, name, quoted)
            # Of several files with that name one that is allowed is enough: the include path decides, not this check.
            problems = [project_violation(path, name, target) for target in targets] or [system_violation(path, name)]
            if all(problems):
                found.append(f"{path}:{line}: {problems[0]}")
    return found
