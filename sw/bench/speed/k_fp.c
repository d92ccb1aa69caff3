/* SPDX-License-Identifier: Apache-2.0 */
/* fp: SSE2 double precision: five bodies under gravity (scalar, with square
 * roots and divisions), a packed dot product and axpy, and conversions. */
#include "guest.h"
#include <emmintrin.h>
const char kernel_name[] = "fp";
const uint64_t kernel_iters = 5500;

enum { BODIES = 5, LEN = 128 };
static struct body {
    double x[3], v[3], mass;
} body[BODIES];
static double va[LEN] __attribute__((aligned(16))), vb[LEN] __attribute__((aligned(16)));

static double root(double v)
{
    __m128d r = _mm_set_sd(v);
    return _mm_cvtsd_f64(_mm_sqrt_sd(r, r));
}
static void advance(double dt)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double d[3], dist2 = 0.01;
            for (int k = 0; k < 3; k++) {
                d[k] = body[i].x[k] - body[j].x[k];
                dist2 += d[k] * d[k];
            }
            double mag = dt / (dist2 * root(dist2));
            for (int k = 0; k < 3; k++) {
                body[i].v[k] -= d[k] * body[j].mass * mag;
                body[j].v[k] += d[k] * body[i].mass * mag;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            body[i].x[k] += dt * body[i].v[k];
}
static double dot_axpy(double f)
{
    __m128d s = _mm_setzero_pd(), ff = _mm_set1_pd(f);
    for (int i = 0; i < LEN; i += 2) {
        __m128d a = _mm_load_pd(va + i), b = _mm_load_pd(vb + i);
        s = _mm_add_pd(s, _mm_mul_pd(a, b));
        _mm_store_pd(vb + i, _mm_add_pd(_mm_mul_pd(a, ff), _mm_mul_pd(b, _mm_set1_pd(0.5))));
    }
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

uint64_t kernel(uint64_t n)
{
    uint64_t sum = 0;
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++) {
            body[i].x[k] = (i * 7 + k * 3) % 11 - 5.25;
            body[i].v[k] = ((i * 5 + k) % 7 - 3) * 0.125;
            body[i].mass = 1.0 + i;
        }
    for (int i = 0; i < LEN; i++) {
        va[i] = (i * 37 % 64 - 32) / 16.0;
        vb[i] = (i * 11 % 64 - 31) / 8.0;
    }
    for (uint64_t it = 0; it < n; it++) {
        advance(0.001);
        double e = dot_axpy(1.0 / (1.0 + (it & 15)));
        sum = sum * 3 + (uint64_t)(int64_t)(e * 1024.0 + body[it % BODIES].x[0] * 65536.0);
    }
    return sum;
}
