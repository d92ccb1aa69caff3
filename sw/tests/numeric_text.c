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

/* The operand is loaded and the result stored between the changes of control. */
static double divided_under(unsigned mxcsr, double a, double b)
{
    volatile double x = a, y = b;
    const unsigned before = _mm_getcsr();
    _mm_setcsr(mxcsr);
    volatile double result = x / y;
    _mm_setcsr(before);
    return result;
}

static unsigned flags_of(double a, double b)
{
    volatile double x = a, y = b, result;
    const unsigned before = _mm_getcsr();
    _mm_setcsr(0x1f80);
    result = x * y;
    const unsigned flags = _mm_getcsr() & 0x3f;
    _mm_setcsr(before);
    return result == 0.5 ? 0x100 | flags : flags;
}

static void rounding(void)
{
    static const char *const modes[] = {"to nearest", "down", "up", "towards zero"};
    for (unsigned mode = 0; mode < 4; mode++) {
        add("rounding ");
        show_double(modes[mode], divided_under(0x1f80 | mode << 13, 1, 3));
        add("rounding ");
        show_double(modes[mode], divided_under(0x1f80 | mode << 13, -1e-300, 3e8));
        const unsigned short fcw = (unsigned short)(0x37f | mode << 10), usual = 0x37f;
        volatile long double one = 1, ten = 10;
        __asm__ volatile("fldcw %0" : : "m"(fcw));
        volatile long double tenth = one / ten;
        long long whole;
        __asm__ volatile("fistpll %0" : "=m"(whole) : "t"(one * 25 / ten) : "st");
        __asm__ volatile("fldcw %0" : : "m"(usual));
        show_long_double("1/10", tenth);
        show_number("2.5L as an integer", whole);
    }
    show_double("flushed to zero", divided_under(0x9f80, 1e-300, 1e10));
    show_double("denormal kept", divided_under(0x1f80, 1e-300, 1e10));
    show_double("denormal as zero", divided_under(0x1fc0, 1, 4e-310));
    show_number("flags of an exact product", flags_of(0.25, 2));
    show_number("flags of an inexact product", flags_of(0.1, 0.1));
    show_number("flags of an overflow", flags_of(1e200, 1e200));
    show_number("flags of an underflow", flags_of(1e-200, 1e-200));
    show_number("flags of 0 * inf", flags_of(0, __builtin_inf()));
}

static void comparisons(void)
{
    static const volatile double values[] = {0.0, -0.0, 1, -1, 1e308 * 10, -1e308 * 10, 4.9e-324, 0};
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned j = 0; j < 8; j++) {
            const double a = values[i], b = j == 7 ? __builtin_nan("") : values[j];
            add((a < b) ? "<" : (a > b) ? ">" : (a == b) ? "=" : "?");
            add(__builtin_isunordered(a, b) ? "u" : a != b ? "n" : ".");
            const __m128d less = _mm_cmplt_sd(_mm_set_sd(a), _mm_set_sd(b));
            add_hex((unsigned)_mm_movemask_pd(less), 1);
            add_hex((unsigned)_mm_movemask_pd(_mm_max_pd(_mm_set1_pd(a), _mm_set1_pd(b))), 1);
            const volatile float narrow_a = (float)a, narrow_b = (float)b;
            add(narrow_a <= narrow_b ? "l " : "g ");
        }
        end_line();
    }
}

/* Conversions in range and out of range, both ways, all widths. */
static void conversions(void)
{
    static const volatile double values[] = {0.5,          1.5,           2.5,          -0.5, -1.5,
                                             2147483647.5, -2147483648.5, 4294967296.5, 1e19, -1e19};
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        const double v = values[i];
        add_double(v);
        add(": ");
        add_hex((unsigned)_mm_cvtsd_si32(_mm_set_sd(v)), 8);
        add(" ");
        add_hex((unsigned)_mm_cvttsd_si32(_mm_set_sd(v)), 8);
        add(" ");
        add_hex((unsigned long long)_mm_cvtsd_si64(_mm_set_sd(v)), 16);
        add(" ");
        add_hex((unsigned long long)_mm_cvttss_si64(_mm_set_ss((float)v)), 16);
        end_line();
    }
    volatile unsigned long long large = 0xfedcba9876543210;
    volatile long long negative = -0x123456789abcdef0;
    show_float("(float) of 64 bits", (float)large);
    show_double("(double) of -64 bits", (double)negative);
    show_long_double("(long double) of 64 bits", (long double)large);
    show_float("float of a double", (float)((double)large * 1e-30));
    show_vector("cvtdq2pd", _mm_castpd_si128(_mm_cvtepi32_pd(_mm_set1_epi64x(negative))));
    show_vector("cvtps2pd", _mm_castpd_si128(_mm_cvtps_pd(_mm_castsi128_ps(_mm_set1_epi64x(0x3eaaaaab7f7fffff)))));
}

