/* SPDX-License-Identifier: Apache-2.0 */
/* The processors of the machine: ACPI specification, "Multiple APIC Description Table". */
#ifndef MADT_H
#define MADT_H

#include <stdint.h>

/* APIC IDs of the enabled processors, in the table's order; how many: at most max, 0 without an MADT. offset: what lies
 * between a physical address and where it can be read. */
uint32_t madt_list(uint64_t offset, uint32_t *ids, uint32_t max);

#endif
