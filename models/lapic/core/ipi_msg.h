/* SPDX-License-Identifier: Apache-2.0 */
/* The message between local APICs, and from I/O APICs and MSI: the payload of the TLM write that carries an IPI. */
#ifndef LAPIC_IPI_MSG_H
#define LAPIC_IPI_MSG_H

#include <stdbool.h>
#include <stdint.h>

/* SDM Vol. 3, "Interrupt Command Register (ICR)", delivery mode field. */
enum ipi_delivery_mode {
    IPI_FIXED = 0,
    IPI_LOWEST_PRIORITY = 1,
    IPI_SMI = 2,
    IPI_NMI = 4,
    IPI_INIT = 5,
    IPI_STARTUP = 6,
    IPI_EXTINT = 7,
};

enum ipi_shorthand { IPI_TO_DESTINATION = 0, IPI_TO_SELF = 1, IPI_TO_ALL = 2, IPI_TO_OTHERS = 3 };

struct ipi_msg {
    uint32_t destination; /* APIC ID (physical) or message destination address (logical); 32 bits                */
    uint32_t source;      /* APIC ID of the sender                                                               */
    uint8_t vector;
    uint8_t delivery_mode; /* enum ipi_delivery_mode                                                              */
    uint8_t shorthand;     /* enum ipi_shorthand                                                                  */
    bool logical;          /* destination mode                                                                    */
    bool level;            /* trigger mode: level                                                                 */
    bool assert_level;     /* level bit: 1 assert, 0 de-assert (INIT level de-assert)                             */
    bool x2apic;           /* sender's mode: width of destination and broadcast ID (FFH or FFFFFFFFH)             */
    bool by_apic;          /* sent by a local APIC, whose ID is in source; else by a device                       */
    bool user;             /* sent by SENDUIPI                                                                    */
    uint64_t number;       /* number of the user interrupt that this message notifies, 0 if none: for statistics  */
    uint64_t sent_at;      /* cycle at which it left the sender's APIC                                            */
};

#endif