/* A linear system by elimination, and its residue. */
static void elimination(void)
{
    enum { N = 12 };
    static double a[N][N + 1], first[N][N + 1], x[N];
    unsigned seed = 12345;
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j <= N; j++) {
            seed = seed * 1103515245 + 12345;
            first[i][j] = a[i][j] = (double)(seed >> 16 & 0x7fff) / 1024 - 16;
        }
    for (unsigned k = 0; k < N; k++) {
        unsigned pivot = k;
        for (unsigned i = k + 1; i < N; i++)
            if (__builtin_fabs(a[i][k]) > __builtin_fabs(a[pivot][k]))
                pivot = i;
        for (unsigned j = 0; j <= N; j++) {
            const double t = a[k][j];
            a[k][j] = a[pivot][j];
            a[pivot][j] = t;
        }
        for (unsigned i = k + 1; i < N; i++) {
            const double factor = a[i][k] / a[k][k];
            for (unsigned j = k; j <= N; j++)
                a[i][j] -= factor * a[k][j];
        }
    }
    long double residue = 0;
    for (unsigned i = N; i-- > 0;) {
        x[i] = a[i][N];
        for (unsigned j = i + 1; j < N; j++)
            x[i] -= a[i][j] * x[j];
        x[i] /= a[i][i];
        show_double("x", x[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        long double sum = -(long double)first[i][N];
        for (unsigned j = 0; j < N; j++)
            sum += (long double)first[i][j] * x[j];
        residue += sum * sum;
    }
    show_long_double("residue", residue);
}

/* MMX by hand: the compiler uses XMM registers for its intrinsics. */
static void mmx(void)
{
    volatile unsigned long long a = 0x8001ff7f01fe4080, b = 0x7fff80017f80c0ff;
    unsigned long long sum, product, shuffled, average;
    __asm__ volatile(
        "movq %4, %%mm0\n\tmovq %5, %%mm1\n\tmovq %%mm0, %%mm2\n\tmovq %%mm0, %%mm3\n\tmovq %%mm0, %%mm4\n\t"
        "paddsb %%mm1, %%mm2\n\tpmaddwd %%mm1, %%mm3\n\tpshufb %%mm1, %%mm4\n\tpavgb %%mm1, %%mm0\n\t"
        "movq %%mm2, %0\n\tmovq %%mm3, %1\n\tmovq %%mm4, %2\n\tmovq %%mm0, %3\n\temms"
        : "=m"(sum), "=m"(product), "=m"(shuffled), "=m"(average)
        : "m"(a), "m"(b)
        : "mm0", "mm1", "mm2", "mm3", "mm4");
    add("mmx ");
    add_hex(sum, 16);
    add(" ");
    add_hex(product, 16);
    add(" ");
    add_hex(shuffled, 16);
    add(" ");
    add_hex(average, 16);
    end_line();
}

/* Substring search by PCMPISTRI and PCMPESTRI, and the masks of PCMPISTRM. */
static void searches(void)
{
    static const char text[] = "a user interrupt is posted in the UPID, then notified, then delivered: user level";
    static const char *const words[] = {"user", "UPID", "then d", "notified,", "nothing", "level"};
    for (unsigned w = 0; w < sizeof words / sizeof words[0]; w++) {
        char padded[16] = {0};
        __builtin_memcpy(padded, words[w], __builtin_strlen(words[w]));
        const __m128i word = _mm_loadu_si128((const __m128i *)padded);
        long found = -1;
        for (unsigned at = 0; at + 16 < sizeof text && found < 0; at++) {
            const __m128i here = _mm_loadu_si128((const __m128i *)(text + at));
            const int i = _mm_cmpistri(word, here, _SIDD_CMP_EQUAL_ORDERED);
            if (i + (int)__builtin_strlen(words[w]) <= 16)
                found = (long)at + i;
        }
        show_number(words[w], found);
    }
    const __m128i here = _mm_loadu_si128((const __m128i *)text), range = _mm_set1_epi16('a' | 'm' << 8);
    show_vector("pcmpistrm ranges", _mm_cmpistrm(range, here, _SIDD_CMP_RANGES | _SIDD_UNIT_MASK));
    show_vector("pcmpestrm each", _mm_cmpestrm(here, 9, range, 12, _SIDD_CMP_EQUAL_EACH | _SIDD_NEGATIVE_POLARITY));
    show_number("pcmpestrc", _mm_cmpestrc(here, 3, range, 2, _SIDD_CMP_EQUAL_ANY));
    unsigned long long crc = ~0u;
    for (unsigned i = 0; i + 8 <= sizeof text; i += 8) {
        unsigned long long eight;
        __builtin_memcpy(&eight, text + i, 8);
        crc = _mm_crc32_u64(crc, eight);
    }
    show_number("crc32c of the text", (__int128)crc);
}

void numeric_text(void (*emit)(const char *))
{
    emit_line = emit;
    doubles();
    long_doubles();
    wide_integers();
    strings();
    vectors();
    rounding();
    comparisons();
    conversions();
    elimination();
    mmx();
    searches();
}
