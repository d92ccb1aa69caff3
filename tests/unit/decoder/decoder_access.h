/* SPDX-License-Identifier: Apache-2.0 */
/* The core's decoder for tests in C++, which cannot include its private headers. */
#ifndef DECODER_ACCESS_H
#define DECODER_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct decoder;
enum access_result { ACCESS_OK, ACCESS_UNDEFINED, ACCESS_SHORT, ACCESS_TOO_LONG };

/* What the table says about the bytes; mnemonic is NULL unless ACCESS_OK. */
struct access_insn {
    enum access_result result;
    unsigned length;
    const char *mnemonic;
    const char *map; /* "", "0F ", "0F 38 ", "0F 3A " */
    uint8_t opcode;
    size_t row;     /* in the opcode table */
    bool in_memory; /* an operand of ModRM in memory */
    /* What a timing model is told: struct timing_insn. */
    bool loads, stores, locked;
    unsigned operand_bytes;
};

size_t access_rows(void); /* of the opcode table */
const char *access_row_name(size_t row);
struct decoder *access_create(void);      /* with the default features */
struct decoder *access_create_full(void); /* with every feature of the table */
void access_destroy(struct decoder *decoder);
struct access_insn access_decode(struct decoder *decoder, const uint8_t *bytes, size_t available, unsigned mode_bits);
/* What is reported of an undefined instruction: its length, 0 for nothing; name: 64 bytes. */
unsigned access_unimplemented(struct decoder *decoder, const uint8_t *bytes, size_t available, unsigned mode_bits,
                              char *name);

#ifdef __cplusplus
}
#endif
#endif
