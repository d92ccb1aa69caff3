// SPDX-License-Identifier: Apache-2.0
// BMI1, BMI2 and ADX against the host processor, with the VEX prefix in both lengths.
#include "oracle.h"

namespace
{
constexpr unsigned NP = 0, P66 = 1, PF3 = 2, PF2 = 3;

class oracle_bmi : public oracle_test
{
  protected:
    void SetUp() override
    {
        oracle_test::SetUp();
        for (enum cpu_feature f : {CPU_FEATURE_bmi1, CPU_FEATURE_bmi2, CPU_FEATURE_adx})
            if (!oracle_ledger::get().host_has(f))
                GTEST_SKIP() << "the host has no " << cpu_feature_name(f);
    }
};

encoding vex(unsigned map, unsigned pp, std::uint8_t opcode, unsigned size, int ext = -1)
{
    encoding e;
    e.opcode = {opcode};
    e.size = size;
    e.ext = ext;
    e.vex_map = map;
    e.vex_pp = pp;
    return e;
}

// Counts, and positions with lengths, in the range where something happens.
void small_operands(oracle_case &c, random_source &random)
{
    for (auto &r : c.state.gpr)
        if (&r != &c.state.gpr[RSP] && random.one_in(3))
            r = random.below(70) | random.below(70) << 8;
}

TEST_F(oracle_bmi, bmi1)
{
    for (unsigned size : {4u, 8u}) {
        judge().check({"andn", vex(2, NP, 0xf2, size), STATUS & ~(AF | PF)});
        judge().check({"blsr", vex(2, NP, 0xf3, size, 1), STATUS & ~(AF | PF)});
        judge().check({"blsmsk", vex(2, NP, 0xf3, size, 2), STATUS & ~(AF | PF)});
        judge().check({"blsi", vex(2, NP, 0xf3, size, 3), STATUS & ~(AF | PF)});
        judge().check({"bextr", vex(2, NP, 0xf7, size), STATUS & ~(AF | SF | PF), small_operands}, 80);
    }
}

TEST_F(oracle_bmi, bmi2)
{
    for (unsigned size : {4u, 8u}) {
        judge().check({"bzhi", vex(2, NP, 0xf5, size), STATUS & ~(AF | PF), small_operands}, 80);
        judge().check({"mulx", vex(2, PF2, 0xf6, size)});
        judge().check({"pdep", vex(2, PF2, 0xf5, size)});
        judge().check({"pext", vex(2, PF3, 0xf5, size)});
        judge().check({"shlx", vex(2, P66, 0xf7, size)});
        judge().check({"shrx", vex(2, PF2, 0xf7, size)});
        judge().check({"sarx", vex(2, PF3, 0xf7, size)});
        encoding rorx = vex(3, PF2, 0xf0, size);
        rorx.imm_bytes = 1;
        rorx.no_vvvv = true;
        judge().check({"rorx", rorx});
    }
}

TEST_F(oracle_bmi, adx)
{
    for (unsigned size : {4u, 8u})
        for (std::uint8_t prefix : {std::uint8_t{0x66}, std::uint8_t{0xf3}}) {
            encoding e;
            e.opcode = {0x0f, 0x38, 0xf6};
            e.size = size;
            e.mandatory = prefix;
            judge().check({prefix == 0x66 ? "adcx" : "adox", e});
        }
}

} // namespace
