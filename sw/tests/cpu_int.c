/* SPDX-License-Identifier: Apache-2.0 */
/* Integer instructions against checksums that a real CPU computed; the operands and groups are in cpu_int_groups.c. */
#include "arch/control.h"
#include "arch/insn.h"
#include "boot.h"
#include "cpu_int_expected.h"
#include "cpu_int_groups.h"
#include "report.h"

const char test_name[] = "cpu_int";

/* Instructions with a CPUID bit of their own. */
static void check_extensions(void)
{
    struct cpuid_result r = cpuid(1, 0);
    if (r.ecx >> 23 & 1) {
        uint64_t sum = 0;
        for (uint64_t v = 1; v; v <<= 3) {
            uint64_t n, flags;
            __asm__("popcntq %2, %0; pushfq; popq %1" : "=r"(n), "=r"(flags) : "r"((v - 1) ^ v << 1) : "cc");
            sum = sum * 67 + n + (flags & RFLAGS_STATUS_MASK);
        }
        uint16_t w = 0;
        __asm__("popcntw %1, %0" : "=r"(w) : "r"((uint16_t)0xf0f1) : "cc");
        report(w == 9 && sum != 0, "POPCNT");
    } else {
        report_skip("no POPCNT");
    }
    if (cpuid(0x80000001, 0).ecx >> 5 & 1) {
        uint64_t q, carry;
        uint32_t l;
        __asm__("lzcntq %2, %0; sbb %1, %1" : "=r"(q), "=r"(carry) : "r"(0ull) : "cc");
        __asm__("lzcntl %1, %0" : "=r"(l) : "r"(0x00012345) : "cc");
        report(q == 64 && carry == UINT64_MAX && l == 15, "LZCNT");
    } else {
        report_skip("no LZCNT");
    }
    if (cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx >> 3 & 1) {
        uint64_t q, carry;
        __asm__("tzcntq %2, %0; sbb %1, %1" : "=r"(q), "=r"(carry) : "r"(0ull) : "cc");
        report(q == 64 && carry == UINT64_MAX, "TZCNT");
    } else {
        report_skip("no TZCNT");
    }
    if (r.ecx >> 22 & 1) {
        uint64_t memory = 0x0102030405060708, q;
        __asm__("movbeq %1, %0" : "=r"(q) : "m"(memory));
        __asm__("movbel %k1, %0" : "+m"(memory) : "r"(0xaabbccddull));
        report(q == 0x0807060504030201 && memory == 0x01020304ddccbbaa, "MOVBE");
    } else {
        report_skip("no MOVBE");
    }
}

int guest_main(void)
{
#define CHECK(name) report_equal(group_##name(CPU_INT_SEED), EXPECTED_##name, "checksum of group " #name);
    CPU_INT_GROUPS(CHECK)
    check_extensions();
    return report_summary();
}
