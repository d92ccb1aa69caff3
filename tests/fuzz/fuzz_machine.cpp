// SPDX-License-Identifier: Apache-2.0
// Start states: real, 16 and 32-bit protected mode (without paging, with 32-bit and PAE paging), compatibility and
// 64-bit mode at CPL 0 and 3. Tables are sound at first, then some of their bytes are not.
#include "fuzz_machine.h"

#include "cpu_opcodes.h"
#include "uintr.h"

#include <cstring>
#include <set>

namespace
{

constexpr std::uint64_t GDT = 0x1000, IDT = 0x2000, TSS = 0x3000, PAGES = 0x8000, HANDLERS = 0x10000, CODE = 0x20000,
                        STACK = 0x40000;
enum : std::uint16_t {
    CODE64_0 = 8,
    DATA_0 = 16,
    DATA_3 = 24,
    CODE64_3 = 32,
    TSS_SELECTOR = 40,
    CODE32_0 = 56,
    CODE32_3 = 64,
    CODE16_0 = 72
};
constexpr std::uint64_t CR0_PE = 1, CR0_NE = 32, CR0_WP = 1u << 16, CR0_AM = 1u << 18, CR0_PG = 1u << 31;
constexpr std::uint64_t CR4_PSE = 1u << 4, CR4_PAE = 1u << 5, CR4_OSFXSR = 3u << 9, CR4_SMAP = 1u << 21,
                        CR4_UINTR = 1u << 25;

struct start_mode {
    const char *name;
    unsigned bits; // of code
    bool is_protected, paging, pae, is_long;
    std::uint8_t cpl;
};
const start_mode MODES[] = {
    {"real", 16, false, false, false, false, 0},
    {"protected 16", 16, true, false, false, false, 0},
    {"protected 32", 32, true, false, false, false, 0},
    {"protected 32 user", 32, true, false, false, false, 3},
    {"32-bit paging", 32, true, true, false, false, 0},
    {"32-bit paging user", 32, true, true, false, false, 3},
    {"PAE", 32, true, true, true, false, 0},
    {"PAE user", 32, true, true, true, false, 3},
    {"compatibility", 32, true, true, true, true, 3},
    {"64-bit", 64, true, true, true, true, 0},
    {"64-bit user", 64, true, true, true, true, 3},
    {"64-bit user", 64, true, true, true, true, 3},
};

std::uint64_t descriptor(std::uint8_t access, std::uint8_t flags)
{
    return 0xffffu | std::uint64_t(access) << 40 | std::uint64_t(0xf) << 48 | std::uint64_t(flags) << 52;
}

} // namespace

fuzz_machine::fuzz_machine(std::uint64_t seed, bool observed, const struct timing *timing)
    : m_random{seed * 2 + 1}, m_ram(RAM_SIZE), m_map(cpu_code_map_create(RAM_SIZE))
{
    for (int i = 0; i < 8; i++)
        fuzz_next(&m_random);
    m_model.abi_version = TIMING_ABI_VERSION;
    m_model.struct_size = sizeof m_model;
    m_model.name = "fuzz";
    m_timing.model = &m_model;
    if (timing != nullptr)
        m_timing = *timing;
    m_mode = static_cast<unsigned>(fuzz_below(&m_random, sizeof MODES / sizeof MODES[0]));
    make_memory();
    for (unsigned i = 0; i < CORES; i++) {
        m_sides[i].machine = this;
        struct cpu_config config = {};
        config.index = i;
        config.cores = CORES;
        config.apic_id = i;
        config.bsp = true;
        config.clock_hz = 2000000000;
        config.timer_cycles_per_tick = 80;
        config.features = cpu_features_default();
        config.physical_address_width = 40;
        const struct cpu_bus bus = make_bus(&m_sides[i], observed);
        m_sides[i].core = cpu_create(&config, &bus, m_map, &m_timing);
        start(i);
    }
}

fuzz_machine::~fuzz_machine()
{
    for (core_side &side : m_sides)
        cpu_destroy(side.core);
    cpu_code_map_destroy(m_map);
}

