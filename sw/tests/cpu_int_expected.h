/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of the groups of cpu_int, computed by cpu_int_native on an x86-64 host CPU; checked again by ctest. */
#define EXPECTED_alu 0xfab8b53bbb16d835
#define EXPECTED_unary 0x1f1d7acbcd5d0bf4
#define EXPECTED_shift 0xb69e087a5f9b7c7d
#define EXPECTED_muldiv 0x022f0def48495a03
#define EXPECTED_bit 0x392593049f887525
#define EXPECTED_exchange 0x330b8a5a27d4f1ed
#define EXPECTED_condition 0xd4f12ec9b8bd0e2e
#define EXPECTED_string 0x1e8515ee2d402133
#define EXPECTED_misc 0x0ae37d9ffec29047
#define EXPECTED_compiled 0xd1e6214ddb7ab3ca
