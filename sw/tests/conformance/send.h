/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the image conf_send. */
#ifndef CONFORMANCE_SEND_H
#define CONFORMANCE_SEND_H

void check_send_memory(void);

#endif
