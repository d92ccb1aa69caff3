/* SPDX-License-Identifier: Apache-2.0 */
/* The opcode table as lines of tab-separated fields: number, mnemonic, encoding, feature, 64-bit mode, other modes. */
#include "cpu_opcodes.h"

#include <stdio.h>

int main(void)
{
    for (size_t n = 0; n < cpu_opcode_count(); n++) {
        struct cpu_opcode o;
        cpu_opcode_describe(n, &o);
        printf("%zu\t%s\t%s\t%s\t%d\t%d\n", n, o.mnemonic, o.encoding, o.feature ? o.feature : "", o.in_64_bit_mode,
               o.in_other_modes);
    }
    return 0;
}
