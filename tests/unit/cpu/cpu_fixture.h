// SPDX-License-Identifier: Apache-2.0
// A machine of one core and 4 MiB of RAM for the core's unit tests. start64() runs a small boot program, so that even
// the switch to long mode is the guest's own work; start32() stays in flat 32-bit protected mode without paging. A
// write to port F4H stops the run. Exceptions lead to a table of such writes, so that the vector is known from RIP.
#ifndef CPU_FIXTURE_H
#define CPU_FIXTURE_H

#include "cpu.h"
#include "opcode_coverage.h"
#include "timing.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

class cpu_fixture
{
  public:
    // Physical and, in start64(), linear addresses: all of RAM is mapped to itself, the second 2 MiB by 4 KiB pages.
    static constexpr std::uint64_t RAM_SIZE = 4u << 20;
    static constexpr std::uint64_t PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, GDT = 0x4000, TSS = 0x5000,
                                   TABLES = 0x5fe0;
    static constexpr std::uint64_t IDT = 0x6000, STACK_TOP = 0x7ff0, BOOT = 0x8000, HANDLERS = 0x9000, PT = 0xb000;
    static constexpr std::uint64_t PAGES = 0x200000; // what PT maps
    static constexpr std::uint64_t PAGE_FLAGS = 7;   // present, writable, user
    static constexpr std::uint16_t STOP_PORT = 0xf4;
    static constexpr std::uint8_t STOP[2] = {0xe6, 0xf4}; // out 0xf4, al

    // observed: somebody traces instructions and accesses. model: NULL for one cycle per instruction; under another
    // model nobody watches which encodings are completed, for that takes handlers of its own.
    explicit cpu_fixture(bool observed = false, const timing *model = nullptr)
        : m_ram(RAM_SIZE), m_model{}, m_timing{&m_model, nullptr}, m_map(cpu_code_map_create(RAM_SIZE)),
          m_is_watched(model == nullptr)
    {
        if (model != nullptr)
            m_timing = *model;
        m_model.abi_version = TIMING_ABI_VERSION;
        m_model.struct_size = sizeof m_model;
        m_model.name = "unit";
        cpu_config config{};
        config.cores = 1;
        config.bsp = true;
        config.clock_hz = 2000000000;
        config.timer_cycles_per_tick = 16;
        for (bool &feature : config.features.has)
            feature = true;
        config.physical_address_width = 46;
        cpu_bus bus = make_bus();
        if (observed) {
            bus.trace_insn = [](void *ctx, const cpu_trace_insn *) { self(ctx).traced++; };
            bus.trace_mem = [](void *, const cpu_trace_mem *) {};
        }
        m_cpu = cpu_create(&config, &bus, m_map, &m_timing);
    }
    ~cpu_fixture()
    {
        opcode_coverage::note(m_cpu);
        cpu_destroy(m_cpu);
        cpu_code_map_destroy(m_map);
    }
    cpu_fixture(const cpu_fixture &) = delete;
    cpu_fixture &operator=(const cpu_fixture &) = delete;

    cpu *core() { return m_cpu; }
    std::uint8_t *ram(std::uint64_t pa) { return &m_ram[pa]; }

    // Writes memory as a loader does: cached code is dropped.
    void write(std::uint64_t pa, const void *bytes, std::size_t size)
    {
        std::memcpy(&m_ram[pa], bytes, size);
        cpu_code_map_written(m_map, pa, size);
    }
    void write(std::uint64_t pa, const std::vector<std::uint8_t> &bytes) { write(pa, bytes.data(), bytes.size()); }
    void write64(std::uint64_t pa, std::uint64_t v) { write(pa, &v, sizeof v); }
    std::uint64_t read64(std::uint64_t pa)
    {
        std::uint64_t v;
        std::memcpy(&v, &m_ram[pa], sizeof v);
        return v;
    }

    // Long mode, CPL 0. The status word of the run that got there is checked.
    void start64()
    {
        opcode_coverage::note(m_cpu);
        write_tables();
        write(BOOT, BOOT_CODE, sizeof BOOT_CODE);
        cpu_start_multiboot(m_cpu, static_cast<std::uint32_t>(BOOT), 0, 0);
        ASSERT_TRUE(run_to_stop()) << "the boot program did not reach its end";
        ASSERT_EQ(regs().mode_bits, 64);
        watch(); // what the boot program executes is judged by nobody
    }
    // Flat 32-bit protected mode, no paging, no tables: nothing may fault.
    void start32()
    {
        opcode_coverage::note(m_cpu);
        watch();
        cpu_start_multiboot(m_cpu, static_cast<std::uint32_t>(BOOT), 0, 0);
    }

