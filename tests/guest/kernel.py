#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The minimal kernel: ordinary static Linux programs on the simulator. Environment: UINTR_VP, GUEST (folder of the
images), CORES and POSTS where a class says so."""
import hashlib
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

SIMULATOR = os.environ["UINTR_VP"]
GUEST = pathlib.Path(os.environ["GUEST"])
CORES = int(os.environ.get("CORES", "2"))
HERE = pathlib.Path(__file__).parent
os.environ["PATH"] += ":/usr/sbin:/sbin"  # mke2fs, e2fsck
SAMPLE = ["Receiver enabled interrupts", "Sending IPI from sender thread", "\t-- User Interrupt handler --", "Success"]


def run(*command, options=(), cores=None, given=b"", modules=()):
    """One run with these words as process 1, or the shell without any; what came of it, text in lines."""
    arguments = [SIMULATOR, "run", "-q", "--cores", str(cores or CORES), "--module", GUEST / "root.cpio", *options]
    for module in modules:
        arguments += ["--module", module]
    arguments += [GUEST / "kernel.elf", *(["--", *command] if command else [])]
    result = subprocess.run(arguments, input=given, capture_output=True, timeout=500)
    result.lines = result.stdout.decode(errors="replace").splitlines()
    result.complaints = result.stderr.decode(errors="replace")
    return result


def archive(folder, out):
    """A boot module of the folder's files."""
    names = sorted(p.relative_to(folder).as_posix() for p in pathlib.Path(folder).rglob("*"))
    with open(out, "wb") as f:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input="\n".join(names).encode(), stdout=f,
                       cwd=folder, check=True)


class Kernel(unittest.TestCase):
    maxDiff = None

    def succeed(self, *command, **how):
        result = run(*command, **how)
        self.assertEqual(result.returncode, 0, "\n".join(result.lines[-30:]) + result.complaints)
        self.assertNotIn("PANIC", result.stdout.decode(errors="replace"))
        return result


class Sample(Kernel):
    def test_ten_times_in_a_row(self):
        script = "i=0; while [ $i -lt 10 ]; do uipi_sample; echo status=$?; i=$((i + 1)); done"
        self.assertEqual(self.succeed("sh", "-c", script).lines, (SAMPLE + ["status=0"]) * 10)

    def test_from_the_shell(self):
        result = run(given=b"uipi_sample; echo status=$?\nexit 5\n")
        text = "\n".join(result.lines)
        self.assertEqual(result.returncode, 5, text + result.complaints)
        self.assertIn("\n".join(SAMPLE + ["status=0"]), text)

    def test_end_of_input_ends_the_shell(self):
        result = run(given=b"uipi_sample\n")
        self.assertEqual(result.returncode, 0, result.complaints)
        self.assertIn("\n".join(SAMPLE), "\n".join(result.lines))


class Contract(Kernel):
    def test_exit_status(self):
        for status in (0, 1, 7, 123):
            self.assertEqual(run("sh", "-c", f"exit {status}").returncode, status)

    def test_words_with_blanks_and_quotes(self):
        words = ["a b", 'say "x"', "", "back\\slash", "$HOME", "'single'"]
        result = self.succeed("printf", "<%s>\\n", *words)
        self.assertEqual(result.lines, [f"<{w}>" for w in words])

    def test_no_such_program(self):
        result = run("no-such-program")
        self.assertEqual(result.returncode, 123)
        self.assertIn("no-such-program cannot be run", result.stdout.decode())

    def test_same_inputs_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            texts = []
            for name in ("a", "b"):
                stats = pathlib.Path(folder, name + ".json")
                result = self.succeed("uintr_stress", "-n", "2000", options=["--stats", stats])
                numbers = json.loads(stats.read_text())
                for key in ("host_seconds", "mips"):
                    del numbers["sim"][key]
                texts.append((result.stdout, json.dumps(numbers)))
            self.assertEqual(texts[0], texts[1])

    def test_an_unknown_call_is_named_once(self):
        result = self.succeed("syscall_fuzz", "-n", "3000", "-r", "3")
        named = [line for line in result.lines if "is not implemented" in line]
        self.assertEqual(len(named), len({line.split("(")[0] for line in named}))


