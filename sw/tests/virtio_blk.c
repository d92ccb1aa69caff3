/* SPDX-License-Identifier: Apache-2.0 */
/* The block device: registers and negotiation, reads and writes in any arrangement of buffers, interrupts, many
 * requests at once, errors, what it writes over code and over a monitored line, and drivers that break the rules.
 * VIRTIO 1.2. Without a device nothing is tested. Sectors of which reads fail are named and left alone.
 */
#include "apic.h"
#include "boot.h"
#include "ioapic.h"
#include "paging.h"
#include "printf.h"
#include "report.h"
#include "smp.h"
#include "string.h"
#include "trap.h"
#include "virtio_disk.h"

const char test_name[] = "virtio_blk";

enum { VECTOR = 0x60, FIRST_PIN = 5, FIRST_PCI_PIN = 16, MANY = 20, CHUNK = 8 * SECTOR, ROUNDS = 10 };

static volatile uint32_t interrupts, last_pin;
static uint8_t *data, *other;
static bool is_writable;
static uint64_t first_good; /* sector from which on many can be read */

/* Pins have vectors of their own, because on other machines the device is elsewhere. Here pins from 16 on rest high. */
static bool on_interrupt(struct trap_frame *f)
{
    last_pin = (uint32_t)f->vector - VECTOR;
    interrupts = interrupts + 1;
    disk_write(VIRTIO_INTERRUPT_ACK, disk_read(VIRTIO_INTERRUPT_STATUS));
    apic_eoi();
    return true;
}

static void open_pins(void)
{
    for (uint32_t pin = FIRST_PIN; pin < (is_qemu() ? IOAPIC_PINS : FIRST_PCI_PIN); pin++) {
        trap_install(VECTOR + pin, on_interrupt);
        ioapic_set_pin(pin, (uint8_t)apic_id(), PIN_LEVEL | (VECTOR + pin));
    }
}

static void check_registers(void)
{
    disk_write(VIRTIO_STATUS, 0);
    report_equal(disk_read(VIRTIO_STATUS), 0, "the status is 0 after a reset");
    report_equal(disk_features() & (F_VERSION_1 | F_BLK_SIZE | F_BLK_SEG_MAX | F_BLK_FLUSH),
                 F_VERSION_1 | F_BLK_SIZE | F_BLK_SEG_MAX | F_BLK_FLUSH, "features that it must offer");
    disk_write(VIRTIO_QUEUE_SEL, 1);
    report_equal(disk_read(VIRTIO_QUEUE_NUM_MAX), 0, "there is no second queue");
    disk_write(VIRTIO_QUEUE_SEL, 0);
    uint32_t most = disk_read(VIRTIO_QUEUE_NUM_MAX);
    report(most >= QUEUE && (most & (most - 1)) == 0, "the size of the queue is a power of two: %u", most);
    report_equal(disk_read(BLK_SIZE), SECTOR, "block size");
    report(disk_read(BLK_SEG_MAX) <= most - 2 && disk_read(BLK_SEG_MAX) > 0, "segments: %u", disk_read(BLK_SEG_MAX));
    report(disk_sectors() >= 256, "capacity: %lu sectors", disk_sectors());
    if (!is_qemu()) {
        report(!(disk_negotiate(F_BLK_FLUSH) & STATUS_FEATURES_OK), "a driver without VERSION_1 is refused");
        report(!(disk_negotiate(F_VERSION_1 | 1ull << 40) & STATUS_FEATURES_OK),
               "and one that wants what is not offered");
    }
    report_equal(disk_start(disk_features()),
                 STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK, "the device is ready");
    report_equal(disk_read(VIRTIO_QUEUE_READY), 1, "and its queue");
}

/* Each sector alone, several at once. */
static void check_every_sector(void)
{
    static struct disk_request requests[MANY];
    uint64_t sectors = disk_sectors(), wrong = 0, first = 0, last = 0;
    if (sectors > 4096)
        sectors = 4096;
    for (uint64_t at = 0; at < sectors; at += MANY) {
        unsigned n = sectors - at < MANY ? (unsigned)(sectors - at) : MANY;
        for (unsigned i = 0; i < n; i++)
            disk_submit(&requests[i], 3 * i, T_IN, at + i, data + i * SECTOR, SECTOR);
        disk_notify();
        if (!disk_wait(n)) {
            report(false, "reads of sectors %lu and on do not end", at);
            return;
        }
        for (unsigned i = 0; i < n; i++)
            if (requests[i].status != S_OK) {
                first = wrong++ == 0 ? at + i : first;
                last = at + i;
            }
    }
    report(true, "sectors %lu, of which fail %lu: from %lu to %lu", sectors, wrong, first, last);
    first_good = wrong && first < 128 ? last + 1 : 0;
    if (wrong) {
        report_equal(disk_do(T_IN, first, data, SECTOR), S_IOERR, "a sector that fails fails again");
        report_equal(disk_do(T_IN, last, data, 2 * SECTOR), S_IOERR, "and with its neighbour");
        report_equal(disk_do(T_OUT, first, data, SECTOR), S_IOERR, "and when it is written");
    }
}