struct cpu_bus fuzz_machine::make_bus(core_side *side, bool observed)
{
    struct cpu_bus bus = {};
    bus.ctx = side;
    const auto ram = [](void *ctx) -> std::vector<std::uint8_t> & {
        return static_cast<core_side *>(ctx)->machine->m_ram;
    };
    (void)ram;
    bus.read = [](void *ctx, std::uint64_t pa, void *bytes, std::uint32_t size) {
        auto &m = static_cast<core_side *>(ctx)->machine->m_ram;
        std::memset(bytes, 0xff, size);
        if (pa < m.size() && size <= m.size() - pa)
            std::memcpy(bytes, &m[pa], size);
    };
    bus.write = [](void *ctx, std::uint64_t pa, const void *bytes, std::uint32_t size) {
        auto &m = static_cast<core_side *>(ctx)->machine->m_ram;
        if (pa < m.size() && size <= m.size() - pa)
            std::memcpy(&m[pa], bytes, size);
    };
    bus.modify = [](void *ctx, std::uint64_t pa, std::uint32_t size, cpu_modify_fn *fn, void *arg) {
        auto &m = static_cast<core_side *>(ctx)->machine->m_ram;
        std::uint8_t absent[16];
        std::memset(absent, 0xff, sizeof absent);
        (void)fn(arg, pa < m.size() && size <= m.size() - pa ? &m[pa] : absent);
    };
    // The last 64 KiB are a device: reached by read and write only.
    bus.direct_page = [](void *ctx, std::uint64_t pa) -> std::uint8_t * {
        auto &m = static_cast<core_side *>(ctx)->machine->m_ram;
        return pa < m.size() - 0x10000 ? &m[pa & ~std::uint64_t{4095}] : nullptr;
    };
    bus.io_read = [](void *, std::uint16_t port, std::uint32_t) { return std::uint32_t{port} * 0x01010101u; };
    bus.io_write = [](void *, std::uint16_t, std::uint32_t, std::uint32_t) {};
    bus.apic_ack = [](void *ctx, std::uint64_t *number, std::uint64_t *arrived) -> std::uint8_t {
        core_side *s = static_cast<core_side *>(ctx);
        s->interrupt = false;
        *number = *arrived = 0;
        return static_cast<std::uint8_t>(32 + fuzz_below(&s->machine->m_random, 224));
    };
    bus.apic_eoi = [](void *) {};
    bus.apic_has_interrupt = [](void *ctx) { return static_cast<core_side *>(ctx)->interrupt; };
    bus.apic_msr_read = [](void *, std::uint32_t msr, std::uint64_t *value) {
        *value = msr == 0x1b ? 0xfee00900 : msr;
        return msr == 0x1b || msr == 0x6e0 ? VP_OK : VP_FAULT;
    };
    bus.apic_msr_write = [](void *, std::uint32_t msr, std::uint64_t value) {
        return msr == 0x6e0 || (msr == 0x830 && value < 0x1000) ? VP_OK : VP_FAULT;
    };
    bus.apic_cr8 = [](void *ctx) { return static_cast<core_side *>(ctx)->cr8; };
    bus.apic_set_cr8 = [](void *ctx, std::uint8_t value) { static_cast<core_side *>(ctx)->cr8 = value; };
    bus.apic_send_user_ipi = [](void *ctx, std::uint32_t ndst, std::uint8_t) {
        core_side &to = static_cast<core_side *>(ctx)->machine->m_sides[ndst % CORES];
        to.interrupt = true;
        cpu_signal_interrupt(to.core);
    };
    bus.apic_set_tsc_offset = [](void *, std::uint64_t) {};
    bus.apic_init = [](void *) {};
    if (observed) {
        bus.trace_insn = [](void *, const struct cpu_trace_insn *) {};
        bus.trace_mem = [](void *, const struct cpu_trace_mem *) {};
    }
    return bus;
}

void fuzz_machine::put(std::uint64_t pa, std::uint64_t value, unsigned size) { std::memcpy(&m_ram[pa], &value, size); }

void fuzz_machine::make_page_tables()
{
    const start_mode &mode = MODES[m_mode];
    if (mode.is_long) { // 4 levels, 4 KiB pages for the first 2 MiB, and a large page
        put(PAGES, (PAGES + 0x1000) | 7, 8);
        put(PAGES + 0x1000, (PAGES + 0x2000) | 7, 8);
        put(PAGES + 0x2000, (PAGES + 0x3000) | 7, 8);
        put(PAGES + 0x2008, 0x87, 8);
    } else if (mode.pae) {
        put(PAGES, (PAGES + 0x2000) | 1, 8);
        put(PAGES + 0x2000, (PAGES + 0x3000) | 7, 8);
        put(PAGES + 0x2008, 0x87, 8);
    } else {
        put(PAGES, (PAGES + 0x3000) | 7, 4);
        put(PAGES + 4, 0x87, 4);
    }
    const unsigned entry = mode.pae ? 8 : 4;
    for (std::uint64_t i = 0; i < 512; i++)
        put(PAGES + 0x3000 + entry * i, (i % 256 * 4096) | 7, entry);
    // Some entries are anything at all.
    for (std::uint64_t n = fuzz_below(&m_random, 12); n > 0; n--)
        put(PAGES + 0x3000 + 8 * fuzz_below(&m_random, 256), fuzz_value(&m_random, RAM_SIZE), entry);
    if (fuzz_below(&m_random, 16) == 0)
        put(PAGES + 8 * fuzz_below(&m_random, 0x400), fuzz_next(&m_random), 8);
}

