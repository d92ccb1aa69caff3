/* SPDX-License-Identifier: Apache-2.0 */
/* membarrier: an interrupt on every core concerned is a full barrier there, and returning from it serialises. */
#include "arch/syscall.h"

#include "arch/cpu.h"
#include "mm/mm.h"
#include <linux/membarrier.h>

enum {
    PROCESS_COMMANDS = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
    REGISTER_COMMANDS = MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
    SYSTEM_COMMANDS = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED,
    GET_REGISTRATIONS = 1 << 9 /* newer than Debian's headers */
};

SYSCALL3(membarrier, int, command, unsigned, flags, int, cpu)
{
    struct mm *mm = current->mm;
    (void)cpu; /* only for commands of restartable sequences, which do not exist here */
    if (flags)
        return -EINVAL;
    switch (command) {
    case MEMBARRIER_CMD_QUERY: return PROCESS_COMMANDS | REGISTER_COMMANDS | SYSTEM_COMMANDS | GET_REGISTRATIONS;
    case GET_REGISTRATIONS: return mm->membarrier;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED: tlb_flush_cores(cpus_online(), 0, 0); return 0;
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: mm->membarrier |= (uint32_t)command; return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        if (!(mm->membarrier & (uint32_t)command << 1)) /* its register command is the next bit */
            return -EPERM;
        tlb_flush_cores(mm->active, 0, 0);
        return 0;
    default: return -EINVAL;
    }
}