    cpu_regs regs() const
    {
        cpu_regs r;
        cpu_get_regs(m_cpu, &r);
        return r;
    }
    void set_regs(const cpu_regs &r) { cpu_set_regs(m_cpu, &r); }

    // Runs until the guest writes the stop port; false if it does not within `cycles`.
    bool run_to_stop(std::uint64_t cycles = 10000000)
    {
        m_stopped = false;
        m_cpu_stop = cpu_run(m_cpu, cpu_now(m_cpu) + cycles);
        return m_stopped;
    }
    enum cpu_stop run_for(std::uint64_t cycles) { return cpu_run(m_cpu, cpu_now(m_cpu) + cycles); }

    // Vector of the exception whose handler stopped the run, -1 if it was not one.
    static int stopped_by_vector(std::uint64_t rip)
    {
        return rip >= HANDLERS && rip < HANDLERS + 32 * 16 ? static_cast<int>((rip - HANDLERS) / 16) : -1;
    }

    // Changes the page table entry of a page in the range of PT; the caller invalidates.
    void set_page(std::uint64_t linear, std::uint64_t entry) { write64(PT + (linear - PAGES) / 4096 * 8, entry); }

    // What ports do, apart from the stop port.
    std::function<std::uint32_t(std::uint16_t, std::uint32_t)> on_io_read = [](std::uint16_t, std::uint32_t) {
        return ~0u;
    };
    std::function<void(std::uint16_t, std::uint32_t, std::uint32_t)> on_io_write = [](std::uint16_t, std::uint32_t,
                                                                                      std::uint32_t) {};
    // What lies behind RAM; DEVICE is mapped by start64().
    static constexpr std::uint64_t DEVICE = RAM_SIZE;
    std::function<void(std::uint64_t, std::uint8_t *, std::uint32_t)> on_device_read =
        [](std::uint64_t, std::uint8_t *bytes, std::uint32_t size) { std::memset(bytes, 0xff, size); };
    std::function<void(std::uint64_t, const std::uint8_t *, std::uint32_t)> on_device_write =
        [](std::uint64_t, const std::uint8_t *, std::uint32_t) {};
    std::uint64_t traced = 0; // instructions seen by the trace of an observed machine

  private:
    static cpu_fixture &self(void *ctx) { return *static_cast<cpu_fixture *>(ctx); }
    void watch()
    {
        if (m_is_watched)
            opcode_coverage::watch(m_cpu);
    }

    cpu_bus make_bus()
    {
        cpu_bus bus{};
        bus.ctx = this;
        bus.read = [](void *ctx, std::uint64_t pa, void *bytes, std::uint32_t size) {
            if (pa + size <= RAM_SIZE)
                std::memcpy(bytes, &self(ctx).m_ram[pa], size);
            else
                self(ctx).on_device_read(pa, static_cast<std::uint8_t *>(bytes), size);
        };
        bus.write = [](void *ctx, std::uint64_t pa, const void *bytes, std::uint32_t size) {
            if (pa + size <= RAM_SIZE)
                std::memcpy(&self(ctx).m_ram[pa], bytes, size);
            else
                self(ctx).on_device_write(pa, static_cast<const std::uint8_t *>(bytes), size);
        };
        bus.modify = [](void *ctx, std::uint64_t pa, std::uint32_t size, cpu_modify_fn *fn, void *arg) {
            std::array<std::uint8_t, 16> absent;
            absent.fill(0xff);
            fn(arg, pa + size <= RAM_SIZE ? &self(ctx).m_ram[pa] : absent.data());
        };
        bus.direct_page = [](void *ctx, std::uint64_t pa) -> std::uint8_t * {
            return pa < RAM_SIZE ? &self(ctx).m_ram[pa & ~std::uint64_t{4095}] : nullptr;
        };
        bus.io_read = [](void *ctx, std::uint16_t port, std::uint32_t size) {
            return self(ctx).on_io_read(port, size);
        };
        bus.io_write = [](void *ctx, std::uint16_t port, std::uint32_t size, std::uint32_t value) {
            if (port == STOP_PORT) {
                self(ctx).m_stopped = true;
                ::cpu_stop(self(ctx).m_cpu);
            } else {
                self(ctx).on_io_write(port, size, value);
            }
        };
        bus.apic_ack = [](void *, std::uint64_t *, std::uint64_t *) -> std::uint8_t { return 0xff; };
        bus.apic_eoi = [](void *) {};
        bus.apic_has_interrupt = [](void *) { return false; };
        bus.apic_msr_read = [](void *, std::uint32_t, std::uint64_t *value) {
            *value = 0;
            return VP_OK;
        };
        bus.apic_msr_write = [](void *, std::uint32_t, std::uint64_t) { return VP_OK; };
        bus.apic_cr8 = [](void *) -> std::uint8_t { return 0; };
        bus.apic_set_cr8 = [](void *, std::uint8_t) {};
        bus.apic_send_user_ipi = [](void *, std::uint32_t, std::uint8_t) {};
        bus.apic_set_tsc_offset = [](void *, std::uint64_t) {};
        bus.apic_init = [](void *) {};
        return bus;
    }