void fuzz_machine::make_tables()
{
    const start_mode &mode = MODES[m_mode];
    const std::pair<std::uint16_t, std::uint64_t> entries[] = {{CODE64_0, descriptor(0x9b, mode.is_long ? 0xa : 0xc)},
                                                               {DATA_0, descriptor(0x93, 0xc)},
                                                               {DATA_3, descriptor(0xf3, 0xc)},
                                                               {CODE64_3, descriptor(0xfb, mode.is_long ? 0xa : 0xc)},
                                                               {CODE32_0, descriptor(0x9b, 0xc)},
                                                               {CODE32_3, descriptor(0xfb, 0xc)},
                                                               {CODE16_0, descriptor(0x9b, 0x8)}};
    for (const auto &[selector, d] : entries)
        put(GDT + selector, d, 8);
    put(GDT + TSS_SELECTOR, 0x2067u | TSS << 16 | std::uint64_t{0x89} << 40, 8);
    for (std::uint64_t i = 80; i < 0x400; i += 8) // gates, LDTs, busy and absent things
        put(GDT + i,
            fuzz_below(&m_random, 2) ? fuzz_next(&m_random)
                                     : descriptor(static_cast<std::uint8_t>(fuzz_next(&m_random)), 0xc),
            8);
    for (std::uint64_t v = 0; v < 256; v++) {
        const std::uint64_t handler = HANDLERS + 64 * v;
        std::uint64_t gate =
            (handler & 0xffff) | std::uint64_t{CODE64_0} << 16 | std::uint64_t{0x8e} << 40 | (handler >> 16) << 48;
        if (fuzz_below(&m_random, 24) == 0)
            gate = fuzz_next(&m_random);
        if (fuzz_below(&m_random, 3) == 0)
            gate |= std::uint64_t{0x60} << 40; // DPL 3
        put(IDT + (mode.is_long ? 16 : 8) * v, gate, 8);
    }
    put(TSS + 4, STACK + 0x8000, 8);
    put(TSS + 8, mode.is_long ? 0 : DATA_0, 2);
    put(TSS + 0x66, 0x68, 2);
}

void fuzz_machine::make_memory()
{
    const unsigned bits = MODES[m_mode].bits;
    make_tables();
    make_page_tables();
    if (bits == 16) // the real-mode vector table
        for (std::uint64_t v = 0; v < 256; v++)
            put(4 * v, 0x1000u << 16 | 64 * v, 4);
    fuzz_code(&m_random, bits, &m_ram[HANDLERS], 256 * 64);
    for (std::uint64_t v = 0; v < 256; v += 2) // half of the handlers return
        put(HANDLERS + 64 * v, bits == 64 ? 0xcf48 : 0xcf, 2);
    fuzz_code(&m_random, bits, &m_ram[CODE], 0x4000);
}

void fuzz_machine::start(unsigned index)
{
    const start_mode &mode = MODES[m_mode];
    struct cpu *core = m_sides[index].core;
    cpu_start_multiboot(core, 0, 0, 0);
    struct core_state s;
    core_get(core, &s);
    s.cr0 = 0x10 | CR0_NE | (mode.is_protected ? CR0_PE : 0) | (mode.paging ? CR0_PG : 0) |
            (fuzz_next(&m_random) & (CR0_WP | CR0_AM));
    s.cr3 = PAGES;
    s.cr4 = CR4_PSE | CR4_OSFXSR | (mode.pae ? CR4_PAE : 0) | CR4_UINTR | (fuzz_below(&m_random, 4) ? 0 : CR4_SMAP);
    s.efer = mode.is_long ? 0xd01 : 0;
    s.gdt_base = GDT, s.gdt_limit = 0x3ff;
    s.idt_base = mode.bits == 16 && !mode.is_protected ? 0 : IDT, s.idt_limit = 0xfff;
    s.cpl = mode.cpl;
    const std::uint16_t code = mode.bits == 64   ? (mode.cpl ? CODE64_3 : CODE64_0)
                               : mode.bits == 32 ? (mode.cpl ? CODE32_3 : CODE32_0)
                                                 : CODE16_0;
    const std::uint16_t code_attr = static_cast<std::uint16_t>((mode.bits == 64   ? 0xa09b
                                                                : mode.bits == 32 ? 0xc09b
                                                                                  : 0x009b) |
                                                               mode.cpl << 5);
    s.seg[CORE_CS] = {0, 0xffffffff, static_cast<std::uint16_t>(code | mode.cpl), code_attr};
    for (int i : {CORE_ES, CORE_SS, CORE_DS, CORE_FS, CORE_GS})
        s.seg[i] = {0, 0xffffffff, static_cast<std::uint16_t>((mode.cpl ? DATA_3 : DATA_0) | mode.cpl),
                    static_cast<std::uint16_t>(0xc093 | mode.cpl << 5)};
    s.seg[CORE_TR] = {TSS, 0x2067, TSS_SELECTOR, 0x8b};
    s.rip = CODE + 0x1000 * index;
    s.rsp = STACK + 0x1000 * index;
    s.rflags = 2 | (fuzz_next(&m_random) & 0x44ed5); // status, IF, DF, AC; seldom TF
    if (fuzz_below(&m_random, 8) == 0)
        s.rflags |= 0x100;
    if (mode.bits == 16 && !mode.is_protected) {
        s.seg[CORE_CS] = {CODE, 0xffff, CODE >> 4, 0x9b};
        s.rip = 0x1000 * index;
    }
    core_set(core, &s);
    for (std::uint32_t msr : {0x985u, 0x986u, 0x987u, 0x988u, 0x989u, 0x98au})
        (void)core_msr_write(core, msr,
                             msr == 0x988 ? std::uint64_t{32} << 32 | 16
                                          : fuzz_value(&m_random, RAM_SIZE) & ~std::uint64_t{63});
    struct cpu_regs r;
    cpu_get_regs(core, &r);
    for (int i = 0; i < 16; i++)
        if (i != 4)
            r.gpr[i] = fuzz_value(&m_random, RAM_SIZE);
    cpu_set_regs(core, &r);
}

