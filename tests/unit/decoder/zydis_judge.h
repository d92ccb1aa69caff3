// SPDX-License-Identifier: Apache-2.0
// Zydis as a second decoder: what it says about bytes, and whether the core's answer agrees.
#ifndef ZYDIS_JUDGE_H
#define ZYDIS_JUDGE_H

#include "decoder_access.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include <Zydis/Zydis.h>

ZydisDecoder zydis_decoder(unsigned mode_bits); // 16, 32, 64

class zydis_judge
{
  public:
    explicit zydis_judge(unsigned mode_bits);
    ~zydis_judge();
    zydis_judge(const zydis_judge &) = delete;
    zydis_judge &operator=(const zydis_judge &) = delete;

    // Empty if both decoders agree; else the disagreement in words, without the bytes.
    std::string disagreement(const std::uint8_t *bytes, std::size_t size);

  private:
    ZydisDecoder m_zydis;
    struct decoder *m_core;
    const unsigned m_mode_bits;
};

#endif
