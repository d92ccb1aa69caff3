/* SPDX-License-Identifier: Apache-2.0 */
/* See cache_directory.h. Open addressing with linear probes; removal moves later entries back, so there are no marks
 * of removed ones. */
#include "cache_directory.h"
#include "host_memory.h"

bool directory_create(struct directory *d, uint64_t lines)
{
    uint64_t size = 2;
    while (size < 2 * lines)
        size *= 2;
    d->mask = size - 1;
    d->used = 0;
    d->entries = host_memory_create(size * sizeof *d->entries);
    return d->entries != NULL;
}

void directory_destroy(struct directory *d)
{
    host_memory_destroy(d->entries, (d->mask + 1) * sizeof *d->entries);
    d->entries = NULL;
}

/* Four lines in a row stay together, in one line of the host: streams find them there. */
static uint64_t home(const struct directory *d, uint64_t tag)
{
    return (((tag >> 2) * 0x9e3779b97f4a7c15u >> 20) << 2 | (tag & 3)) & d->mask;
}

/* The line's entry, or the unused one where it would be. */
static struct directory_entry *slot(const struct directory *d, uint64_t tag)
{
    uint64_t i = home(d, tag);
    while (d->entries[i].tag != 0 && d->entries[i].tag != tag)
        i = (i + 1) & d->mask;
    return &d->entries[i];
}

struct directory_entry *directory_find(const struct directory *d, uint64_t line)
{
    struct directory_entry *e = slot(d, line + 1);
    return e->tag != 0 ? e : NULL;
}

void directory_remove(struct directory *d, struct directory_entry *entry)
{
    uint64_t hole = (uint64_t)(entry - d->entries);
    *entry = (struct directory_entry){0};
    d->used--;
    for (uint64_t i = (hole + 1) & d->mask; d->entries[i].tag != 0; i = (i + 1) & d->mask) {
        /* An entry may move back to the hole unless its home lies after the hole. */
        uint64_t from_home = (i - home(d, d->entries[i].tag)) & d->mask, from_hole = (i - hole) & d->mask;
        if (from_home < from_hole)
            continue;
        d->entries[hole] = d->entries[i];
        d->entries[i] = (struct directory_entry){0};
        hole = i;
    }
}

struct directory_entry *directory_add(struct directory *d, uint64_t line)
{
    struct directory_entry *e = slot(d, line + 1);
    if (e->tag == 0) {
        d->used++;
        e->tag = (line + 1) & (UINT64_MAX >> 1);
    }
    return e;
}

void directory_prefetch(const struct directory *d, uint64_t line)
{
    __builtin_prefetch(&d->entries[home(d, line + 1)], 1);
}
