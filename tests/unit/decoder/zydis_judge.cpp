// SPDX-License-Identifier: Apache-2.0
// Which of Zydis' instruction sets the core has follows from its CPUID features.
#include "zydis_judge.h"

#include "cpu.h"

#include <cstdio>

namespace
{

const struct cpu_features FEATURES = cpu_features_default();

// Does the core enumerate this set by default? Sets of the 8086 to the Pentium Pro are always there.
bool core_has(ZydisISASet set)
{
    switch (set) {
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_CMOV:
    case ZYDIS_ISA_SET_FAT_NOP:
    case ZYDIS_ISA_SET_PAUSE:
    case ZYDIS_ISA_SET_PREFETCH_NOP:
    case ZYDIS_ISA_SET_SSE_PREFETCH:
    case ZYDIS_ISA_SET_LAHF:
    case ZYDIS_ISA_SET_LONGMODE:
    case ZYDIS_ISA_SET_RDPMC: return true;
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_FCMOV: return FEATURES.has[CPU_FEATURE_fpu];
    case ZYDIS_ISA_SET_PENTIUMMMX: return FEATURES.has[CPU_FEATURE_mmx];
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64: return FEATURES.has[CPU_FEATURE_fxsr];
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSEMXCSR: return FEATURES.has[CPU_FEATURE_sse];
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX: return FEATURES.has[CPU_FEATURE_sse2];
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87: return FEATURES.has[CPU_FEATURE_sse3];
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX: return FEATURES.has[CPU_FEATURE_ssse3];
    case ZYDIS_ISA_SET_SSE4: return FEATURES.has[CPU_FEATURE_sse4_1];
    case ZYDIS_ISA_SET_SSE42: return FEATURES.has[CPU_FEATURE_sse4_2];
    case ZYDIS_ISA_SET_CMPXCHG16B: return FEATURES.has[CPU_FEATURE_cx16];
    case ZYDIS_ISA_SET_POPCNT: return FEATURES.has[CPU_FEATURE_popcnt];
    case ZYDIS_ISA_SET_LZCNT: return FEATURES.has[CPU_FEATURE_lzcnt];
    case ZYDIS_ISA_SET_BMI1: return FEATURES.has[CPU_FEATURE_bmi1];
    case ZYDIS_ISA_SET_BMI2: return FEATURES.has[CPU_FEATURE_bmi2];
    case ZYDIS_ISA_SET_MOVBE: return FEATURES.has[CPU_FEATURE_movbe];
    case ZYDIS_ISA_SET_ADOX_ADCX: return FEATURES.has[CPU_FEATURE_adx];
    case ZYDIS_ISA_SET_RDRAND: return FEATURES.has[CPU_FEATURE_rdrand];
    case ZYDIS_ISA_SET_RDSEED: return FEATURES.has[CPU_FEATURE_rdseed];
    case ZYDIS_ISA_SET_RDPID: return FEATURES.has[CPU_FEATURE_rdpid];
    case ZYDIS_ISA_SET_RDTSCP: return FEATURES.has[CPU_FEATURE_rdtscp];
    case ZYDIS_ISA_SET_RDWRFSGS: return FEATURES.has[CPU_FEATURE_fsgsbase];
    case ZYDIS_ISA_SET_SERIALIZE: return FEATURES.has[CPU_FEATURE_serialize];
    case ZYDIS_ISA_SET_SMAP: return FEATURES.has[CPU_FEATURE_smap];
    case ZYDIS_ISA_SET_UINTR: return FEATURES.has[CPU_FEATURE_uintr];
    case ZYDIS_ISA_SET_WAITPKG: return FEATURES.has[CPU_FEATURE_waitpkg];
    case ZYDIS_ISA_SET_MONITOR: return FEATURES.has[CPU_FEATURE_monitor];
    case ZYDIS_ISA_SET_INVPCID: return FEATURES.has[CPU_FEATURE_invpcid];
    case ZYDIS_ISA_SET_CLFSH: return FEATURES.has[CPU_FEATURE_clfsh];
    case ZYDIS_ISA_SET_CLFLUSHOPT: return FEATURES.has[CPU_FEATURE_clflushopt];
    case ZYDIS_ISA_SET_CLWB: return FEATURES.has[CPU_FEATURE_clwb];
    case ZYDIS_ISA_SET_XSAVE: return FEATURES.has[CPU_FEATURE_xsave];
    case ZYDIS_ISA_SET_XSAVEOPT: return FEATURES.has[CPU_FEATURE_xsaveopt];
    case ZYDIS_ISA_SET_XSAVEC: return FEATURES.has[CPU_FEATURE_xsavec];
    case ZYDIS_ISA_SET_XSAVES: return FEATURES.has[CPU_FEATURE_xsaves];
    default: return false;
    }
}

// Later instructions in the space that is NOP on a processor without them (SDM Vol. 2, "Opcode Map": reserved NOPs).
bool is_hint(ZydisISASet set)
{
    return set == ZYDIS_ISA_SET_CET || set == ZYDIS_ISA_SET_MPX || set == ZYDIS_ISA_SET_CLDEMOTE ||
           set == ZYDIS_ISA_SET_PREFETCHWT1;
}

std::string with_opcode(const struct access_insn &insn)
{
    char text[64];
    std::snprintf(text, sizeof text, "%s (%s%02X)", insn.mnemonic, insn.map, static_cast<unsigned>(insn.opcode));
    return text;
}

} // namespace