static void fill(uint8_t *bytes, uint32_t size, uint32_t seed)
{
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((i * 2654435761u + seed * 40503u) >> 13);
}

static void check_read_and_write(void)
{
    report_equal(disk_do(T_FLUSH, 0, NULL, 0), S_OK, "flush");
    char id[21] = "";
    report_equal(disk_do(T_GET_ID, 0, id, 20), S_OK, "the device's name: '%s'", id);
    if (!is_writable) {
        memset(other, 0x5a, CHUNK);
        report_equal(disk_do(T_OUT, first_good, other, CHUNK), S_IOERR, "a write to a read-only disk fails");
        report(disk_do(T_IN, first_good, data, CHUNK) == S_OK && memcmp(data, other, CHUNK) != 0, "and does nothing");
        return;
    }
    fill(data, CHUNK, 1);
    memset(other, 0, CHUNK);
    report_equal(disk_do(T_OUT, first_good, data, CHUNK), S_OK, "write");
    report_equal(disk_do(T_IN, first_good, other, CHUNK), S_OK, "read");
    report(memcmp(data, other, CHUNK) == 0, "what is read is what was written");
    report_equal(queue->used.ring[(queue->used.idx - 1) % QUEUE].length, CHUNK + 1, "the used ring tells the length");

    /* A header in two pieces, data in pieces of odd sizes, a status behind data in one buffer. */
    static struct disk_header header;
    static const uint32_t pieces[] = {1, 510, 3, 1000, CHUNK - 1514};
    header = (struct disk_header){T_IN, 0, first_good};
    memset(other, 0xee, CHUNK + 1);
    disk_desc(0, &header, 7, DESC_NEXT, 1);
    disk_desc(1, (uint8_t *)&header + 7, 9, DESC_NEXT, 2);
    uint32_t at = 0;
    for (unsigned i = 0; i < 5; i++) {
        bool is_last = i == 4;
        disk_desc(2 + i, other + at, pieces[i] + is_last, DESC_WRITE | (is_last ? 0 : DESC_NEXT), 3 + i);
        at += pieces[i];
    }
    disk_offer(0);
    disk_notify();
    report(disk_wait(1) && other[CHUNK] == S_OK && memcmp(data, other, CHUNK) == 0, "buffers may be cut anywhere");
}

static void check_errors(void)
{
    uint64_t end = disk_sectors();
    report_equal(disk_do(T_IN, end - 1, data, SECTOR), S_OK, "the last sector");
    report_equal(disk_do(T_IN, end, data, SECTOR), S_IOERR, "the one behind it");
    report_equal(disk_do(T_IN, end - 1, data, 2 * SECTOR), S_IOERR, "both");
    report_equal(disk_do(T_IN, UINT64_MAX, data, SECTOR), S_IOERR, "a sector at the end of all numbers");
    report_equal(disk_do(T_IN, 1ull << 55, data, SECTOR), S_IOERR, "one whose offset overflows");
    report_equal(disk_do(T_IN, first_good, data, SECTOR - 1), S_IOERR, "less than a sector");
    report_equal(disk_do(77, 0, data, SECTOR), S_UNSUPP, "a request that nobody knows");
}

