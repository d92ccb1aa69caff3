/* SPDX-License-Identifier: Apache-2.0 */
/* sieve: the sieve of Eratosthenes, a strided read-modify-write walk and a
 * pointer chase, over a few MiB. */
#include "guest.h"
const char kernel_name[] = "sieve";
const uint64_t kernel_iters = 1;

enum { N = 1 << 18, WORDS = 1 << 19, NODES = 1 << 16 };
static uint8_t composite[N];
static uint32_t words[WORDS];
static struct node {
    struct node *next;
    uint64_t value;
} nodes[NODES];

uint64_t kernel(uint64_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < NODES; i++) { /* one cycle through all nodes */
        nodes[i].next = &nodes[(i * 40503u + 12345u) % NODES];
        nodes[i].value = i * 2654435761u;
    }
    for (uint64_t it = 0; it < n; it++) {
        for (uint32_t i = 0; i < N; i++)
            composite[i] = 0;
        for (uint32_t p = 2; p * p < N; p++)
            if (!composite[p])
                for (uint32_t m = p * p; m < N; m += p)
                    composite[m] = 1;
        for (uint32_t i = 2; i < N; i++)
            sum += !composite[i];
        for (uint32_t start = 0; start < 16; start++)
            for (uint32_t i = start; i < WORDS; i += 16)
                sum += words[i] += i ^ (uint32_t)it;
        struct node *p = &nodes[it % NODES];
        for (uint32_t i = 0; i < NODES; i++) {
            sum = sum * 3 + p->value;
            p = p->next;
        }
    }
    return sum;
}