std::string fuzz_machine::run()
{
    std::uint64_t now = 0;
    for (unsigned turn = 0; turn < 24; turn++) {
        now += 1 + fuzz_below(&m_random, 300);
        for (unsigned i = 0; i < CORES; i++) {
            struct cpu *core = m_sides[i].core;
            const std::uint64_t before = cpu_now(core), done = cpu_stats(core)->instructions;
            const enum cpu_stop stop = cpu_run(core, now);
            if (stop == CPU_STOP_UNTIL && cpu_now(core) < now && turn != 0)
                return "cpu_run came back before its time";
            if (cpu_stats(core)->instructions - done > cpu_now(core) - before)
                return "more instructions than cycles";
            if (stop != CPU_STOP_UNTIL)
                cpu_idle_until(core, now);
            switch (fuzz_below(&m_random, 24)) {
            case 0: cpu_signal_nmi(core); break;
            case 1:
            case 2:
                m_sides[i].interrupt = true;
                cpu_signal_interrupt(core);
                break;
            case 3:
                if (fuzz_below(&m_random, 4) == 0)
                    cpu_signal_init(core);
                break;
            case 4: cpu_signal_startup(core, CODE >> 12); break;
            default: break;
            }
        }
    }
    return "";
}

bool fuzz_machine::run_alone(std::uint64_t instructions, std::uint64_t cycles)
{
    struct cpu *core = m_sides[0].core;
    enum cpu_stop stop = CPU_STOP_UNTIL;
    struct cpu_opcode_set completed = {};
    if (!cpu_opcode_watch(core))
        return false;
    while (stop == CPU_STOP_UNTIL && cpu_stats(core)->instructions < instructions && cpu_now(core) < cycles)
        stop = cpu_run(core, cpu_now(core) + 1000);
    if (stop != CPU_STOP_HALT && stop != CPU_STOP_SHUTDOWN)
        return false;
    cpu_opcode_take(core, &completed);
    static const std::set<std::string> clocks{"rdtsc", "rdtscp", "rdpmc", "rdmsr", "tpause", "umwait", "mwait"};
    for (std::size_t i = 0; i < cpu_opcode_count(); i++) {
        struct cpu_opcode opcode;
        cpu_opcode_describe(i, &opcode);
        if (cpu_opcode_is_in(&completed, i) && clocks.count(opcode.mnemonic) != 0)
            return false;
    }
    return true;
}

std::string fuzz_machine::state(bool with_time) const
{
    std::string s(m_ram.begin(), m_ram.end());
    for (const core_side &side : m_sides) {
        struct cpu_regs r = {};
        struct core_state c = {};
        cpu_get_regs(side.core, &r);
        core_get(side.core, &c);
        for (std::uint64_t v : r.gpr)
            s.append(reinterpret_cast<const char *>(&v), sizeof v);
        for (std::uint64_t v :
             {r.rip, r.rflags, c.cr0, c.cr2, c.cr3, c.cr4, c.efer, c.dr6, c.dr7, with_time ? cpu_now(side.core) : 0,
              cpu_stats(side.core)->instructions, std::uint64_t{c.cpl}})
            s.append(reinterpret_cast<const char *>(&v), sizeof v);
    }
    return s;
}

std::uint64_t fuzz_machine::instructions() const
{
    std::uint64_t sum = 0;
    for (const core_side &side : m_sides)
        sum += cpu_stats(side.core)->instructions;
    return sum;
}
