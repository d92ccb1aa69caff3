/* SPDX-License-Identifier: Apache-2.0 */
/* SSE moves. */
#define CPU_HAS_TWINS 1
#include "sse.h"

OP(movups_load)
{
    RM_READ_VEC(b, false);
    XMM(op->reg).i = b;
    NEXT();
}

OP(movups_store)
{
    if (op->flags & OPF_MEM) {
        ADDRESS(la, 16, true);
        STORE_VEC(la, XMM(op->reg).i);
    } else {
        XMM(op->rm) = XMM(op->reg);
    }
    NEXT();
}