class Checks(Kernel):
    def test_uintr_calls(self):
        result = self.succeed("uintr_checks")
        self.assertEqual([line for line in result.lines if line.startswith("FAIL")], [])
        self.assertRegex(result.lines[-1], r"^1[0-9]+ checks, 0 failed$")

    def test_other_calls(self):
        result = self.succeed("kernel_checks")
        self.assertRegex(result.lines[-1], r"^2[0-9] checks, 0 failed$")

    def test_without_user_interrupts(self):
        result = run("uipi_sample", options=["--set", "cpu.features=-uintr"])
        self.assertNotEqual(result.returncode, 0)
        self.assertNotIn("PANIC", result.stdout.decode())


class Ring(Kernel):
    """io_uring with Debian's liburing, completions as user interrupts among them."""

    def test_operations_rings_and_user_interrupts(self):
        result = self.succeed("uring_checks")
        self.assertEqual([line for line in result.lines if line.startswith(("FAIL", "skip"))], [])
        self.assertRegex(result.lines[-1], r"^4[0-9]{2} checks, 0 failed$")

    def test_without_user_interrupts(self):
        result = self.succeed("uring_checks", options=["--set", "cpu.features=-uintr"])
        self.assertIn("skip user interrupts: this machine has none", result.lines)

    def test_random_rings_leave_nothing(self):
        for seed in (11, 12):
            result = self.succeed("sh", "-c", f"syscall_fuzz -n 20000 -r {seed} && cat /proc/io_uring")
            counts = dict(line.split() for line in result.lines[-7:])
            self.assertEqual([counts[name] for name in ("rings", "requests", "submitters")], ["0", "0", "0"])
            self.assertEqual(counts["submitted"], counts["completed"])
            self.assertGreater(int(counts["submitted"]), 500)

    def test_rounds_leave_the_memory_as_it_was(self):
        groups = ("in flight", "keys of cancel", "connections", "shared rings", "registered", "overflow", "sockets",
                  "submission thread", "user interrupts")
        once = "; ".join(f'uring_checks "{group}" | grep FAIL' for group in groups)
        result = self.succeed("sh", "-c", f"for i in 1 2 3; do {once}; sleep 0.3; grep MemFree /proc/meminfo; done; cat /proc/io_uring")
        free = [int(line.split()[1]) for line in result.lines if line.startswith("MemFree")]
        self.assertEqual([line for line in result.lines if line.startswith("FAIL")], [])
        self.assertLess(free[0] - free[2], 64, "KiB that two rounds took")
        counts = dict(line.split() for line in result.lines[-7:])
        self.assertEqual([counts[name] for name in ("rings", "requests", "workers", "submitters")], ["0"] * 4)

    def timeline(self, *command):
        """All events of its run."""
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder, "trace.json")
            self.succeed(*command, options=["--trace", trace])
            return json.loads(trace.read_text())["traceEvents"]

    def test_a_submission_thread_stays_on_its_processor(self):
        # With its owner, while other processors are idle; one that is free goes there.
        events = self.timeline("taskset", "1", "uring_checks", "submission thread")
        tracks = {e["tid"]: e["args"]["name"] for e in events if e.get("name") == "thread_name"}
        where = {}  # of each submission thread, in the order of their beginning
        for e in events:
            if e["ph"] == "B" and e["name"].startswith("iou-sqp"):
                where.setdefault(e["name"], set()).add(tracks[e["tid"]])
        bound, free = where.values()
        self.assertEqual(bound, {"core 0 task"})
        if CORES > 1:
            self.assertNotEqual(free, {"core 0 task"})

    def test_on_the_timeline(self):
        names = [e["name"] for e in self.timeline("uring_checks", "files") if e.get("cat") == "task"]
        for operation in ("READ", "WRITEV", "FSYNC", "OPENAT", "CLOSE", "STATX"):
            self.assertGreater(names.count(f"{operation} submitted"), 0, operation)
            self.assertEqual(names.count(f"{operation} submitted"), names.count(f"{operation} completed"), operation)


