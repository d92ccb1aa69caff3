/* SPDX-License-Identifier: Apache-2.0 */
/* What gcc makes of float, double, long double, __int128, string builtins and vector intrinsics, as text. Decimal
 * digits are computed here, so that formatting is part of the exercise. No operation whose result the architecture
 * leaves open.
 */
#include "numeric_text.h"

#include <limits.h>
#include <nmmintrin.h>
#include <stddef.h>
#include <stdint.h>

static void (*emit_line)(const char *);
static char line[160];
static size_t used;

static void add(const char *text)
{
    for (; *text && used + 1 < sizeof line; text++)
        line[used++] = *text;
    line[used] = '\0';
}

static void end_line(void)
{
    emit_line(line);
    used = 0;
    line[0] = '\0';
}

static void add_hex(unsigned long long v, int digits)
{
    char text[17];
    text[digits] = '\0';
    for (int i = digits; i-- > 0; v >>= 4)
        text[i] = "0123456789abcdef"[v & 15];
    add(text);
}

static void add_unsigned(unsigned __int128 v)
{
    char text[40];
    int at = sizeof text - 1;
    text[at] = '\0';
    do
        text[--at] = (char)('0' + (int)(v % 10));
    while ((v /= 10) != 0);
    add(text + at);
}

static void add_signed(__int128 v)
{
    if (v < 0)
        add("-");
    add_unsigned(v < 0 ? -(unsigned __int128)v : (unsigned __int128)v);
}

/* 17 digits and a decimal exponent. */
static void add_double(double v)
{
    if (v != v) {
        add("nan");
        return;
    }
    if (v < 0 || (v == 0 && 1 / v < 0)) {
        add("-");
        v = -v;
    }
    if (v > __DBL_MAX__) {
        add("inf");
        return;
    }
    int exponent = 0;
    long double scaled = v;
    while (scaled >= 10) {
        scaled /= 10;
        exponent++;
    }
    while (scaled != 0 && scaled < 1) {
        scaled *= 10;
        exponent--;
    }
    for (int i = 0; i < 17; i++) {
        int digit = (int)scaled;
        const char text[3] = {(char)('0' + digit), i == 0 ? '.' : '\0', '\0'};
        add(text);
        scaled = (scaled - digit) * 10;
    }
    add("e");
    add_signed(exponent);
}

static void add_bits(double v)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    add_hex(bits, 16);
}

static void show_double(const char *name, double v)
{
    add(name);
    add(" = ");
    add_double(v);
    add(" ");
    add_bits(v);
    end_line();
}

static void show_float(const char *name, float v)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    add(name);
    add(" = ");
    add_double(v);
    add(" ");
    add_hex(bits, 8);
    end_line();
}

static void show_long_double(const char *name, long double v)
{
    unsigned char bytes[sizeof v];
    __builtin_memcpy(bytes, &v, sizeof bytes);
    add(name);
    add(" = ");
    add_double((double)v);
    add(" ");
    for (int i = 9; i >= 0; i--)
        add_hex(bytes[i], 2);
    end_line();
}

static void show_vector(const char *name, __m128i v)
{
    uint64_t q[2];
    _mm_storeu_si128((__m128i *)q, v);
    add(name);
    add(" = ");
    add_hex(q[1], 16);
    add_hex(q[0], 16);
    end_line();
}

static void show_number(const char *name, __int128 v)
{
    add(name);
    add(" = ");
    add_signed(v);
    end_line();
}

static double square_root(double v) { return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(v))); }

static void doubles(void)
{
    volatile double one = 1, zero = 0, huge = 1e308, tiny = 4.9e-324;
    double pi = 0, e = 1, term = 1;
    for (int i = 0; i < 100000; i++)
        pi += (i % 2 ? -4.0 : 4.0) / (2 * i + 1);
    for (int i = 1; i < 25; i++) {
        term /= i;
        e += term;
    }
    show_double("pi by Leibniz", pi);
    show_double("e", e);
    show_double("sqrt 2", square_root(2 * one));
    show_double("1/3", one / 3);
    show_double("overflow", huge * 10);
    show_double("-1/0", -one / zero);
    show_double("0/0 is nan", zero / zero == zero / zero);
    show_double("denormal", tiny * 3);
    show_double("underflow", tiny / 2);
    show_number("(long) -2.9", (long)(-2.9 * one));
    show_number("(unsigned long) 1.8e19", (unsigned long)(1.8e19 * one));
    show_double("(double) ULONG_MAX", (double)(ULONG_MAX - (unsigned long)zero));
    show_float("1/3f", (float)one / 3.0f);
    show_float("(float) pi", (float)pi);
    float sum = 0;
    for (int i = 1; i <= 10000; i++)
        sum += 1.0f / (float)i;
    show_float("harmonic 10000", sum);
}