static void check_interrupts(void)
{
    static struct disk_request requests[MANY];
    settle();
    sti_nop_cli(); /* what polling has left */
    interrupts = 0;
    disk_submit(&requests[0], 0, T_IN, first_good, data, SECTOR);
    disk_notify();
    do {
        sti_hlt(); /* it may have come already, and waits */
        cli();
    } while (requests[0].status == S_NONE);
    (void)disk_wait(1);
    report(interrupts == 1 && requests[0].status == S_OK, "a request's end interrupts HLT (%u)", interrupts);
    if (!is_qemu())
        report_equal(last_pin, VIRTIO_PIN, "at this pin of the I/O APIC");
    report_equal(disk_read(VIRTIO_INTERRUPT_STATUS), 0, "and is acknowledged");

    for (unsigned i = 0; i < MANY; i++)
        disk_submit(&requests[i], 3 * i, T_IN, first_good + i, data + i * SECTOR, SECTOR);
    interrupts = 0;
    disk_notify();
    do {
        sti_hlt();
        cli();
    } while ((uint16_t)(queue->used.idx - queue->seen) < MANY);
    sti_nop_cli();
    bool is_right = disk_wait(MANY);
    for (unsigned i = 0; i < MANY; i++)
        is_right = is_right && requests[i].status == S_OK;
    report(is_right && interrupts >= 1 && interrupts <= MANY, "many requests at once");

    queue->avail.flags = AVAIL_NO_INTERRUPT;
    interrupts = 0;
    is_right = disk_do(T_IN, first_good, data, SECTOR) == S_OK;
    sti_nop_cli();
    settle();
    sti_nop_cli();
    report(is_right && interrupts == 0, "the driver wants no interrupt");
    queue->avail.flags = 0;
}

/* The same with VIRTIO_F_EVENT_IDX: the interrupt comes with the entry that was asked for. QEMU sends one for the first
 * entry, too. */
static void check_event_idx(void)
{
    enum { BATCH = 4 };
    static struct disk_request requests[BATCH];
    if (!(disk_features() & F_EVENT_IDX)) {
        report_skip("no EVENT_IDX");
        return;
    }
    disk_start(disk_features());
    queue->used.avail_event = 77;
    queue->avail.used_event = BATCH + 1;
    for (uint32_t batch = 0; batch < 2; batch++) {
        for (unsigned i = 0; i < BATCH; i++)
            disk_submit(&requests[i], 3 * i, T_IN, first_good + i, data, SECTOR);
        settle();
        sti_nop_cli();
        interrupts = 0;
        disk_notify();
        bool has_come = disk_wait(BATCH);
        settle();
        sti_nop_cli();
        report(has_come && (interrupts == batch || is_qemu()), "EVENT_IDX: entries up to %u, interrupts: %u",
               queue->used.idx, interrupts);
        report_equal(queue->used.avail_event, BATCH * (batch + 1), "the device says what it has seen");
    }
    disk_start(disk_features() & ~F_EVENT_IDX);
}

static void put_constant(uint8_t *code, uint32_t value) /* MOV EAX, value; RET */
{
    code[0] = 0xb8;
    memcpy(code + 1, &value, 4);
    code[5] = 0xc3;
}

static void check_code(void)
{
    if (!is_writable) {
        report_skip("code on a read-only disk");
        return;
    }
    uint8_t *code = page_alloc();
    for (uint32_t i = 0; i < 2; i++) {
        put_constant(data, 100 + i);
        (void)disk_do(T_OUT, first_good + i, data, SECTOR);
    }
    bool is_right = true;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t result;
        is_right = is_right && disk_do(T_IN, first_good + (i & 1), code, SECTOR) == S_OK;
        (void)cpuid(0, 0);
        for (unsigned n = 0; n < 3; n++) {
            __asm__ volatile("call *%1" : "=a"(result) : "r"(code) : "rcx", "rdx", "memory", "cc");
            is_right = is_right && result == 100 + (i & 1);
        }
    }
    report(is_right, "code that the device replaced runs");
}

static void check_monitor(void)
{
    if (is_qemu() || !(cpuid(1, 0).ecx & 1u << 3)) {
        report_skip("MONITOR");
        return;
    }
    static struct disk_request r;
    queue->avail.flags = AVAIL_NO_INTERRUPT;
    disk_submit(&r, 0, T_IN, first_good, data, SECTOR);
    uint16_t before = queue->used.idx;
    uint32_t waits = 0;
    disk_notify();
    while (queue->used.idx == before) {
        __asm__ volatile("monitor" ::"a"(&queue->used), "c"(0), "d"(0));
        if (queue->used.idx == before)
            __asm__ volatile("mwait" ::"a"(0), "c"(0) : "memory");
        waits++;
    }
    report(disk_wait(1) && r.status == S_OK && waits == 1, "MWAIT ends when the device writes the line (%u)", waits);
    queue->avail.flags = 0;
}

/* --- what a driver must not do --- */