ZydisDecoder zydis_decoder(unsigned mode_bits)
{
    ZydisDecoder zydis;
    ZydisMachineMode mode = mode_bits == 64   ? ZYDIS_MACHINE_MODE_LONG_64
                            : mode_bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32
                                              : ZYDIS_MACHINE_MODE_LEGACY_16;
    ZydisDecoderInit(&zydis, mode,
                     mode_bits == 64   ? ZYDIS_STACK_WIDTH_64
                     : mode_bits == 32 ? ZYDIS_STACK_WIDTH_32
                                       : ZYDIS_STACK_WIDTH_16);
    return zydis;
}

zydis_judge::zydis_judge(unsigned mode_bits)
    : m_zydis(zydis_decoder(mode_bits)), m_core(access_create()), m_mode_bits(mode_bits)
{
}

zydis_judge::~zydis_judge() { access_destroy(m_core); }

std::string zydis_judge::disagreement(const std::uint8_t *bytes, std::size_t size)
{
    ZydisDecodedInstruction z;
    const ZyanStatus status = ZydisDecoderDecodeInstruction(&m_zydis, nullptr, bytes, size, &z);
    const struct access_insn ours = access_decode(m_core, bytes, size, m_mode_bits);
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
        return ours.result == ACCESS_TOO_LONG || ours.result == ACCESS_UNDEFINED ? "" : "longer than 15 bytes";
    if (status == ZYDIS_STATUS_NO_MORE_DATA)
        return ours.result == ACCESS_OK ? "complete here, too few bytes there" : "";
    if (ZYAN_FAILED(status))
        return ours.result == ACCESS_OK ? with_opcode(ours) + " here, undefined there" : "";
    const std::string name = ZydisMnemonicGetString(z.mnemonic);
    if (is_hint(z.meta.isa_set) && ours.result != ACCESS_OK)
        return "";
    if (!core_has(z.meta.isa_set) && !is_hint(z.meta.isa_set))
        return ours.result == ACCESS_OK ? std::string(ours.mnemonic) + " here, " + name + " (not enumerated) there"
                                        : "";
    if (ours.result != ACCESS_OK)
        return name + " there, undefined here";
    if (ours.length != z.length)
        return name + " has " + std::to_string(z.length) + " bytes there, " + std::to_string(ours.length) + " here";
    return "";
}
