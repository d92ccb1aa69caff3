/* SPDX-License-Identifier: Apache-2.0 */
/* What a Multiboot 1 boot loader leaves: Multiboot Specification version 0.6.96, "Boot information format". */
#ifndef ARCH_MULTIBOOT_H
#define ARCH_MULTIBOOT_H

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_HEADER_FLAGS 0x00000003 /* page-aligned modules; memory map wanted */
#define MULTIBOOT_LOADER_MAGIC 0x2badb002

#define MULTIBOOT_INFO_MEMORY 0x001
#define MULTIBOOT_INFO_COMMAND_LINE 0x004
#define MULTIBOOT_INFO_MODULES 0x008
#define MULTIBOOT_INFO_MEMORY_MAP 0x040

#ifndef __ASSEMBLER__
#include <stdint.h>

struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; /* KiB */
    uint32_t boot_device, command_line;
    uint32_t modules_count, modules_address;
    uint32_t symbols[4];
    uint32_t memory_map_length, memory_map_address;
};

struct multiboot_module {
    uint32_t start, end, string, reserved;
};

struct multiboot_memory {
    uint32_t size; /* of the rest of the entry */
    uint64_t address, length;
    uint32_t type; /* 1: RAM */
} __attribute__((packed));
#endif

#endif
