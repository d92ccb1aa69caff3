// SPDX-License-Identifier: Apache-2.0
// What the oracle cannot see of x87 and MMX: control registers, faults of memory, devices, pointers for exception
// handlers, the images of all modes, and that the simulator's own floating-point state stays as it was.
#include "fx_fixture.h"
#include "system_fixture.h"

namespace
{

using code = std::vector<std::uint8_t>;
constexpr std::uint16_t ES = 0x80, B = 0x8000;

class x87 : public fx_fixture
{
  protected:
    // ST(0) = 1.0, nothing else in use
    void one_in_st0()
    {
        fx.fsw = 7 << 11;
        fx.tags = 0x80;
        fx.st[0][0] = std::uint64_t{1} << 63;
        fx.st[0][1] = 0x3fff;
    }
    std::uint32_t data32(std::uint64_t offset)
    {
        std::uint32_t v;
        std::memcpy(&v, machine.ram(DATA + offset), sizeof v);
        return v;
    }
};

const code FADD = {0xd8, 0xc0}, PADDB = {0x0f, 0xfc, 0xc0}, WAIT = {0x9b}, FNSTSW = {0xdf, 0xe0}, EMMS = {0x0f, 0x77};

// SDM Vol. 2, "Protected Mode Exceptions" of the instructions; Vol. 3, "Control Registers".
TEST_F(x87, control_bits)
{
    constexpr unsigned MP = 2, EM = 4, TS = 8;
    EXPECT_EQ(run(FADD), -1);
    fx_enable(machine.core(), TS, MP | EM);
    EXPECT_EQ(run(FADD), 7);
    EXPECT_EQ(run(FNSTSW), 7);
    EXPECT_EQ(run(PADDB), 7);
    EXPECT_EQ(run(WAIT), -1);
    fx_enable(machine.core(), TS | MP, EM);
    EXPECT_EQ(run(WAIT), 7);
    fx_enable(machine.core(), MP, TS | EM);
    EXPECT_EQ(run(WAIT), -1);
    fx_enable(machine.core(), EM, MP | TS);
    EXPECT_EQ(run(FADD), 7);
    EXPECT_EQ(run(PADDB), 6);
    EXPECT_EQ(run(EMMS), 6);
    EXPECT_EQ(run({0x0f, 0x2a, 0xc0}), 6); // cvtpi2ps
    EXPECT_EQ(run(WAIT), -1);
    EXPECT_EQ(run({0xf0, 0xd8, 0xc0}), 6); // LOCK
}

// The unmasked exception is the next waiting instruction's, whatever CR0.NE says.
TEST_F(x87, pending_exception)
{
    for (unsigned ne : {0x20u, 0u}) {
        fx_enable(machine.core(), ne, 0x20 & ~ne);
        fx = {};
        fx.fcw = 0x37b;                               // ZE
        EXPECT_EQ(run({0xd9, 0xe8, 0xd9, 0xee}), -1); // fld1; fldz
        EXPECT_EQ(run({0xde, 0xf9}), -1);             // fdivp: not yet
        EXPECT_EQ(fx.fsw, ES | B | 4 | 6 << 11);
        EXPECT_EQ(fx.tags, 0xc0);
        EXPECT_EQ(run(FNSTSW), -1);
        EXPECT_EQ(machine.regs().gpr[RAX] & 0xffff, fx.fsw);
        EXPECT_EQ(run(FADD), 16);
        EXPECT_EQ(run(WAIT), 16);
        EXPECT_EQ(run(PADDB), 16);
        EXPECT_EQ(run(EMMS), 16);
        EXPECT_EQ(run({0xdb, 0xe2}), -1); // fnclex
        EXPECT_EQ(run(FADD), -1);
    }
}

// FLDCW may unmask what is flagged already.
TEST_F(x87, unmasked_later)
{
    one_in_st0();
    fx.fsw |= 0x20; // PE
    machine.write(DATA, {0x5f, 0x03});
    set_gpr(RBX, DATA);
    EXPECT_EQ(run({0xd9, 0x2b}), -1); // fldcw [rbx]
    EXPECT_EQ(fx.fsw & (ES | B), ES | B);
    EXPECT_EQ(run(FADD), 16);
}

TEST_F(x87, pointers)
{
    one_in_st0();
    fx.fcw = 0x37b;
    machine.write(DATA, code(64, 0));
    set_gpr(RBX, DATA);
    EXPECT_EQ(run({0x90, 0xd8, 0x73, 0x08}), -1); // nop; fdiv dword [rbx + 8]
    EXPECT_EQ(fx.fip, CODE + 1);
    EXPECT_EQ(fx.fdp, DATA + 8);
    EXPECT_EQ(fx.fop, 0x073);
    EXPECT_EQ(run({0xd9, 0x73, 0x10}), -1); // fnstenv [rbx + 16]
    const std::uint32_t expected[7] = {0xffff037b,    0xffffb884, 0xffff3fff, CODE + 1,
                                       0x0073u << 16, DATA + 8,   0xffff0000};
    for (unsigned i = 0; i < 7; i++)
        EXPECT_EQ(data32(16 + 4 * i), expected[i]) << i;
    EXPECT_EQ(fx.fcw, 0x37f); // all masked now
    EXPECT_EQ(fx.fsw, 7 << 11 | 4);
    EXPECT_EQ(run(FADD), -1);
    EXPECT_EQ(fx.fip, CODE);
    EXPECT_EQ(fx.fdp, DATA + 8); // of unmasked exceptions only
    EXPECT_EQ(fx.fop, 0x073);
}

TEST_F(x87, page_faults)
{
    one_in_st0();
    const fx_image before = fx;
    set_gpr(RBX, ABSENT - 4);
    machine.write(ABSENT - 128, code(128, 0xcc));
    for (const code &store :
         {code{0xdd, 0x1b}, code{0xdb, 0x3b}, code{0xdd, 0x33}, code{0xd9, 0x33}, code{0xdf, 0x33}}) {
        fx = before;
        EXPECT_EQ(run(store), 14); // fstp m64, fstp m80, fnsave, fnstenv, fbstp
        EXPECT_EQ(std::memcmp(&fx, &before, sizeof fx), 0);
        EXPECT_EQ(machine.read64(ABSENT - 8), 0xccccccccccccccccu);
    }
    // No room on the stack, but the operand's fault comes first; the pending exception before it.
    fx.tags = 0xff;
    const fx_image full = fx;
    EXPECT_EQ(run({0xdd, 0x03}), 14); // fld m64
    EXPECT_EQ(std::memcmp(&fx, &full, sizeof fx), 0);
    fx.fcw = 0x37e;
    fx.fsw |= ES | B | 1;
    EXPECT_EQ(run({0xdd, 0x03}), 16);
    // A store that an unmasked exception stops does not touch memory.
    fx = before;
    fx.tags = 0;
    fx.fcw = 0x37e;
    EXPECT_EQ(run({0xdd, 0x1b}), -1);
    EXPECT_EQ(fx.fsw, before.fsw | ES | B | 0x41);
}

TEST_F(x87, mmx_page_faults)
{
    one_in_st0();
    const fx_image before = fx;
    set_gpr(RBX, ABSENT);
    set_gpr(RDI, ABSENT - 2);
    for (const code &insn :
         {code{0x0f, 0x6f, 0x03}, code{0x0f, 0x7f, 0x03}, code{0x0f, 0xfc, 0x03}, code{0x0f, 0xf7, 0xc1}}) {
        EXPECT_EQ(run(insn), 14);
        EXPECT_EQ(std::memcmp(&fx, &before, sizeof fx), 0);
    }
}

TEST_F(x87, devices)
{
    std::vector<std::uint8_t> written;
    machine.on_device_read = [](std::uint64_t pa, std::uint8_t *bytes, std::uint32_t size) {
        for (std::uint32_t i = 0; i < size; i++)
            bytes[i] = static_cast<std::uint8_t>(pa + i);
    };
    machine.on_device_write = [&](std::uint64_t, const std::uint8_t *bytes, std::uint32_t size) {
        written.insert(written.end(), bytes, bytes + size);
    };
    set_gpr(RBX, cpu_fixture::DEVICE);
    EXPECT_EQ(run({0x90, 0xdb, 0x2b}), -1); // fld m80
    EXPECT_EQ(fx.st[0][0], 0x0706050403020100u);
    EXPECT_EQ(fx.st[0][1], 0x0908u);
    EXPECT_EQ(run({0x90, 0xdb, 0x3b}), -1); // fstp m80
    EXPECT_EQ(written, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(fx.tags, 0);
    written.clear();
    EXPECT_EQ(run({0x0f, 0x6f, 0x03, 0x0f, 0x7f, 0x03}), -1); // movq mm0, [rbx]; movq [rbx], mm0
    EXPECT_EQ(written, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

// SDM Vol. 3, table "Alignment Requirements by Data Type".
TEST_F(x87, alignment)
{
    const struct {
        code insn;
        unsigned alignment;
    } accesses[] = {{{0xdb, 0x2b}, 8}, {{0xdb, 0x3b}, 8},       {{0xdd, 0x03}, 8},      {{0xd9, 0x03}, 4},
                    {{0xdf, 0x03}, 2}, {{0xdf, 0x23}, 8},       {{0xd9, 0x33}, 4},      {{0x66, 0xd9, 0x33}, 2},
                    {{0xdd, 0x33}, 4}, {{0x66, 0xdd, 0x33}, 2}, {{0x0f, 0x6f, 0x03}, 8}};
    for (auto &access : accesses)
        for (unsigned offset = 1; offset <= 8; offset *= 2) {
            one_in_st0();
            core_state s;
            core_get(machine.core(), &s);
            s.cr0 |= bits::CR0_AM;
            s.cpl = 3;
            s.rflags = bits::AC | bits::IOPL3 | 2;
            core_set(machine.core(), &s);
            set_gpr(RBX, DATA + 0x100 + offset);
            EXPECT_EQ(run(access.insn), offset < access.alignment ? 17 : -1) << int(access.insn[0]) << " at " << offset;
        }
}

TEST_F(x87, host_stays_as_it_was)
{
    struct {
        std::uint32_t word[7];
    } before, after;
    __asm__ volatile("fnclex\n\tfnstenv %0\n\tfldenv %0" : "=m"(before));
    fx.fcw = 0x40;                                            // single precision, to nearest, nothing masked
    EXPECT_EQ(run({0xd9, 0xeb, 0xd9, 0xee, 0xd8, 0xf9}), -1); // fldpi; fldz; fdivr st, st1
    EXPECT_EQ(run({0xd9, 0xff}), 16);                         // fcos
    __asm__ volatile("fnstenv %0\n\tfldenv %0" : "=m"(after));
    EXPECT_EQ(before.word[0], after.word[0]); // control
    EXPECT_EQ((before.word[1] ^ after.word[1]) & 0x38bf, 0u);
    EXPECT_EQ(before.word[2], after.word[2]); // tags
}

// Images of real-address and 16-bit protected mode, instruction by instruction on a core in that mode.
class x87_image : public system_fixture
{
  protected:
    static constexpr std::uint64_t CODE = 0x1000, DATA = 0x2000;
    void enter(std::uint64_t cr0)
    {
        state.cr0 = cr0;
        state.rip = CODE;
        state.efer = 0;
        for (auto seg : {CORE_CS, CORE_DS, CORE_ES, CORE_SS})
            state.seg[seg] = {0, 0xffff, 8, static_cast<std::uint16_t>(seg == CORE_CS ? 0x9b : 0x93)};
        set();
        fx = {};
        fx.fcw = 0x27f;
        fx.fsw = 5 << 11 | 0x4100;
        fx.tags = 0xe0;
        fx.fip = 0x98765;
        fx.fdp = 0xabcde;
        fx.fop = 0x5a3;
        for (unsigned i = 0; i < 8; i++) {
            fx.st[i][0] = 0x8000000000000000u + i;
            fx.st[i][1] = 0x3fff;
        }
        fx.st[1][0] = fx.st[1][1] = 0; // zero
        fx.st[2][1] = 0x7fff;          // special
        fx_set(core, &fx);
    }
    void run(const code &bytes)
    {
        for (std::size_t i = 0; i < bytes.size(); i++)
            put(CODE + i, bytes[i]);
        drop_code(CODE);
        state = now();
        state.rip = CODE;
        set();
        (void)!cpu_run(core, cpu_now(core) + 1);
        EXPECT_EQ(now().rip, CODE + bytes.size());
        fx_get(core, &fx);
    }
    template <typename T>
    void expect(std::initializer_list<T> words)
    {
        unsigned at = 0;
        for (T word : words) {
            EXPECT_EQ(get<T>(DATA + at), word) << std::hex << "offset " << at;
            at += sizeof(T);
        }
    }
    // ST0 valid, ST1 zero, ST2 special, others empty; TOP = 5
    static constexpr std::uint16_t TAGS = 0x93ff, FSW = 0x6900;
    fx_image fx;
};

TEST_F(x87_image, real_mode)
{
    enter(0x10);
    run({0xd9, 0x36, 0x00, 0x20}); // fnstenv [2000H]
    expect<std::uint16_t>({0x27f, FSW, TAGS, 0x8765, 0x95a3, 0xbcde, 0xa000});
    enter(0x10);
    fx.fip = 0x87654321;
    fx.fdp = 0xfedcba98;
    fx_set(core, &fx);
    run({0x66, 0xd9, 0x36, 0x00, 0x20});
    expect<std::uint32_t>(
        {0xffff027f, 0xffff0000u | FSW, 0xffff0000u | TAGS, 0xffff4321, 0x087655a3, 0xffffba98, 0x0fedc000});
    fx = {};
    fx.fcw = 0x37f;
    fx_set(core, &fx);
    run({0x66, 0xd9, 0x26, 0x00, 0x20}); // fldenv
    EXPECT_EQ(fx.fip, 0x87654321u);
    EXPECT_EQ(fx.fdp, 0xfedcba98u);
    EXPECT_EQ(fx.fop, 0x5a3);
    EXPECT_EQ(fx.tags, 0xe0);
    EXPECT_EQ(fx.fsw, FSW);
}

TEST_F(x87_image, protected_mode_16)
{
    enter(0x11);
    run({0xd9, 0x36, 0x00, 0x20});
    expect<std::uint16_t>({0x27f, FSW, TAGS, 0x8765, 0, 0xbcde, 0});
    enter(0x11);
    run({0x66, 0xd9, 0x36, 0x00, 0x20});
    expect<std::uint32_t>(
        {0xffff027f, 0xffff0000u | FSW, 0xffff0000u | TAGS, 0x98765, 0x05a30000, 0xabcde, 0xffff0000});
}

TEST_F(x87_image, save_and_restore)
{
    for (std::uint64_t cr0 : {0x10u, 0x11u})
        for (bool wide : {false, true}) {
            enter(cr0);
            const fx_image before = fx;
            code save = {0xdd, 0x36, 0x00, 0x20}, restore = {0xdd, 0x26, 0x00, 0x20};
            if (wide) {
                save.insert(save.begin(), 0x66);
                restore.insert(restore.begin(), 0x66);
            }
            put<std::uint32_t>(DATA + (wide ? 108 : 94), 0x12345678);
            run(save);
            EXPECT_EQ(fx.fcw, 0x37f); // as by FNINIT
            EXPECT_EQ(fx.fsw, 0);
            EXPECT_EQ(fx.tags, 0);
            for (unsigned i = 0; i < 8; i++) {
                EXPECT_EQ(get<std::uint64_t>(DATA + (wide ? 28 : 14) + 10 * i), before.st[i][0]);
                EXPECT_EQ(get<std::uint16_t>(DATA + (wide ? 28 : 14) + 10 * i + 8), before.st[i][1]);
            }
            EXPECT_EQ(get<std::uint32_t>(DATA + (wide ? 108 : 94)), 0x12345678u); // not a byte more
            run(restore);
            EXPECT_EQ(fx.fcw, before.fcw);
            EXPECT_EQ(fx.fsw, before.fsw);
            EXPECT_EQ(fx.tags, before.tags);
            EXPECT_EQ(std::memcmp(fx.st, before.st, sizeof fx.st), 0);
        }
}

} // namespace
