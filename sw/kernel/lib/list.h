/* SPDX-License-Identifier: Apache-2.0 */
/* A doubly linked ring through its members; the head is a node of its own. An unlinked node points at itself. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "lib/base.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_is_empty(const struct list *l) { return l->next == l; }
static inline void list_insert_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}
static inline void list_append(struct list *head, struct list *node) { list_insert_before(head, node); }
static inline void list_remove(struct list *node) /* harmless on an unlinked one */
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}
static inline struct list *list_pop(struct list *head) /* of a ring that is not empty */
{
    struct list *node = head->next;
    list_remove(node);
    return node;
}

#define LIST_ITEM(node, type, member) CONTAINER_OF(node, type, member)
#define LIST_FIRST(head, type, member) LIST_ITEM((head)->next, type, member)
#define LIST_POP(head, type, member) LIST_ITEM(list_pop(head), type, member)
/* for (LIST_EACH(item, head, member)): the body may remove the item it is at, no other. */
#define LIST_EACH(item, head, member)                                                                                  \
    struct list *item##_at = (head)->next, *item##_next = item##_at->next;                                             \
    item##_at != (head) && ((item) = LIST_ITEM(item##_at, __typeof__(*(item)), member), true);                         \
    item##_at = item##_next, item##_next = item##_at->next

#endif