class Stress(Kernel):
    """POSTS posts; software's account against what the cores executed."""

    def test_every_post(self):
        posts = int(os.environ.get("POSTS", "20000"))
        with tempfile.TemporaryDirectory() as folder:
            stats = pathlib.Path(folder, "stats.json")
            result = self.succeed("uintr_stress", "-n", str(posts), "-t", "8", options=["--stats", stats])
            text = "\n".join(result.lines)
            posted, delivered, coalesced = map(int, re.search(
                r"^posted (\d+) = delivered (\d+) \+ coalesced (\d+)$", text, re.M).groups())
            to_the_dead = int(re.search(r"\((\d+) posts to them\)", text)[1])
            uintr = json.loads(stats.read_text())["uintr"]
            self.assertGreaterEqual(posted, posts)
            self.assertEqual(posted, delivered + coalesced)
            self.assertIn("lost 0, doubled 0, never posted 0", text)
            self.assertEqual(posted + to_the_dead, uintr["posted"], "SENDUIPIs executed")
            self.assertEqual(uintr["untracked"], 0)
            self.assertEqual(uintr["posted"], uintr["delivered"] + uintr["merged"] + uintr["undelivered"])
            self.assertLessEqual(uintr["undelivered"], to_the_dead)
            self.assertGreaterEqual(uintr["delivered"], delivered)
            for path in ("direct", "resume", "wake") if CORES > 1 else ("resume", "wake"):
                self.assertGreater(uintr["path"][path], 0, path)


class Ipc(Kernel):
    def test_every_mechanism(self):
        for mechanism in ("uintr", "eventfd", "pipe", "fifo", "signal", "socket", "shm"):
            for direction in ("-1", "-2"):
                with self.subTest(mechanism=mechanism, direction=direction):
                    result = self.succeed("ipc_bench", "-m", mechanism, "-c", "200", direction)
                    self.assertIn("Message count:      200", result.lines)

    def test_forms_of_user_interrupts(self):
        for form in (["-t"], ["-p"], ["-t", "-b"], ["-p", "-b"], ["-u"], ["-g", "1"], ["-g", "2"]):
            with self.subTest(form=form):
                result = self.succeed("ipc_bench", "-m", "uintr", "-c", "200", *form)
                self.assertIn("Message count:      200", result.lines)


class Applets(Kernel):
    """Debian's busybox, unmodified, on the simulator and on the host: the same output."""

    def test_same_output_as_on_the_host(self):
        with tempfile.TemporaryDirectory() as folder:
            tools, work, module = (pathlib.Path(folder, n) for n in ("tools", "work", "module"))
            for p in (tools, work, module / "tmp" / "work"):
                p.mkdir(parents=True)
            busybox = subprocess.run(["which", "busybox"], capture_output=True, text=True, check=True).stdout.strip()
            subprocess.run([busybox, "--install", "-s", tools], check=True)
            script = (HERE / "kernel" / "applets.sh").read_text()
            (module / "tmp" / "applets.sh").write_text(script)
            archive(module, pathlib.Path(folder, "module.cpio"))
            host = subprocess.run([busybox, "sh", HERE / "kernel" / "applets.sh", work], capture_output=True,
                                  env={"PATH": str(tools), "HOME": "/root"}, timeout=60)
            guest = self.succeed("sh", "/tmp/applets.sh", "/tmp/work", modules=[pathlib.Path(folder, "module.cpio")])
            self.assertEqual(guest.lines, host.stdout.decode().splitlines())


class Fuzz(Kernel):
    def test_random_calls(self):
        for seed in (1, 2):
            result = self.succeed("syscall_fuzz", "-n", os.environ.get("CALLS", "20000"), "-r", str(seed))
            self.assertEqual(result.lines[-1], "ok")


