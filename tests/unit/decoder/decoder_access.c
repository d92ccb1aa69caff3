/* SPDX-License-Identifier: Apache-2.0 */
#include "decoder_access.h"

#include "decode.h"

#include <string.h>

struct decoder *access_create(void)
{
    struct cpu_features features = cpu_features_default();
    return decoder_create(&features);
}

struct decoder *access_create_full(void)
{
    struct cpu_features features;
    memset(&features, true, sizeof features);
    return decoder_create(&features);
}

size_t access_rows(void) { return opcode_table_size; }
const char *access_row_name(size_t row) { return opcode_table[row].mnemonic; }

void access_destroy(struct decoder *decoder) { decoder_destroy(decoder); }

static uint32_t mode_of(unsigned mode_bits)
{
    return mode_bits == 64 ? MODE_CODE64 | MODE_PROT : mode_bits == 32 ? MODE_CODE32 | MODE_PROT : MODE_PROT;
}

unsigned access_unimplemented(struct decoder *decoder, const uint8_t *bytes, size_t available, unsigned mode_bits,
                              char *name)
{
    size_t size = available < INSN_MAX_LENGTH ? available : INSN_MAX_LENGTH;
    return decoder_unimplemented(decoder, bytes, size, mode_of(mode_bits), name, INSN_NAME_SIZE);
}

struct access_insn access_decode(struct decoder *decoder, const uint8_t *bytes, size_t available, unsigned mode_bits)
{
    static const enum access_result results[] = {
        [DECODE_OK] = ACCESS_OK,
        [DECODE_UNDEFINED] = ACCESS_UNDEFINED,
        [DECODE_SHORT] = ACCESS_SHORT,
        [DECODE_TOO_LONG] = ACCESS_TOO_LONG,
    };
    static const char *const maps[] = {[MAP_1] = "", [MAP_0F] = "0F ", [MAP_0F38] = "0F 38 ", [MAP_0F3A] = "0F 3A "};
    struct insn in;
    enum decode_result result = decode(decoder, bytes, available, mode_of(mode_bits), 0x1000, &in);
    struct access_insn answer = {.result = results[result], .length = in.length};
    if (result == DECODE_OK) {
        answer.mnemonic = in.row->mnemonic;
        answer.map = in.row->map < sizeof maps / sizeof maps[0] ? maps[in.row->map] : "VEX ";
        answer.opcode = in.opcode;
        const struct access_kind kind = access_kind(&in);
        answer.row = (size_t)(in.row - opcode_table);
        answer.in_memory = in.has_modrm && in.mod != 3;
        answer.loads = kind.loads;
        answer.stores = kind.stores;
        answer.locked = kind.locked;
        answer.operand_bytes = kind.operand_bytes;
    }
    return answer;
}
