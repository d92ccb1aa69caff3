# SPDX-License-Identifier: Apache-2.0
# The commands of the README. CMake builds everything (CMakePresets.json); this file only names the steps.
JOBS ?= $(shell nproc)
export JOBS

.PHONY: help build demo shell test asan fuzz fuzz-kernel oracle mutants lint format bench clean conformance stress validate studies async-bench
.NOTPARALLEL:

help:
	@echo "make demo    install what is missing, build, show user interrupts crossing from core 0 to core 1"
	@echo "make shell   boot the minimal kernel to a shell on this terminal; SHELL_OPTIONS=\"--cores 4\" passes options"
	@echo "make test    install what is missing, build, run all tests"
	@echo "make build   the simulator (build/bin/uintr-vp) and the guest images (build/sw/*.elf)"
	@echo "make conformance  user interrupts, statement by statement: docs/conformance.md; CONFORMANCE=\"--write\" passes options"
	@echo "make asan    all tests again under address and undefined-behaviour sanitizers"
	@echo "make fuzz    random guest code under sanitizers, five minutes; FUZZ=\"SECONDS SEED\" passes others"
	@echo "make fuzz-kernel  random system calls on the minimal kernel, ten minutes; FUZZ=\"SECONDS SEED\" passes others"
	@echo "make mutants every known wrong behaviour put into the sources in turn: which test notices it"
	@echo "make oracle  every instruction against the host processor, long; ORACLE=\"SEED SCALE\" passes others"
	@echo "make stress  a million user interrupts between 2, 4 and 8 cores, each accounted for; STRESS=POSTS for another number"
	@echo "make bench   guest speed side by side with QEMU and Bochs; BENCH=\"--rounds 9 --write\" passes options"
	@echo "make validate  published costs against ours, writes docs/validation.md; VALIDATE=\"--timing MODEL\" passes options"
	@echo "make studies  three studies with tables and plots: docs/studies.md; STUDIES=\"--fresh --write\" passes options"
	@echo "make async-bench  computing and reading at once in three forms, long: docs/async.md; ASYNC=\"--scale 20\" passes options"
	@echo "make lint    clang-format and clang-tidy, nothing is changed"
	@echo "make format  formats the sources"
	@echo "make clean   removes the build folders"

build:
	@scripts/setup build
	@scripts/build release uintr-vp guest_images

demo: build
	@scripts/demo

shell:
	@$(MAKE) --no-print-directory build >&2
	@scripts/shell $(SHELL_OPTIONS)

test:
	@scripts/setup test
	@scripts/build release
	@scripts/test build

conformance:
	@scripts/setup test
	@scripts/conformance $(CONFORMANCE)

asan:
	@scripts/setup test
	@scripts/build asan
	@scripts/test build-asan

fuzz:
	@scripts/setup test
	@scripts/build asan fuzz_cpu fuzz_lapic fuzz_uintr
	@scripts/fuzz $(FUZZ)

fuzz-kernel: build
	@scripts/fuzz-kernel $(FUZZ)

mutants:
	@scripts/setup test
	@scripts/mutants $(MUTANTS)

oracle:
	@scripts/setup test
	@scripts/build release oracle_int oracle_fx oracle_sse oracle_shrink
	@scripts/oracle $(ORACLE)

stress:
	@scripts/setup build
	@scripts/build release uintr-vp guest_images
	@scripts/stress $(STRESS)

lint:
	@scripts/setup lint
	@scripts/build release
	@scripts/lint

format:
	@scripts/setup lint
	@scripts/format

bench:
	@scripts/setup bench
	@scripts/build release uintr-vp guest_images
	@scripts/bench $(BENCH)

validate:
	@scripts/setup build
	@scripts/build release uintr-vp guest_images
	@scripts/validate $(VALIDATE)

studies:
	@scripts/setup studies
	@scripts/build release uintr-vp guest_images
	@scripts/studies $(STUDIES)

async-bench:
	@scripts/setup test
	@scripts/build release uintr-vp guest_images
	@scripts/async-bench $(ASYNC)

clean:
	rm -rf build build-debug build-asan build-mutants
