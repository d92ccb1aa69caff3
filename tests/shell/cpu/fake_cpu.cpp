// SPDX-License-Identifier: Apache-2.0
// See fake_cpu.h. Only what the shell calls exists.
#include "fake_cpu.h"

#include "cpu.h"

#include <algorithm>
#include <map>

struct cpu {
    struct cpu_config config;
    struct cpu_bus bus;
    fake_script *script;
    std::uint64_t now, until;
    std::size_t step;
    std::uint64_t done; // instructions of the current RUN
    bool halted;
};

fake_script &fake_script_of(std::uint32_t apic_id)
{
    static std::map<std::uint32_t, fake_script> scripts;
    return scripts[apic_id];
}

extern "C" {

struct cpu *cpu_create(const struct cpu_config *config, const struct cpu_bus *bus, struct cpu_code_map *,
                       const struct timing *)
{
    if (config->physical_address_width < 36)
        return nullptr;
    return new cpu{*config, *bus, &fake_script_of(config->apic_id), 0, 0, 0, 0, false};
}

void cpu_destroy(struct cpu *c) { delete c; }
uint64_t cpu_now(const struct cpu *c) { return c->now; }
void cpu_limit(struct cpu *c, uint64_t until) { c->until = std::min(c->until, until); }
void cpu_signal_interrupt(struct cpu *) {}
void cpu_write_is_free(struct cpu *) {}
void cpu_signal_nmi(struct cpu *) {}
void cpu_signal_init(struct cpu *) {}
void cpu_signal_startup(struct cpu *, uint8_t) {}
uint64_t cpu_uintr_msr(const struct cpu *, uint32_t) { return 0; }
bool cpu_listens(const struct cpu *) { return true; }
uint64_t cpu_wake_cycle(const struct cpu *) { return VP_NEVER; }
bool cpu_is_waiting(const struct cpu *c) { return c->halted && !c->bus.apic_has_interrupt(c->bus.ctx); }

void cpu_idle_until(struct cpu *c, uint64_t cycle)
{
    c->script->idle += cycle - c->now;
    c->now = cycle;
}

enum cpu_stop cpu_run(struct cpu *c, uint64_t until)
{
    c->until = until;
    c->script->runs++;
    while (c->now < c->until) {
        if (c->bus.apic_has_interrupt(c->bus.ctx)) {
            c->halted = false;
            uint8_t vector = c->bus.apic_ack(c->bus.ctx, nullptr, nullptr);
            c->script->taken.push_back({vector, c->now});
            continue;
        }
        if (c->halted || c->step >= c->script->steps.size()) {
            c->halted = true;
            return CPU_STOP_HALT;
        }
        const fake_step &s = c->script->steps[c->step];
        if (s.kind != fake_step::RUN || c->done == s.value) {
            c->step++;
            c->done = 0;
            if (s.kind == fake_step::SEND)
                (void)!c->bus.apic_msr_write(c->bus.ctx, 0x830, s.value);
            else if (s.kind == fake_step::OUT)
                c->bus.io_write(c->bus.ctx, static_cast<uint16_t>(s.value), 4, 1);
            else if (s.kind == fake_step::SHUTDOWN)
                return CPU_STOP_SHUTDOWN;
            else if (s.kind == fake_step::HALT)
                c->halted = true;
            if (s.kind == fake_step::RUN)
                continue;
        } else {
            c->done++;
        }
        c->now += c->script->insn_cycles;
    }
    c->script->limits.push_back(c->now);
    return CPU_STOP_UNTIL;
}

} // extern "C"
