/* SPDX-License-Identifier: Apache-2.0 */
/* Hardware task switches. See task.c. */
#ifndef CPU_TASK_H
#define CPU_TASK_H

#include "protect.h"

enum task_cause { TASK_JUMP, TASK_CALL, TASK_IRET, TASK_EVENT };
struct task_event {
    enum task_cause cause;
    bool is_external; /* EXT of error codes */
    bool has_error_code;
    uint32_t error_code;  /* pushed on the new task's stack */
    uint64_t rip, rflags; /* of the old task, where it will go on */
};

/* VP_FAULT: raised, nothing has changed. VP_OK: the new task is current; cpu->leave is LEAVE_FAULT if its state was
 * bad. */
VP_NODISCARD enum vp_status cpu_task_switch(struct cpu *cpu, uint16_t selector, const struct task_event *event);
/* Does the descriptor of a far JMP or CALL name a task: a TSS or a task gate outside long mode? */
bool cpu_names_task(const struct cpu *cpu, uint64_t descriptor);
/* ... then this is the transfer, with the checks of privilege. */
VP_NODISCARD enum vp_status cpu_task_gate(struct cpu *cpu, uint16_t selector, uint64_t descriptor,
                                          const struct task_event *event);
/* IRET with NT set outside long mode. */
VP_NODISCARD enum vp_status cpu_task_return(struct cpu *cpu, uint64_t next_rip);

#endif
