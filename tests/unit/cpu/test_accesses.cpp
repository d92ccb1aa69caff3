// SPDX-License-Identifier: Apache-2.0
// What a timing model is told of an instruction's accesses to memory: all of them, with address, size and kind.
#include "insn_fixture.h"

#include <ostream>

namespace
{

struct access {
    std::uint32_t kind;
    std::uint64_t linear;
    std::uint32_t bytes;
    bool operator==(const access &o) const { return kind == o.kind && linear == o.linear && bytes == o.bytes; }
};
std::ostream &operator<<(std::ostream &out, const access &a)
{
    return out << "{kind " << a.kind << ", " << std::hex << a.linear << std::dec << ", " << a.bytes << " bytes}";
}
access load(std::uint64_t linear, std::uint32_t bytes) { return {TIMING_LOAD, linear, bytes}; }
access store(std::uint64_t linear, std::uint32_t bytes) { return {TIMING_STORE, linear, bytes}; }

class accesses : public insn_fixture
{
  protected:
    using list = std::vector<access>;
    static constexpr std::uint64_t TOP = STACK0 - 0x100, DATA = 0x60000;

    accesses()
    {
        model.create = nullptr;
        model.mem_cost = [](void *, const timing_mem *m) {
            if (m->access != TIMING_FETCH && m->access != TIMING_WALK)
                seen.push_back({m->access, m->linear, m->bytes});
            return std::uint32_t{0};
        };
        model.insn_cost = [](void *, const timing_insn *i) {
            told = *i;
            return std::uint32_t{1};
        };
        create();
    }
    // Of one instruction, which completes.
    list of(const code &bytes)
    {
        set_gpr(RSP, TOP);
        set_gpr(RBP, TOP + 0x40);
        set_gpr(RBX, DATA);
        put(DATA, CODE);
        put(TOP, CODE);
        place(bytes);
        set_rip(CODE);
        seen.clear();
        told = {};
        EXPECT_EQ(step_once(), COMPLETED);
        bool loads = false, stores = false;
        for (const access &a : seen) {
            loads |= a.kind != TIMING_STORE;
            stores |= a.kind != TIMING_LOAD;
        }
        EXPECT_EQ(told.loads, loads) << "what insn_cost is told of " << told.mnemonic;
        EXPECT_EQ(told.stores, stores) << "what insn_cost is told of " << told.mnemonic;
        return seen;
    }
    static list seen; // hooks of this model have no state of their own
    static timing_insn told;
};
timing_insn accesses::told;
accesses::list accesses::seen;

// What instructions ask of the caches: operation and address, and the page faults that a model hears of.
class cache_ops : public accesses
{
  protected:
    cache_ops()
    {
        model.cache_op = [](void *, const timing_mem *m, std::uint32_t op) {
            asked.push_back({op, m->linear, m->bytes});
            EXPECT_EQ(m->physical, m->linear);
            return std::uint32_t{1000};
        };
        model.fault_cost = [](void *, const timing_mem *m) {
            timing_walk walk = {};
            EXPECT_FALSE(m->walk(m->walk_ctx, m->linear, &walk));
            EXPECT_EQ(walk.count, 3u);
            EXPECT_EQ(walk.entry[2], PD + 8);
            faulted.push_back({m->access, m->linear, m->bytes});
            return std::uint32_t{2000};
        };
        create();
    }
    list asks(const code &bytes)
    {
        asked.clear();
        EXPECT_EQ(of(bytes), list{}) << "and no access";
        return asked;
    }
    static list asked, faulted;
};
accesses::list cache_ops::asked, cache_ops::faulted;

TEST_F(cache_ops, are_told_with_their_line)
{
    start_long(0);
    const std::uint64_t before = cpu_now(core);
    EXPECT_EQ(asks({0x0f, 0xae, 0x3b}), (list{{TIMING_CACHE_FLUSH, DATA, 1}})) << "clflush [rbx]";
    EXPECT_GE(cpu_now(core) - before, 1000u);
    EXPECT_EQ(asks({0x66, 0x0f, 0xae, 0x3b}), (list{{TIMING_CACHE_FLUSH, DATA, 1}})) << "clflushopt [rbx]";
    EXPECT_EQ(asks({0x66, 0x0f, 0xae, 0x33}), (list{{TIMING_CACHE_WRITE_BACK, DATA, 1}})) << "clwb [rbx]";
    for (std::uint8_t reg = 0; reg < 4; reg++) // prefetchnta, t0, t1, t2 [rbx]
        EXPECT_EQ(asks({0x0f, 0x18, static_cast<std::uint8_t>(reg << 3 | 3)}),
                  (list{{TIMING_CACHE_PREFETCH, DATA, 1}}));
    EXPECT_EQ(asks({0x0f, 0x0d, 0x4b, 0x08}), (list{{TIMING_CACHE_PREFETCH_WRITE, DATA + 8, 1}})) << "prefetchw";
    EXPECT_EQ(asks({0x0f, 0x09}), (list{{TIMING_CACHE_FLUSH_ALL, 0, 1}})) << "wbinvd";
    EXPECT_EQ(asks({0x0f, 0x08}), (list{{TIMING_CACHE_FLUSH_ALL, 0, 1}})) << "invd";
}

// 2 MiB on nothing is mapped.
TEST_F(cache_ops, a_prefetch_of_nothing_is_nothing_and_a_flush_faults)
{
    start_long(0);
    put(PD + 8, std::uint64_t{0});
    EXPECT_EQ(asks({0x0f, 0x18, 0x0c, 0x25, 0, 0, 0x20, 0}), list{}) << "prefetcht0 [200000H]";
    EXPECT_EQ(asks({0x0f, 0x18, 0xc8}), list{}) << "prefetcht0 with a register: NOP";
    EXPECT_EQ(asks({0x0f, 0x18, 0x23}), list{}) << "0F 18 /4 is reserved: NOP";
    EXPECT_EQ(asks({0x0f, 0x0d, 0x1b}), list{}) << "0F 0D /3 as well";
    faulted.clear();
    const std::uint64_t before = cpu_now(core);
    place({0x0f, 0xae, 0x3c, 0x25, 0, 0, 0x20, 0}); // clflush [200000H]
    set_rip(CODE);
    asked.clear();
    EXPECT_EQ(step_once(), EXC_PF);
    EXPECT_EQ(asked, list{});
    EXPECT_EQ(faulted, list{load(0x200000, 1)});
    EXPECT_GE(cpu_now(core) - before, 2000u);
    const std::uint64_t walks = cpu_stats(core)->page_walks; // those of delivery are done
    place({0xa2, 0, 0, 0x20, 0, 0, 0, 0, 0});                // mov [200000H], al
    set_rip(CODE);
    EXPECT_EQ(step_once(), EXC_PF);
    EXPECT_EQ(faulted.back(), store(0x200000, 1));
    EXPECT_EQ(cpu_stats(core)->page_walks - walks, 1u) << "a walk that faults is one";
    set_rip(0x200000);
    EXPECT_EQ(step_once(), EXC_PF);
    EXPECT_EQ(faulted.back(), (access{TIMING_FETCH, 0x200000, 1}));
    EXPECT_EQ(faulted.size(), 3u);
}

TEST_F(accesses, of_the_stack_in_64_bit_mode)
{
    start_long(0);
    EXPECT_EQ(of({0x50}), list{store(TOP - 8, 8)}) << "push rax";
    EXPECT_EQ(of({0x66, 0x50}), list{store(TOP - 2, 2)}) << "push ax";
    EXPECT_EQ(of({0x6a, 0x01}), list{store(TOP - 8, 8)}) << "push 1";
    EXPECT_EQ(of({0x68, 1, 0, 0, 0}), list{store(TOP - 8, 8)}) << "push imm32";
    EXPECT_EQ(of({0xff, 0x33}), (list{load(DATA, 8), store(TOP - 8, 8)})) << "push [rbx]";
    EXPECT_EQ(of({0x0f, 0xa0}), list{store(TOP - 8, 8)}) << "push fs";
    EXPECT_EQ(of({0x9c}), list{store(TOP - 8, 8)}) << "pushfq";
    EXPECT_EQ(of({0x58}), list{load(TOP, 8)}) << "pop rax";
    EXPECT_EQ(of({0x66, 0x58}), list{load(TOP, 2)}) << "pop ax";
    EXPECT_EQ(of({0x8f, 0x03}), (list{load(TOP, 8), store(DATA, 8)})) << "pop [rbx]";
    EXPECT_EQ(of({0x9d}), list{load(TOP, 8)}) << "popfq";
    EXPECT_EQ(of({0xc9}), list{load(TOP + 0x40, 8)}) << "leave";
    EXPECT_EQ(of({0xc8, 0x10, 0, 0}), list{store(TOP - 8, 8)}) << "enter 16, 0";
    EXPECT_EQ(of({0xc8, 0x10, 0, 2}),
              (list{store(TOP - 8, 8), load(TOP + 0x38, 8), store(TOP - 16, 8), store(TOP - 24, 8)}))
        << "enter 16, 2";
}

TEST_F(accesses, of_calls_and_returns_in_64_bit_mode)
{
    start_long(0);
    EXPECT_EQ(of({0xe8, 0, 0, 0, 0}), list{store(TOP - 8, 8)}) << "call";
    EXPECT_EQ(of({0xff, 0x13}), (list{load(DATA, 8), store(TOP - 8, 8)})) << "call [rbx]";
    EXPECT_EQ(of({0xc3}), list{load(TOP, 8)}) << "ret";
    EXPECT_EQ(of({0xc2, 0x08, 0}), list{load(TOP, 8)}) << "ret 8";
}

TEST_F(accesses, of_the_stack_in_32_bit_mode)
{
    start_32(0);
    EXPECT_EQ(of({0x50}), list{store(TOP - 4, 4)}) << "push eax";
    EXPECT_EQ(of({0x6a, 0x01}), list{store(TOP - 4, 4)}) << "push 1";
    EXPECT_EQ(of({0x58}), list{load(TOP, 4)}) << "pop eax";
    EXPECT_EQ(of({0xe8, 0, 0, 0, 0}), list{store(TOP - 4, 4)}) << "call";
    EXPECT_EQ(of({0xff, 0x13}), (list{load(DATA, 4), store(TOP - 4, 4)})) << "call [ebx]";
    EXPECT_EQ(of({0xc3}), list{load(TOP, 4)}) << "ret";
    list eight_down, eight_up;
    for (std::uint32_t i = 0; i < 8; i++) {
        eight_down.push_back(store(TOP - 4 * (i + 1), 4));
        eight_up.push_back(load(TOP + 4 * i, 4));
    }
    EXPECT_EQ(of({0x60}), eight_down) << "pusha";
    EXPECT_EQ(of({0x61}), eight_up) << "popa";
}

TEST_F(accesses, of_strings_and_atomics)
{
    start_long(0);
    set_gpr(RSI, DATA + 0x100);
    set_gpr(RDI, DATA + 0x200);
    EXPECT_EQ(of({0x48, 0xa5}), (list{load(DATA + 0x100, 8), store(DATA + 0x200, 8)})) << "movsq";
    EXPECT_EQ(of({0x48, 0x87, 0x03}), (list{{TIMING_MODIFY, DATA, 8}})) << "xchg [rbx], rax";
    EXPECT_EQ(of({0x48, 0x01, 0x03}), (list{{TIMING_MODIFY, DATA, 8}})) << "add [rbx], rax";
    EXPECT_EQ(of({0x8d, 0x03}), list{}) << "lea eax, [rbx]";
    set_gpr(RAX, 2);
    EXPECT_EQ(of({0x66, 0x0f, 0x38, 0x82, 0x83, 0x00, 0x01, 0, 0}),
              (list{load(DATA + 0x100, 8), load(DATA + 0x108, 8)}))
        << "invpcid rax, [rbx + 100H]";
}

// A store to the page of code waits until its instruction runs alone, and is an access then, not before.
TEST_F(accesses, count_once_where_an_instruction_is_put_off)
{
    start_long(0);
    set_gpr(RDI, CODE + 0x40);
    place({0x90, 0xaa, 0xeb, 0xfe}); // nop; stosb; jmp $
    set_rip(CODE);
    seen.clear();
    (void)!cpu_run(core, cpu_now(core) + 100);
    EXPECT_EQ(seen, list{store(CODE + 0x40, 1)});
    set_gpr(RDI, CODE + 0x80);
    set_gpr(RCX, 2);
    place({0x90, 0xf3, 0xaa, 0xeb, 0xfe}, CODE + 0x100); // nop; rep stosb; jmp $
    set_rip(CODE + 0x100);
    seen.clear();
    (void)!cpu_run(core, cpu_now(core) + 100);
    EXPECT_EQ(seen, (list{store(CODE + 0x80, 1), store(CODE + 0x81, 1)}));
}

TEST_F(accesses, that_fault_are_none)
{
    start_long(0);
    put(PD + 8, std::uint64_t{0x200085}); // 2 MiB, read only
    set_gpr(RDI, 0x200000);
    place({0x8a, 0x07, 0xaa}); // mov al, [rdi]; stosb
    set_rip(CODE);
    seen.clear();
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(step_once(), EXC_PF);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen[0], load(0x200000, 1));
    for (const access &a : seen)
        EXPECT_FALSE(a == store(0x200000, 1));
}

} // namespace
