#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The block device, seen from outside: files that are no disk, what becomes of writes, time, statistics, timeline.

Needs the environment variables UINTR_VP (the program) and GUEST (folder of images). Run one test: disk.py Block.test_time.
"""
import json
import os
import unittest

from contracts import GUEST, Case


class Block(Case):
    """The disk: where its bytes come from and go to, how long requests take, what is refused."""

    IMAGE = GUEST / "virtio_blk.elf"

    def run_disk(self, *arguments):
        stats, trace = self.folder / "disk.json", self.folder / "disk.trace.json"
        run = self.run_vp("-q", "--stats", stats, "--trace", trace, *arguments, self.IMAGE)
        self.assertEqual(run.returncode, 0, run.stderr + run.stdout)
        self.assertNotIn("FAIL", run.stdout)
        return run, json.loads(stats.read_text()), json.loads(trace.read_text())["traceEvents"]

    def disk(self, sectors=512):
        path = self.folder / "disk.img"
        path.write_bytes(bytes(i * 7 % 251 for i in range(sectors * 512)))
        return path

    def test_files_that_are_no_disk(self):
        self.assert_refused(self.run_vp("--disk", "nowhere.img", self.IMAGE), "block.file", "nowhere.img")
        self.assert_refused(self.run_vp("--disk", self.folder, self.IMAGE), "block.file", self.folder, "regular file")
        for size in (0, 1, 511, 513, 1000):
            path = self.folder / f"{size}.img"
            path.write_bytes(bytes(size))
            self.assert_refused(self.run_vp("--disk", path, self.IMAGE), path, size, "multiple of 512")
        huge = self.folder / "huge.img"
        with open(huge, "wb") as file:
            file.truncate(17 << 30)
        self.assert_refused(self.run_vp("--disk", huge, self.IMAGE), huge, "16 GiB")

    def test_values_that_are_refused(self):
        for key, value in (("block.queue_depth", 100), ("block.queue_depth", 2), ("block.parallel", 0), ("block.latency_us", -1),
                           ("block.bandwidth_mb_s", 0), ("block.writes", "sometimes"), ("block.bytes", 513),
                           ("block.bytes", "17G"), ("block.error_sectors", "9-8"), ("block.error_sectors", "x")):
            self.assert_refused(self.run_vp("-s", f"{key}={value}", self.IMAGE), key, value)
        disk = self.disk()
        self.assert_refused(self.run_vp("--disk", disk, "-s", "block.bytes=1M", self.IMAGE), "block.bytes", disk)
        self.assert_refused(self.run_vp("-s", "block.bytes=1M", "-s", "block.writes=keep", self.IMAGE), "block.file")
        self.assert_refused(self.run_vp("--disk", disk, "-s", "block.writes=keep", "--quantum-check", self.IMAGE), "keep")
        self.assert_refused(self.run_vp("--disk", disk, "--state", disk, self.IMAGE), "--state", disk)
        self.assert_refused(self.run_vp("--disk", self.IMAGE, "-s", "block.writes=keep", self.IMAGE), "block.file", self.IMAGE)

    def test_what_the_guest_writes(self):
        disk = self.disk()
        before = disk.read_bytes()
        for writes in ("discard", "refuse"):
            self.run_disk("--disk", disk, "-s", f"block.writes={writes}")
            self.assertEqual(disk.read_bytes(), before, writes)
        self.run_disk("--disk", disk, "-s", "block.writes=keep")
        after = disk.read_bytes()
        self.assertEqual(after[:6], bytes.fromhex("b864000000c3"), "the code that the test wrote last")
        self.assertEqual(after[8 * 512:], before[8 * 512:])
        disk.chmod(0o444)
        if os.access(disk, os.W_OK):
            return  # of the superuser
        self.assert_refused(self.run_vp("--disk", disk, "-s", "block.writes=keep", self.IMAGE), disk, "written")

    def test_no_disk(self):
        _, stats, events = self.run_disk()
        self.assertNotIn("block", stats)
        self.assertFalse([e for e in events if e.get("cat") == "block"])

    def test_statistics_and_timeline(self):
        _, stats, events = self.run_disk("-s", "block.bytes=1M", "-s", "block.error_sectors=40-47")
        block = stats["block"]
        spans = [e for e in events if e.get("cat") == "block"]
        requests = block["reads"] + block["writes"] + block["flushes"] + block["others"]
        self.assertEqual(len(spans), requests)
        self.assertEqual(block["service"]["count"], requests)
        self.assertEqual(sum(e["args"]["service_ps"] for e in spans), block["service"]["sum"])
        self.assertEqual(sum(e["args"]["queued_ps"] for e in spans), block["queued"]["sum"])
        self.assertEqual(sum(e["args"]["status"] != "OK" for e in spans), block["errors"])
        self.assertEqual(sum(e["args"]["bytes"] for e in spans if e["name"].startswith("read")), block["bytes_read"])
        self.assertEqual(block["most_in_flight"], 20)
        self.assertGreaterEqual(block["errors"], 8)
        names = {e["args"]["name"] for e in events if e.get("name") == "thread_name" and "block" in e["args"]["name"]}
        self.assertEqual(names, {"block device"} | {f"block device {n}" for n in range(1, 8)})
        ends = {}
        for e in sorted(spans, key=lambda e: e["ts"]):
            self.assertGreaterEqual(e["ts"] + 1e-6, ends.get(e["tid"], 0), "spans of one track overlap")
            ends[e["tid"]] = e["ts"] + e["dur"]

    def test_time(self):
        """A request that is alone takes latency and transfer."""
        for latency, bandwidth in ((80, 2000), (100, 100), (20.5, 512)):
            _, stats, events = self.run_disk("-s", "block.bytes=1M", "-s", f"block.latency_us={latency}", "-s",
                                             f"block.bandwidth_mb_s={bandwidth}")
            self.assertEqual(stats["block"]["service"]["min"], latency * 10**6, "of a flush")
            alone = [e["args"]["service_ps"] for e in events if e.get("name", "").startswith("read 4096")]
            self.assertEqual(set(alone), {latency * 10**6 + -(-4096 * 10**6 // bandwidth)})

    def test_the_clock_of_the_disk_is_exact_for_any_quantum(self):
        """What is measured is the same in lock step: cores stop where the device writes."""
        seen = []
        for quantum in ("auto", "1insn", "37cycles"):
            _, stats, events = self.run_disk("--cores", 1, "--quantum", quantum, "-s", "block.bytes=1M")
            seen.append((stats["sim"]["time_ps"], stats["block"], [e for e in events if e.get("cat") == "block"]))
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])


if __name__ == "__main__":
    unittest.main()
