/* SPDX-License-Identifier: Apache-2.0 */
/* Model-specific registers the guest uses: SDM Vol. 4, "Architectural MSRs". */
#ifndef ARCH_MSR_H
#define ARCH_MSR_H

#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_APIC_BASE_BSP 0x100
#define MSR_APIC_BASE_X2APIC 0x400
#define MSR_APIC_BASE_ENABLE 0x800
#define MSR_X2APIC_FIRST 0x800 /* register at offset 16 * n of the xAPIC page is MSR 800H + n */

#define MSR_UINTR_RR 0x985
#define MSR_UINTR_HANDLER 0x986
#define MSR_UINTR_STACKADJUST 0x987
#define MSR_UINTR_MISC 0x988
#define MSR_UINTR_PD 0x989
#define MSR_UINTR_TT 0x98a

#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_FMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103

#endif
