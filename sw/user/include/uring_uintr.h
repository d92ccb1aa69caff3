/* SPDX-License-Identifier: Apache-2.0 */
/* Completions of an io_uring that arrive as user interrupts: what the minimal kernel adds to Linux's
 * <linux/io_uring.h>. The ring posts one user vector of the thread whose vector descriptor (uintr_vector_fd,
 * uintr_create_fd) it is given, once for every CQE: posts that were not taken yet coalesce. There are two forms:
 *
 *   1. at setup:  p.flags |= IORING_SETUP_UINTR; p.resv[IORING_PARAMS_UINTR] = descriptor;
 *   2. later:     io_uring_register(ring, IORING_REGISTER_UINTR, &descriptor, 1), taken back by IORING_UNREGISTER_UINTR
 *                 with no argument.
 *
 * The descriptor may be closed afterwards. Errors: EBADF, EOPNOTSUPP (not a vector's descriptor, or no user interrupts
 * in this machine), ESHUTDOWN (the receiver is gone), EBUSY (the ring has one), ENXIO (it has none to take back). A
 * Linux without all this answers EINVAL to both forms. */
#ifndef URING_UINTR_H
#define URING_UINTR_H

#define IORING_SETUP_UINTR (1u << 31)
#define IORING_PARAMS_UINTR 0 /* index into io_uring_params.resv */

enum { IORING_REGISTER_UINTR = 0x5549, IORING_UNREGISTER_UINTR = 0x554a };

#endif