static void make_loop(void) { disk_desc(2, data, 1, DESC_NEXT | DESC_WRITE, 2); }
static void make_far_next(void) { disk_desc(0, data, 16, DESC_NEXT, QUEUE); }
static void make_hole(void) { disk_desc(1, (void *)0xd0000000ull, SECTOR, DESC_NEXT | DESC_WRITE, 2); }
static void make_device(void) { disk_desc(1, (void *)IOAPIC_PAGE, 16, DESC_NEXT | DESC_WRITE, 2); }
static void make_wrap(void) { disk_desc(1, (void *)(UINT64_MAX - 255), SECTOR, DESC_NEXT | DESC_WRITE, 2); }
static void make_indirect(void) { disk_desc(1, data, SECTOR, DESC_NEXT | DESC_INDIRECT, 2); }
static void make_order(void) { disk_desc(2, data, 1, 0, 0); }
static void make_no_status(void) { disk_desc(0, data, 16, 0, 0); }
static void make_short_header(void) { disk_desc(0, data, 15, DESC_NEXT, 1); }
static void make_far_head(void) { queue->avail.ring[0] = QUEUE; }
static void make_far_index(void) { queue->avail.idx = QUEUE + 1; }

static const struct {
    const char *what;
    void (*make)(void);
} sins[] = {
    {"a chain that never ends", make_loop},
    {"a descriptor behind the table", make_far_next},
    {"a buffer in the hole", make_hole},
    {"a buffer that is a device", make_device},
    {"a buffer around the end of memory", make_wrap},
    {"an indirect descriptor that was not offered", make_indirect},
    {"what the device writes before what it reads", make_order},
    {"no place for a status", make_no_status},
    {"a short header", make_short_header},
    {"a head behind the table", make_far_head},
    {"more entries than the ring has", make_far_index},
};

static void check_sins(void)
{
    static struct disk_request r;
    for (unsigned i = 0; i < sizeof sins / sizeof *sins; i++) {
        disk_start(disk_features() & ~F_EVENT_IDX);
        disk_submit(&r, 0, T_IN, first_good, data, SECTOR);
        sins[i].make();
        interrupts = 0;
        disk_notify();
        settle();
        sti_nop_cli();
        uint32_t status = disk_read(VIRTIO_STATUS);
        report((status & STATUS_NEEDS_RESET) && interrupts == 1 && queue->used.idx == 0, "%s: the device needs a reset",
               sins[i].what);
    }
    disk_negotiate(disk_features());
    disk_give_queue((uint64_t)queue->desc, (uint64_t)&queue->avail, 0xfffffffffffff000ull, QUEUE);
    report(disk_read(VIRTIO_STATUS) & STATUS_NEEDS_RESET, "a ring outside of memory: the device needs a reset");
    disk_start(disk_features() & ~F_EVENT_IDX);
    report_equal(disk_do(T_IN, first_good, data, SECTOR), S_OK, "which helps");
}

/* A reset with requests under way: they never end. */
static void check_reset(void)
{
    static struct disk_request requests[MANY];
    for (unsigned i = 0; i < MANY; i++)
        disk_submit(&requests[i], 3 * i, T_IN, first_good + i, data + i * SECTOR, SECTOR);
    disk_notify();
    disk_write(VIRTIO_STATUS, 0);
    uint16_t used = queue->used.idx;
    bool is_silent = true;
    for (unsigned i = 0; i < MANY; i++)
        is_silent = is_silent && requests[i].status == S_NONE;
    delay(1000000);
    for (unsigned i = 0; i < MANY; i++)
        is_silent = is_silent && requests[i].status == S_NONE;
    report(is_silent && queue->used.idx == used, "requests under way are forgotten in a reset");
}

int guest_main(void)
{
    if (!disk_find()) {
        report_skip("there is no block device");
        return report_summary();
    }
    data = page_alloc();
    for (unsigned i = 0; i < 3; i++) /* pages follow each other */
        (void)page_alloc();
    other = page_alloc();
    (void)page_alloc();
    is_writable = !(disk_features() & F_BLK_RO);
    open_pins();
    check_registers();
    disk_start(disk_features() & ~F_EVENT_IDX);
    check_every_sector();
    check_read_and_write();
    check_errors();
    check_interrupts();
    check_event_idx();
    check_code();
    check_monitor();
    if (is_qemu()) {
        report_skip("QEMU ends itself, or keeps still, at some mistakes of a driver");
    } else {
        check_sins();
        check_reset();
    }
    return report_summary();
}
