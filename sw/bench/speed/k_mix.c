/* SPDX-License-Identifier: Apache-2.0 */
/* mix: a linked list (find, reverse, merge sort), small integer matrices and a
 * character state machine, folded by a CRC-16. */
#include "guest.h"
const char kernel_name[] = "mix";
const uint64_t kernel_iters = 70;

static uint16_t crc16(uint16_t crc, uint32_t v)
{
    for (int i = 0; i < 16; i++, v >>= 1)
        crc = (crc ^ v) & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
    return crc;
}

/* --- list --- */
enum { ITEMS = 200 };
struct item {
    struct item *next;
    int16_t key, index;
};
static struct item items[ITEMS];

static struct item *list_make(uint32_t seed)
{
    for (int i = 0; i < ITEMS; i++) {
        seed = seed * 1103515245 + 12345;
        items[i] = (struct item){i + 1 < ITEMS ? &items[i + 1] : 0, (int16_t)(seed >> 16), i};
    }
    return items;
}
static struct item *list_reverse(struct item *l)
{
    struct item *r = 0;
    while (l) {
        struct item *next = l->next;
        l->next = r;
        r = l;
        l = next;
    }
    return r;
}
static struct item *list_find(struct item *l, int16_t index)
{
    while (l && l->index != index)
        l = l->next;
    return l;
}
static struct item *list_merge(struct item *a, struct item *b)
{
    struct item head, *tail = &head;
    while (a && b) {
        struct item **least = a->key <= b->key ? &a : &b;
        tail->next = *least;
        tail = *least;
        *least = (*least)->next;
    }
    tail->next = a ? a : b;
    return head.next;
}
static struct item *list_sort(struct item *l)
{
    if (!l || !l->next)
        return l;
    struct item *slow = l, *fast = l->next;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    struct item *back = slow->next;
    slow->next = 0;
    return list_merge(list_sort(l), list_sort(back));
}
static uint16_t list_work(uint16_t crc, uint32_t seed)
{
    struct item *l = list_make(seed);
    for (int i = 0; i < 8; i++) {
        struct item *f = list_find(l, (i * 37 + seed) % ITEMS);
        crc = crc16(crc, f ? f->key : 0);
        l = list_reverse(l);
    }
    for (l = list_sort(l); l; l = l->next)
        crc = crc16(crc, l->key);
    return crc;
}

/* --- matrix --- */
enum { M = 16 };
static int16_t ma[M][M], mb[M][M];
static int32_t mc[M][M];

static uint16_t matrix_work(uint16_t crc, uint32_t seed)
{
    for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++) {
            ma[i][j] = seed + i * j;
            mb[i][j] = (seed >> 3) - i + 3 * j;
        }
    for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++) {
            int32_t s = 0;
            for (int k = 0; k < M; k++)
                s += ma[i][k] * mb[k][j];
            mc[i][j] = s;
        }
    for (int i = 0; i < M; i++)
        crc = crc16(crc, mc[i][i] ^ mc[i][M - 1 - i]);
    return crc;
}

/* --- state machine: classes of number --- */
enum state { START, SIGN, INT, DOT, FRACTION, EXP, EXPSIGN, EXPDIGIT, BAD, STATES };

static enum state step(enum state s, char c)
{
    int digit = c >= '0' && c <= '9', sign = c == '+' || c == '-';
    switch (s) {
    case START: return digit ? INT : sign ? SIGN : c == '.' ? DOT : BAD;
    case SIGN: return digit ? INT : c == '.' ? DOT : BAD;
    case INT: return digit ? INT : c == '.' ? FRACTION : c == 'e' ? EXP : BAD;
    case DOT: return digit ? FRACTION : BAD;
    case FRACTION: return digit ? FRACTION : c == 'e' ? EXP : BAD;
    case EXP: return digit ? EXPDIGIT : sign ? EXPSIGN : BAD;
    case EXPSIGN:
    case EXPDIGIT: return digit ? EXPDIGIT : BAD;
    default: return BAD;
    }
}
static uint16_t state_work(uint16_t crc, uint32_t seed)
{
    static const char text[] = "5012,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e+3,-.123e-2,-87e+832,"
                               "+0.6e-12,T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^,x,7,";
    uint32_t counts[STATES] = {0};
    enum state s = START;
    for (int round = 0; round < 4; round++)
        for (const char *p = text; *p; p++) {
            seed = seed * 69069 + 1;
            char c = seed >> 26 == 7 ? 'e' : *p; /* now and then a wrong character */
            if (*p == ',') {
                counts[s]++;
                s = START;
            } else
                s = step(s, c);
        }
    for (int i = 0; i < STATES; i++)
        crc = crc16(crc, counts[i]);
    return crc;
}

uint64_t kernel(uint64_t n)
{
    uint64_t sum = 0;
    uint16_t crc = 0xffff;
    for (uint64_t i = 0; i < n; i++) {
        crc = list_work(crc, i & 255);
        crc = matrix_work(crc, i & 255);
        crc = state_work(crc, i & 255);
        sum = sum * 31 + crc;
    }
    return sum;
}