static void long_doubles(void)
{
    volatile long double one = 1;
    long double sum = 0, product = 1;
    for (int i = 1; i <= 5000; i++)
        sum += one / i;
    for (int i = 1; i <= 60; i++)
        product *= i;
    show_long_double("harmonic 5000", sum);
    show_long_double("60!", product);
    show_long_double("1/3", one / 3);
    show_long_double("1/60!^3", one / product / product / product);
    show_number("(long long) 1e18L", (long long)(1e18L * one));
    show_long_double("sqrt 2", __builtin_sqrtl(2));
    show_number("1 + 2^-63 > 1", one + 0x1p-63L > one);
    show_number("1 + 2^-64 > 1", one + 0x1p-64L > one);
}

static void wide_integers(void)
{
    volatile unsigned long long seed = 0x0123456789abcdef;
    unsigned __int128 a = (unsigned __int128)seed * 0xfedcba9876543210ull + seed,
                      b = ((unsigned __int128)seed << 40) | 77;
    show_number("a % 10^30", (__int128)(a % ((unsigned __int128)1000000000000000ull * 1000000000000000ull)));
    show_number("a / b", (__int128)(a / b));
    show_number("a % b", (__int128)(a % b));
    show_number("-a >> 65", -(__int128)(a >> 2) >> 63);
    show_double("(double) a", (double)a);
    show_number("(int128) 1e30", (__int128)(1e30 * (double)(seed != 0)));
}

static void strings(void)
{
    char buffer[256], copy[256];
    for (unsigned i = 0; i < sizeof buffer; i++)
        buffer[i] = (char)(i * 7 + 1);
    __builtin_memcpy(copy, buffer, sizeof copy);
    show_number("memcmp of a copy", __builtin_memcmp(copy, buffer, sizeof copy));
    __builtin_memmove(copy + 3, copy, 200);
    __builtin_memset(copy + 100, 0x5a, 17);
    unsigned crc = 0;
    for (unsigned i = 0; i < sizeof copy; i++)
        crc = _mm_crc32_u8(crc, (unsigned char)copy[i]);
    show_number("crc32c", crc);
    show_number("strlen", (__int128)__builtin_strlen("user interrupts"));
}

static void vectors(void)
{
    volatile long long low = 0x0011223344556677, high = 0x7fee80ff01fe8899;
    __m128i a = _mm_set_epi64x(high, low), b = _mm_set_epi64x(low ^ 0x55, high + 3);
    show_vector("paddusb", _mm_adds_epu8(a, b));
    show_vector("pmaddwd", _mm_madd_epi16(a, b));
    show_vector("packssdw", _mm_packs_epi32(a, b));
    show_vector("pshufb", _mm_shuffle_epi8(a, b));
    show_vector("pmulld", _mm_mullo_epi32(a, b));
    show_vector("psadbw", _mm_sad_epu8(a, b));
    show_vector("phminposuw", _mm_minpos_epu16(a));
    show_vector("mpsadbw", _mm_mpsadbw_epu8(a, b, 5));
    show_vector("palignr", _mm_alignr_epi8(a, b, 5));
    show_vector("pcmpgtq", _mm_cmpgt_epi64(a, b));
    show_vector("psrldq", _mm_srli_si128(a, 3));
    const __m128i text = _mm_set_epi8(0, 0, 'p', 'u', 'r', 'r', 'e', 't', 'n', 'i', ' ', 'r', 'e', 's', 'u', ' ');
    const __m128i set = _mm_set_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'u', 'o', 'i', 'e', 'a');
    show_number("pcmpistri", _mm_cmpistri(set, text, _SIDD_CMP_EQUAL_ANY | _SIDD_MOST_SIGNIFICANT));
    show_number("popcnt", _mm_popcnt_u64((unsigned long long)high));
    const __m128 f = _mm_set_ps(1.5f, -2.25f, 1e10f, 1.0f / 3), g = _mm_set_ps(3, 7, -1e-10f, 0.5f);
    show_vector("mulps", _mm_castps_si128(_mm_mul_ps(f, g)));
    show_vector("divps", _mm_castps_si128(_mm_div_ps(f, g)));
    show_vector("sqrtps", _mm_castps_si128(_mm_sqrt_ps(g)));
    show_vector("dpps", _mm_castps_si128(_mm_dp_ps(f, g, 0xf5)));
    show_vector("haddps", _mm_castps_si128(_mm_hadd_ps(f, g)));
    show_vector("roundps", _mm_castps_si128(_mm_round_ps(f, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)));
    show_vector("cvtps2dq", _mm_cvtps_epi32(f));
    show_vector("cvttpd2dq", _mm_cvttpd_epi32(_mm_set_pd(-1.75, 1e300)));
}

void numeric_text(void (*emit)(const char *))
{
    emit_line = emit;
    doubles();
    long_doubles();
    wide_integers();
    strings();
    vectors();
}
