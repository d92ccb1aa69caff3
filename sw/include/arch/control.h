/* SPDX-License-Identifier: Apache-2.0 */
/* Control registers, RFLAGS, exception vectors and page-fault error bits as the guest knows them.
 * Written from the SDM (Vol. 3A, "Control Registers"; Vol. 1, "EFLAGS Register"), not from the simulator's headers:
 * a wrong constant must not be able to agree with itself.
 */
#ifndef ARCH_CONTROL_H
#define ARCH_CONTROL_H

#define CR0_PE 0x00000001
#define CR0_MP 0x00000002
#define CR0_ET 0x00000010
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_AM 0x00040000
#define CR0_CD 0x40000000
#define CR0_PG 0x80000000

#define CR4_TSD 0x00000004
#define CR4_DE 0x00000008
#define CR4_PSE 0x00000010
#define CR4_PAE 0x00000020
#define CR4_PGE 0x00000080
#define CR4_OSFXSR 0x00000200
#define CR4_OSXMMEXCPT 0x00000400
#define CR4_UMIP 0x00000800
#define CR4_FSGSBASE 0x00010000
#define CR4_SMEP 0x00100000
#define CR4_SMAP 0x00200000
#define CR4_UINTR 0x02000000

#define EFER_SCE 0x001
#define EFER_LME 0x100
#define EFER_LMA 0x400
#define EFER_NXE 0x800

#define RFLAGS_CF 0x00000001
#define RFLAGS_ONE 0x00000002 /* always 1 */
#define RFLAGS_PF 0x00000004
#define RFLAGS_AF 0x00000010
#define RFLAGS_ZF 0x00000040
#define RFLAGS_SF 0x00000080
#define RFLAGS_TF 0x00000100
#define RFLAGS_IF 0x00000200
#define RFLAGS_DF 0x00000400
#define RFLAGS_OF 0x00000800
#define RFLAGS_IOPL_MASK 0x00003000
#define RFLAGS_NT 0x00004000
#define RFLAGS_RF 0x00010000
#define RFLAGS_AC 0x00040000
#define RFLAGS_ID 0x00200000
#define RFLAGS_STATUS_MASK (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

#define VECTOR_DE 0
#define VECTOR_DB 1
#define VECTOR_NMI 2
#define VECTOR_BP 3
#define VECTOR_OF 4
#define VECTOR_UD 6
#define VECTOR_NM 7
#define VECTOR_DF 8
#define VECTOR_TS 10
#define VECTOR_NP 11
#define VECTOR_SS 12
#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_MF 16
#define VECTOR_AC 17

#define PF_ERROR_P 0x01    /* a protection violation, not an absent page */
#define PF_ERROR_W 0x02    /* a write */
#define PF_ERROR_U 0x04    /* a user-mode access */
#define PF_ERROR_RSVD 0x08 /* a reserved bit was set in a paging structure */
#define PF_ERROR_I 0x10    /* an instruction fetch */

#endif