    void write_tables()
    {
        write64(PML4, PDPT | PAGE_FLAGS);
        write64(PDPT, PD | PAGE_FLAGS);
        write64(PD, PAGE_FLAGS | 0x80); // 2 MiB
        write64(PD + 8, PT | PAGE_FLAGS);
        write64(PD + 16, DEVICE | PAGE_FLAGS | 0x80);
        for (std::uint64_t i = 0; i < 512; i++)
            write64(PT + 8 * i, (PAGES + 4096 * i) | PAGE_FLAGS);
        // SDM Vol. 3, "Segment Descriptors": kernel code, data; user data, code; TSS of 104 bytes
        const std::uint64_t gdt[] = {0,
                                     0x00af9a000000ffff,
                                     0x00cf92000000ffff,
                                     0x00cff2000000ffff,
                                     0x00affa000000ffff,
                                     0x0000890000000067 | TSS << 16,
                                     0};
        write(GDT, gdt, sizeof gdt);
        write64(TSS + 4, STACK_TOP);    // RSP0
        write64(TSS + 0x24, STACK_TOP); // IST1: exceptions must arrive whatever RSP is
        for (unsigned v = 0; v < 32; v++) {
            std::uint64_t handler = HANDLERS + 16 * v; // 64-bit interrupt gate, selector 8, IST1
            write64(IDT + 16 * v, (handler & 0xffff) | 8u << 16 | std::uint64_t{0x8e01} << 32 | (handler >> 16) << 48);
            write64(IDT + 16 * v + 8, 0);
            write(HANDLERS + 16 * v, STOP, sizeof STOP);
        }
        write_table_register(TABLES, IDT, 32 * 16 - 1);
        write_table_register(TABLES + 16, GDT, sizeof gdt - 1);
    }
    void write_table_register(std::uint64_t pa, std::uint64_t base, std::uint16_t limit)
    {
        write(pa, &limit, 2);
        write64(pa + 2, base);
    }

    static constexpr std::uint8_t BOOT_CODE[] = {
        0x0f, 0x20, 0xe0,                                                 // mov eax, cr4
        0x83, 0xc8, 0x20,                                                 // or eax, PAE
        0x0f, 0x22, 0xe0,                                                 // mov cr4, eax
        0xb8, 0x00, 0x10, 0x00, 0x00, 0x0f, 0x22, 0xd8,                   // mov cr3, PML4
        0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32,                         // rdmsr IA32_EFER
        0x0d, 0x01, 0x09, 0x00, 0x00, 0x0f, 0x30,                         // set SCE, LME, NXE
        0x0f, 0x01, 0x15, 0xf0, 0x5f, 0x00, 0x00,                         // lgdt [TABLES + 16]
        0x0f, 0x20, 0xc0, 0x0d, 0x01, 0x00, 0x01, 0x80, 0x0f, 0x22, 0xc0, // set PE, WP, PG
        0xea, 0x40, 0x80, 0x00, 0x00, 0x08, 0x00,                         // jmp 8:8040H
        0,    0,    0,    0,    0,    0,    0,    0,    0xb8, 0x10, 0x00,
        0x00, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, // ds, es, ss = 10H
        0x31, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8,             // fs, gs = 0
        0x0f, 0x01, 0x1c, 0x25, 0xe0, 0x5f, 0x00, 0x00, // lidt [TABLES]
        0xb8, 0x28, 0x00, 0x00, 0x00, 0x0f, 0x00, 0xd8, // ltr 28H
        0xbc, 0xf0, 0x7f, 0x00, 0x00,                   // mov esp, STACK_TOP
        0xe6, 0xf4,                                     // stop
    };

    std::vector<std::uint8_t> m_ram;
    timing_model m_model;
    timing m_timing;
    cpu_code_map *m_map;
    bool m_is_watched;
    cpu *m_cpu = nullptr;
    enum cpu_stop m_cpu_stop = CPU_STOP_UNTIL;
    bool m_stopped = false;
};

#endif
