// SPDX-License-Identifier: Apache-2.0
// Descriptor tables, a TSS and interrupt gates in the memory of system_fixture.h, for long mode (identity mapping by 2
// MiB user pages) and for 32-bit protected mode (no paging). Selectors are the same in both.
#ifndef PROTECTED_FIXTURE_H
#define PROTECTED_FIXTURE_H

#include "system_fixture.h"

class protected_fixture : public system_fixture
{
  protected:
    static constexpr std::uint64_t PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, GDT = 0x10000, IDT = 0x11000,
                                   TSS = 0x12000;
    static constexpr std::uint64_t STACK0 = 0x20000, STACK_IST = 0x21000, STACK3 = 0x30000, HANDLER = 0x40000,
                                   CODE = 0x50000;
    enum : std::uint16_t {
        CODE0 = 0x08,
        DATA0 = 0x10,
        DATA3 = 0x18,
        CODE3 = 0x20,
        TSS_SEL = 0x28,
        CODE32_3 = 0x38,
        CODE32_0 = 0x40,
        CONFORMING = 0x48,
        ABSENT_CODE = 0x50,
        ABSENT_DATA = 0x58,
        READ_ONLY = 0x60,
        EXECUTE_ONLY = 0x68,
        LDT_SEL = 0x70,
        GATE = 0x80,
        BAD_CODE = 0x90,
        GDT_BYTES = 0x98,
    };
    static constexpr std::uint16_t SEG_P = 0x80, CODE_ATTR = 0x9a, DATA_ATTR = 0x92;

    static std::uint64_t descriptor(std::uint32_t base, std::uint32_t limit20, std::uint8_t type, std::uint8_t flags)
    {
        return (limit20 & 0xffff) | std::uint64_t(base & 0xffffff) << 16 | std::uint64_t(type) << 40 |
               std::uint64_t(limit20 >> 16) << 48 | std::uint64_t(flags) << 52 | std::uint64_t(base >> 24) << 56;
    }
    void define(std::uint16_t selector, std::uint64_t d) { put(GDT + (selector & 0xfff8u), d); }

    void write_gdt(bool is_long)
    {
        const std::uint8_t code_flags = is_long ? 0xa : 0xc; // G with L or D
        define(0, 0);
        define(CODE0, descriptor(0, 0xfffff, 0x9b, code_flags));
        define(DATA0, descriptor(0, 0xfffff, 0x93, 0xc));
        define(DATA3, descriptor(0, 0xfffff, 0xf3, 0xc));
        define(CODE3, descriptor(0, 0xfffff, 0xfb, code_flags));
        define(TSS_SEL, descriptor(TSS, 0x2067, 0x89, 0));
        define(TSS_SEL + 8, 0);
        define(CODE32_3, descriptor(0, 0xfffff, 0xfb, 0xc));
        define(CODE32_0, descriptor(0, 0xfffff, 0x9b, 0xc));
        define(CONFORMING, descriptor(0, 0xfffff, 0x9f, code_flags));
        define(ABSENT_CODE, descriptor(0, 0xfffff, 0x1b, code_flags));
        define(ABSENT_DATA, descriptor(0, 0xfffff, 0x13, 0xc));
        define(READ_ONLY, descriptor(0, 0xfffff, 0x91, 0xc));
        define(EXECUTE_ONLY, descriptor(0, 0xfffff, 0x99, code_flags));
        define(LDT_SEL, descriptor(0x13000, 0xff, 0x82, 0));
        define(LDT_SEL + 8, 0);
        define(BAD_CODE, descriptor(0, 0xfffff, 0x9b, 0xe)); // L and D
    }

    void become(std::uint8_t cpl, bool is_long)
    {
        const std::uint16_t code = std::uint16_t(0x9b | cpl << 5), data = std::uint16_t(0x93 | cpl << 5);
        state.seg[CORE_CS] = {0, 0xffffffff, std::uint16_t((cpl ? CODE3 : CODE0) | cpl),
                              std::uint16_t(code | (is_long ? 0xa000 : 0xc000))};
        for (int s : {CORE_SS, CORE_DS, CORE_ES})
            state.seg[s] = {0, 0xffffffff, std::uint16_t((cpl ? DATA3 : DATA0) | cpl), std::uint16_t(data | 0xc000)};
        state.seg[CORE_TR] = {TSS, 0x2067, TSS_SEL, 0x8b};
        state.gdt_base = GDT, state.gdt_limit = GDT_BYTES - 1;
        state.idt_base = IDT, state.idt_limit = 0xfff;
        state.cpl = cpl;
        state.rip = CODE;
        state.rsp = cpl ? STACK3 : STACK0;
        state.rflags = 2 | bits::IF;
        set();
    }
    void start_long(std::uint8_t cpl)
    {
        write_gdt(true);
        put(PML4, PDPT | 7);
        put(PDPT, PD | 7);
        for (unsigned i = 0; i < 2; i++)
            put(PD + 8 * i, std::uint64_t{0x200000} * i | 0x87);
        put(TSS + 4, STACK0);
        put(TSS + 36, STACK_IST);
        state.cr0 = 0x10 | bits::CR0_PE | bits::CR0_PG | bits::CR0_WP;
        state.cr4 = bits::CR4_PAE;
        state.cr3 = PML4;
        state.efer = bits::EFER_LME | bits::EFER_LMA | bits::EFER_NXE;
        for (unsigned v = 0; v < 256; v++)
            gate64(v, CODE0, 0x8e);
        become(cpl, true);
    }
    void start_32(std::uint8_t cpl)
    {
        write_gdt(false);
        put(TSS + 4, std::uint32_t(STACK0));
        put(TSS + 8, std::uint16_t(DATA0));
        state.cr0 = 0x10 | bits::CR0_PE;
        state.cr4 = state.efer = 0;
        for (unsigned v = 0; v < 256; v++)
            gate32(v, CODE0, 0x8e);
        become(cpl, false);
    }
    static std::uint64_t handler(unsigned vector) { return HANDLER + 16 * vector; }
    void gate64(unsigned vector, std::uint16_t selector, std::uint8_t type, unsigned ist = 0)
    {
        const std::uint64_t h = handler(vector);
        put(IDT + 16 * vector, (h & 0xffff) | std::uint64_t(selector) << 16 | std::uint64_t(ist) << 32 |
                                   std::uint64_t(type) << 40 | (h >> 16) << 48);
        put(IDT + 16 * vector + 8, std::uint64_t{0});
    }
    void gate32(unsigned vector, std::uint16_t selector, std::uint8_t type)
    {
        const std::uint64_t h = handler(vector);
        put(IDT + 8 * vector,
            (h & 0xffff) | std::uint64_t(selector) << 16 | std::uint64_t(type) << 40 | (h >> 16) << 48);
    }
    // Slots of the frame at the stack pointer.
    std::uint64_t frame64(unsigned slot) { return get<std::uint64_t>(now().rsp + 8 * slot); }
    std::uint32_t frame32(unsigned slot) { return get<std::uint32_t>(now().rsp + 4 * slot); }
};

#endif
