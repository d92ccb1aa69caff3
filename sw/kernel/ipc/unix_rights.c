/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that travel in messages (SCM_RIGHTS), and sockets that only queues still know. */
#include "ipc/unix.h"
#include "mm/mm.h"

enum { IN_FLIGHT_MAX = 16 * FDS_MAX };

struct control_header { /* struct cmsghdr */
    uint64_t bytes;
    int32_t level, type;
};

static struct list all_sockets;
static uint32_t files_in_flight, sockets_in_flight;

static struct rights *create(uint32_t room)
{
    struct rights *r = kmalloc(sizeof *r + room * sizeof(struct file *));
    if (r)
        *r = (struct rights){.count = 0};
    return r;
}

static int add_files(struct rights **out, uint64_t fds, uint64_t count)
{
    struct rights *r = *out;
    if (count > SCM_FDS_MAX || (r && r->count + count > SCM_FDS_MAX))
        return -EINVAL;
    if (count && files_in_flight + count > IN_FLIGHT_MAX)
        return -ETOOMANYREFS;
    if (count && !r) {
        r = *out = create(SCM_FDS_MAX);
        if (!r)
            return -ENOMEM;
    }
    for (uint64_t i = 0; i < count; i++) {
        int fd;
        if (GET_USER(fd, fds + i * sizeof fd))
            return -EFAULT;
        struct file *f = fd_file(fd);
        if (!f)
            return -EBADF;
        r->file[r->count++] = file_get(f);
    }
    return 0;
}

/* A header with `left` bytes from its beginning on, and data at `data`. */
static int add_control(struct rights **out, const struct control_header *h, uint64_t data, uint64_t left)
{
    if (h->bytes < sizeof *h || h->bytes > left)
        return -EINVAL;
    if (h->level != SOL_SOCKET)
        return 0;
    if (h->type == SCM_RIGHTS)
        return add_files(out, data, (h->bytes - sizeof *h) / sizeof(int));
    return h->type == SCM_CREDENTIALS && h->bytes == sizeof *h + sizeof(struct credentials) ? 0 : -EINVAL;
}

int rights_from_user(struct rights **out, uint64_t control, uint64_t bytes)
{
    struct control_header h;
    int error = 0;
    for (uint64_t at = 0; !error && at < bytes && bytes - at >= sizeof h; at += ALIGN_UP(h.bytes, 8)) {
        error = GET_USER(h, control + at) ? -EFAULT : add_control(out, &h, control + at + sizeof h, bytes - at);
    }
    if (error) {
        rights_free(*out);
        *out = NULL;
    }
    return error;
}

void rights_to_user(struct rights *r, uint64_t control, uint64_t bytes, struct transfer *t, uint64_t *used)
{
    struct control_header h = {.level = SOL_SOCKET, .type = SCM_RIGHTS};
    uint64_t fits = control && bytes > sizeof h ? (bytes - sizeof h) / sizeof(int) : 0;
    uint32_t done = 0;
    *used = 0;
    if (!r)
        return;
    for (; done < r->count && done < fits; done++) {
        int fd = fd_install(file_get(r->file[done]), t->flags & MSG_CMSG_CLOEXEC, 0);
        if (fd < 0)
            break;
        if (PUT_USER(control + sizeof h + done * sizeof fd, fd)) {
            fd_close(fd);
            break;
        }
    }
    if (done < r->count)
        t->result_flags |= MSG_CTRUNC;
    h.bytes = sizeof h + done * sizeof(int);
    if (done && PUT_USER(control, h) == 0)
        *used = MIN(ALIGN_UP(h.bytes, 8), bytes);
    rights_free(r);
}

struct rights *rights_copy(const struct rights *r)
{
    struct rights *copy = create(r->count);
    for (uint32_t i = 0; copy && i < r->count; i++)
        copy->file[copy->count++] = file_get(r->file[i]);
    return copy;
}

void rights_set_in_flight(struct rights *r, bool in_flight)
{
    if (!r || r->is_in_flight == in_flight)
        return;
    uint32_t change = in_flight ? 1 : UINT32_MAX;
    r->is_in_flight = in_flight;
    files_in_flight += change * r->count;
    for (uint32_t i = 0; i < r->count; i++) {
        struct unix_socket *s = unix_of(r->file[i]);
        if (s) {
            s->in_flight += change;
            sockets_in_flight += change;
        }
    }
}

/* A file given up may be a socket with more files in its queue, and so on: a list and no recursion. */
void rights_free(struct rights *r)
{
    static struct list doomed;
    static bool is_running;
    if (!r)
        return;
    rights_set_in_flight(r, false);
    if (!doomed.next)
        list_init(&doomed);
    list_append(&doomed, &r->link);
    if (is_running)
        return;
    is_running = true;
    while (!list_is_empty(&doomed)) {
        r = LIST_POP(&doomed, struct rights, link);
        for (uint32_t i = 0; i < r->count; i++)
            file_put(r->file[i]);
        kfree(r);
    }
    is_running = false;
}

/* --- sockets that nobody can reach any more --- */

void unix_add(struct unix_socket *s)
{
    if (!all_sockets.next)
        list_init(&all_sockets);
    list_append(&all_sockets, &s->in_all);
}

static void reach(struct unix_socket *s, struct list *walk)
{
    if (s && !s->is_reachable) {
        s->is_reachable = true;
        list_append(walk, &s->in_walk);
    }
}

/* From every socket that something besides a queue refers to, through queues, to all that can still be received or
 * accepted. */
static void mark_reachable(void)
{
    struct unix_socket *s, *waiting;
    struct message *m;
    struct list walk;
    list_init(&walk);
    LIST_FOR_EACH(s, &all_sockets, in_all) s->is_reachable = false;
    LIST_FOR_EACH(s, &all_sockets, in_all)
    {
        if (s->file && s->file->refs > s->in_flight)
            reach(s, &walk);
    }
    while (!list_is_empty(&walk)) {
        s = LIST_POP(&walk, struct unix_socket, in_walk);
        LIST_FOR_EACH(waiting, &s->pending, in_pending) reach(waiting, &walk);
        LIST_FOR_EACH(m, &s->messages, link)
        {
            for (uint32_t i = 0; m->rights && i < m->rights->count; i++)
                reach(unix_of(m->rights->file[i]), &walk);
        }
    }
}

void unix_collect(void)
{
    static bool is_running;
    struct unix_socket *s;
    struct message *m;
    struct list garbage;
    if (!sockets_in_flight || is_running)
        return;
    mark_reachable();
    list_init(&garbage);
    LIST_FOR_EACH(s, &all_sockets, in_all)
    {
        while (!s->is_reachable && !list_is_empty(&s->messages)) {
            m = LIST_POP(&s->messages, struct message, link);
            list_append(&garbage, &m->link);
            s->message_count--;
        }
    }
    is_running = true;
    while (!list_is_empty(&garbage))
        message_free(LIST_POP(&garbage, struct message, link));
    is_running = false;
}
