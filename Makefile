# SPDX-License-Identifier: Apache-2.0
# The commands of the README. Everything is built by CMake (CMakePresets.json); this file only names the steps.
SHELL := /bin/bash
JOBS ?= $(shell nproc)

.PHONY: help setup build demo test asan lint format bench clean

help:
	@echo "make demo    install what is missing, build, show a user interrupt crossing from core 0 to core 1"
	@echo "make test    install what is missing, build, run all tests"
	@echo "make build   the simulator (build/bin/uintr-vp) and the guest images (build/sw/*.elf)"
	@echo "make bench   speed side by side with QEMU and Bochs"
	@echo "make asan    all tests under address and undefined-behaviour sanitizers"
	@echo "make lint    clang-format and clang-tidy;  make format: format the sources;  make clean"

setup:
	@scripts/setup build

build: setup
	@cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@mv build-configure.log build/configure.log
	@cmake --build --preset release -j $(JOBS)

demo: build
	@scripts/demo

test:
	@scripts/setup test
	@$(MAKE) --no-print-directory build
	@cd build && ctest -j $(JOBS) --output-on-failure

asan:
	@scripts/setup test
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan -j $(JOBS)
	@cd build-asan && ctest -j $(JOBS) --output-on-failure

lint:
	@scripts/setup lint
	@$(MAKE) --no-print-directory build
	@scripts/lint

format:
	@scripts/setup lint
	@scripts/lint --fix

bench:
	@scripts/setup bench
	@$(MAKE) --no-print-directory build
	@scripts/bench $(BENCH_ARGUMENTS)

clean:
	rm -rf build build-debug build-asan