class Disk(Kernel):
    """A disk with ext2 on it, at /mnt: made by mke2fs, judged by e2fsck after the run."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.source = pathlib.Path(self.folder.name, "source")
        self.image = pathlib.Path(self.folder.name, "image")
        (self.source / "folder").mkdir(parents=True)
        (self.source / "hello").write_text("hello\n")
        (self.source / "link").symlink_to("hello")
        for i in range(40):
            (self.source / "folder" / f"file{i}").write_text(f"{i}\n" * i)
        (self.source / "large").write_bytes(random.Random(1).randbytes(5000000))

    def make(self, block_bytes=1024, size="16M", *options):
        self.image.unlink(missing_ok=True)
        subprocess.run(["mke2fs", "-q", "-t", "ext2", "-d", self.source, "-b", str(block_bytes), *options, self.image, size],
                       check=True, capture_output=True)

    def on_disk(self, script, *settings):
        options = ["--disk", self.image, "--set", "block.writes=keep"]
        for setting in settings:
            options += ["--set", setting]
        return self.succeed("sh", "-c", "cd /mnt; " + script + "; true", options=options)

    def judge(self):
        result = subprocess.run(["e2fsck", "-fn", self.image], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_what_mke2fs_put_there(self):
        for block_bytes in (1024, 2048, 4096):
            self.make(block_bytes)
            sums = "md5sum hello large folder/*"
            here = subprocess.run(sums, shell=True, cwd=self.source, capture_output=True, text=True, check=True)
            self.assertEqual(self.on_disk(sums + "; readlink link").lines, here.stdout.splitlines() + ["hello"])
            self.judge()

    def test_what_was_written_is_there_in_the_next_run(self):
        self.make()
        self.on_disk("cp large copy; mkdir -p a/b; mv folder/file7 a/b; ln hello a/second; rm -r folder; mv a c; pwd; "
                     "ln -s /$(printf %0100d 0) long")
        self.judge()
        result = self.on_disk("cmp copy large; cat c/b/file7 | wc -l; cat c/second; ls -d folder; readlink long | wc -c; "
                              "cd c/b; pwd; stat -c %h ../second")
        self.assertEqual(result.lines, ["7", "hello", "ls: folder: No such file or directory", "102", "/mnt/c/b", "2"])

    def test_what_was_synchronized_outlives_a_power_cut(self):
        """The simulator stops at a time, while other writers go on."""
        for how in ("sync", "sync & sync", "dd if=/dev/null of=seq conv=notrunc,fsync 2>/dev/null"):
            self.make(1024, "24M")
            script = (f"cd /mnt; mkdir new; cd new; seq 100000 >seq; (while cp ../large a; do cp a b; sync; done) & sleep 0.05; {how}; "
                      "echo now; sleep 1000")
            result = run("sh", "-c", script, options=["--disk", self.image, "--set", "block.writes=keep", "--max-time", "400ms"])
            self.assertEqual(result.lines, ["now"])
            subprocess.run(["e2fsck", "-fy", self.image], capture_output=True)
            self.judge()
            self.assertEqual(self.debugfs("cat new/seq"), "".join(f"{i}\n" for i in range(1, 100001)), how)

    def test_random_work(self):
        for block_bytes in (1024, 4096):
            self.make(block_bytes, "24M")
            result = self.on_disk("mkdir p q; disk_checks -n 1500 -r 1 p & disk_checks -n 1500 -r 2 q; wait; md5sum large")
            self.assertEqual(result.lines.count("1500 steps, no difference"), 2)
            self.judge()

    def test_processes_that_disturb_each_other(self):
        for block_bytes, size in ((1024, "16M"), (4096, "16M"), (1024, "7M")): # the last one gets full
            self.make(block_bytes, size)
            for memory in (268435456, 50331648):
                result = self.on_disk("mkdir wild; disk_checks -w 6 -n 150 wild", f"platform.memory_bytes={memory}")
                self.assertEqual(result.lines[-1], "end")
                self.judge()

    def test_a_full_disk(self):
        self.make(1024, "8M")
        result = self.on_disk("md5sum large; cp large second 2>/dev/null; stat -f -c free=%f .; md5sum large; rm second; cat /dev/zero >second; "
                              "rm second; cp hello third && cat third; touch $(seq 3000)")
        self.assertEqual(result.lines[:3], [result.lines[0], "free=0", result.lines[0]])
        self.assertIn("No space left on device", "\n".join(result.lines))
        self.assertIn("hello", result.lines)
        self.judge()

    def test_open_files_without_a_name(self):
        self.make()
        self.on_disk("exec 5>gone 6<large; cat hello >&5; rm gone large; sync")
        self.judge()

    def test_little_memory(self):
        self.make(4096, "48M")
        result = self.on_disk("cp large a; cat large a large >b; cp b c; md5sum large a; cmp b c; disk_checks -n 300 folder",
                              "platform.memory_bytes=52428800")
        self.assertEqual(self.on_disk("rm b c; disk_checks -m 15 -n 10 folder", "platform.memory_bytes=52428800").lines,
                         ["10 steps, no difference"])
        self.assertEqual(len({line.split()[0] for line in result.lines[:2]}), 1)
        self.assertEqual(result.lines[2:], ["300 steps, no difference"])
        self.judge()

    def debugfs(self, request):
        return subprocess.run(["debugfs", "-R", request, self.image], capture_output=True, text=True, check=True).stdout

    def bad_block(self, block):
        return f"block.error_sectors={2 * block}-{2 * block + 1}"

    def test_a_bad_sector_is_an_error_of_its_page(self):
        self.make()
        bad = self.bad_block(int(self.debugfs("bmap large 2002")))
        result = self.on_disk("cat large | wc -c; uring_disk large 2050048; cat hello", bad)
        self.assertEqual(result.lines, ["cat: read error: Input/output error", "2048000", "no difference", "hello"])
        self.judge()

    def test_a_bad_sector_that_is_written_to(self):
        self.make()
        bad = self.bad_block(int(self.debugfs("bmap large 2002")))
        fsync = "dd if=/dev/null of=copy conv=notrunc,fsync 2>/dev/null; echo status=$?"
        result = self.on_disk(f"rm large; seq 350000 >copy; sync; {fsync}; {fsync}", bad)
        self.assertEqual(result.lines, ["status=1", "status=0"])
        self.judge()
        self.debugfs(f"dump copy {self.folder.name}/copy")
        wrong, right = pathlib.Path(self.folder.name, "copy").read_bytes(), "".join(f"{i}\n" for i in range(1, 350001)).encode()
        self.assertEqual(len(wrong), len(right))
        differing = {i // 4096 for i in range(len(right)) if wrong[i] != right[i]}
        self.assertLessEqual(len(differing), 1, differing)

    def test_a_directory_that_cannot_be_read(self):
        self.make()
        result = self.on_disk("disk_checks folder; echo status=$?; cat folder/file1; rm -r folder; cat hello",
                              self.bad_block(int(self.debugfs("bmap folder 0"))))
        self.assertIn("status=1", result.lines)
        self.assertIn("FAIL the folder cannot be listed (Input/output error)", result.lines)
        self.assertEqual(result.lines[-1], "hello")
        self.judge()

    def test_programs_write_to_the_mounted_disk(self):
        self.make()
        for byte in ("zero", "random"):
            result = self.on_disk(f"cat hello; dd if=/dev/{byte} of=/dev/vda bs=1024 seek=1 count=300; touch $(seq 200); mkdir d; "
                                  "cp large d; cat large folder/* >/dev/null; ls -lR; rm -r large d folder; sync; echo end")
            self.assertEqual(result.lines[-1], "end")
            self.make(4096)

    def test_large_reads_keep_the_disk_busy(self):
        for block_bytes in (1024, 4096):
            self.make(block_bytes)
            stats = pathlib.Path(self.folder.name, "stats.json")
            self.succeed("dd", "if=/mnt/large", "of=/dev/null", "bs=4M",
                         options=["--disk", self.image, "--stats", stats])
            self.assertGreaterEqual(json.loads(stats.read_text())["block"]["most_in_flight"], 16)

    def test_direct_reads_ask_the_disk(self):
        self.make(4096)
        stats = pathlib.Path(self.folder.name, "stats.json")
        direct = "dd if=large bs=4096 count=300 iflag=direct 2>/dev/null | md5sum; "
        result = self.succeed("sh", "-c", f"cd /mnt; head -c 1228800 large | md5sum; {direct}{direct}",
                              options=["--disk", self.image, "--stats", stats])
        self.assertEqual(len(set(result.lines)), 1)
        self.assertGreaterEqual(json.loads(stats.read_text())["block"]["reads"], 600)

    def test_direct_reads_that_need_many_requests_and_blocks_of_numbers(self):
        (self.source / "large").write_bytes(random.Random(3).randbytes(13000000))
        there = hashlib.md5((self.source / "large").read_bytes()).hexdigest()
        for block_bytes in (1024, 4096):
            self.make(block_bytes, "32M")
            lines = self.on_disk("for size in 512 65024 1M 16M; do dd if=large bs=$size iflag=direct 2>/dev/null | md5sum; done").lines
            self.assertEqual(lines, [f"{there}  -"] * 4)
            # What was changed and is not on the disk yet comes from memory, also at the end and in a hole.
            lines = self.on_disk("printf changed | dd of=large conv=notrunc bs=1 seek=7000001 2>/dev/null; truncate -s 20000000 large; "
                                 "printf end >>large; md5sum <large; dd if=large bs=1M iflag=direct 2>/dev/null | md5sum").lines
            self.assertEqual(lines[0], lines[1])
            self.judge()

    def test_rings(self):
        (self.source / "large").write_bytes(random.Random(2).randbytes(20000001))
        for block_bytes in (1024, 4096):
            self.make(block_bytes, "32M")
            self.assertEqual(self.on_disk("uring_disk large", "platform.memory_bytes=201326592").lines[-1], "no difference")
            self.judge()

    def test_random_calls_on_its_files(self):
        for seed in (5, 6):
            self.make(1024 * (seed - 4), "24M")
            result = self.on_disk(f"TMPDIR=/mnt syscall_fuzz -n 10000 -r {seed}; cat /proc/io_uring")
            counts = dict(line.split() for line in result.lines[-7:])
            self.assertEqual([counts[name] for name in ("rings", "requests", "submitters")], ["0"] * 3)
            self.assertEqual(counts["submitted"], counts["completed"])
            self.judge()

    def test_rings_and_a_full_disk(self):
        for block_bytes in (1024, 4096):
            self.make(block_bytes, "10M")
            self.assertEqual(self.on_disk("uring_disk large full").lines[-1], "no difference")
            self.judge()

    def test_unknown_features(self):
        self.make(1024, "16M", "-O", "uninit_bg")
        self.assertIn("sh: can't create new: Read-only file system", self.on_disk("cat hello; echo x >new; true").lines)
        self.make(1024, "16M", "-O", "extent")
        self.assertIn("ls: hello: No such file or directory", self.on_disk("ls hello; true").lines)

    WORK = ("(ls -laR; head -c 9000000 large; cat hello folder/* link; readlink link; stat -f .; echo x >new; mkdir q; "
            "mv folder q; ln large q/second; cp hello q/copy; truncate -s 3000000 large; rm -r q new; rm large; disk_checks -n 60 .; "
            "cp hello again) >/dev/null 2>&1; sync; echo end")

    def test_damaged_disks(self):
        self.make(1024, "8M")
        whole = self.image.read_bytes()
        for seed in range(int(os.environ.get("DAMAGED", "8"))):
            r = random.Random(seed)
            broken = bytearray(whole)
            for _ in range(r.choice([1, 20, 300])):
                at = r.choice([r.randrange(1024, 1400), r.randrange(2048, 8192), r.randrange(2200000)])
                broken[at] = r.choice([0, 1, 255, r.randrange(256)])
            self.image.write_bytes(broken)
            result = self.on_disk("(ls -laR; cat hello large folder/*; echo x >new; mkdir q; mv folder q; disk_checks -n 100 q; "
                                  "rm -r q large hello) >/dev/null 2>&1; sync; echo end")
            self.assertEqual(result.lines[-1], "end", seed)

    def test_bad_sectors_anywhere(self):
        self.make(1024, "8M")
        whole = self.image.read_bytes()
        for first in [*range(0, 600, 101), *range(1200, 16000, 2222)]:
            self.image.write_bytes(whole)
            result = self.on_disk(self.WORK, f"block.error_sectors={first}-{first + 40}")
            self.assertEqual(result.lines[-1], "end", first)

    def test_damaged_metadata(self):
        """A few bytes of what only the file system uses; nothing but an error may come of it."""
        for block_bytes in (1024, 4096):
            self.make(block_bytes, "8M", "-O", "^resize_inode")
            whole = self.image.read_bytes()
            areas = [(1024, 104), (max(2048, block_bytes), 32)]
            for name in ("/", "folder", "large", "hello", "link"):
                place = re.search(r"block (\d+), offset 0x(\w+)", self.debugfs(f"imap {name}"))
                areas.append((int(place[1]) * block_bytes + int(place[2], 16), 128))
            for name in ("/", "folder"):
                areas.append((int(self.debugfs(f"bmap {name} 0")) * block_bytes, 300))
            for block in re.findall(r"IND\):(\d+)", self.debugfs("stat large")):
                areas.append((int(block) * block_bytes, 400))
            for seed in range(int(os.environ.get("DAMAGED", "12"))):
                r = random.Random(seed)
                broken = bytearray(whole)
                for _ in range(r.choice([1, 2, 8])):
                    start, length = r.choice(areas)
                    broken[start + r.randrange(length)] = r.choice([0, 1, 127, 255, r.randrange(256)])
                self.image.write_bytes(broken)
                self.assertEqual(self.on_disk(self.WORK).lines[-1], "end", (block_bytes, seed))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
