/* SPDX-License-Identifier: Apache-2.0 */
/* Argument and environment strings between the old program's memory and the new one's. */
#include "mm/mm.h"
#include "proc/exec.h"
#include "string.h"

enum { STRING_BYTES_MAX = 131072, FIRST_ROOM = 16 };

static int make_room(struct strings *s)
{
    if (s->count < s->room)
        return 0;
    size_t room = s->room ? 2 * s->room : FIRST_ROOM;
    char **items = krealloc(s->item, s->room * sizeof *items, room * sizeof *items);
    if (!items)
        return -ENOMEM;
    s->item = items;
    s->room = room;
    return 0;
}

static int insert(struct strings *s, size_t at, char *owned)
{
    int error = owned ? make_room(s) : -ENOMEM;
    if (error) {
        kfree(owned);
        return error;
    }
    memmove(s->item + at + 1, s->item + at, (s->count - at) * sizeof *s->item);
    s->item[at] = owned;
    s->count++;
    s->bytes += strlen(owned) + 1 + sizeof owned;
    return 0;
}

int strings_add(struct strings *s, char *owned) { return insert(s, s->count, owned); }

int strings_prepend(struct strings *s, char *owned) { return insert(s, 0, owned); }

void strings_remove_first(struct strings *s)
{
    if (!s->count)
        return;
    s->bytes -= strlen(s->item[0]) + 1 + sizeof s->item[0];
    kfree(s->item[0]);
    s->count--;
    memmove(s->item, s->item + 1, s->count * sizeof *s->item);
}

int strings_from_user(struct strings *s, uint64_t array, size_t budget)
{
    for (; array; array += sizeof(uint64_t)) {
        uint64_t address;
        char *text;
        if (GET_USER(address, array))
            return -EFAULT;
        if (!address)
            break;
        int error = string_from_user(&text, address, STRING_BYTES_MAX);
        if (!error)
            error = strings_add(s, text);
        if (error)
            return error == -ENAMETOOLONG ? -E2BIG : error;
        if (s->bytes > budget)
            return -E2BIG;
    }
    return 0;
}

int strings_from_kernel(struct strings *s, const char *const array[])
{
    int error = 0;
    for (; array && *array && !error; array++)
        error = strings_add(s, kstrdup(*array));
    return error ? error : s->bytes > ARGUMENT_BYTES_MAX ? -E2BIG : 0;
}

void strings_free(struct strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        kfree(s->item[i]);
    kfree(s->item);
    *s = (struct strings){0};
}

char *strings_join(const struct strings *s, size_t limit, size_t *bytes)
{
    size_t total = MIN(s->bytes - s->count * sizeof *s->item, limit), at = 0;
    char *joined = kmalloc(total + 1);
    *bytes = joined ? total : 0;
    for (size_t i = 0; joined && at < total; i++) {
        size_t n = MIN(strlen(s->item[i]) + 1, total - at);
        memcpy(joined + at, s->item[i], n);
        at += n;
    }
    return joined;
}
